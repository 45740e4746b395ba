// The two runtimes: where they are, which version, how they are started. A finder resolves to
// {name, version, start()}, or to {missing} with the reason in words (null if it was not asked for).
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startServer } from "./server-process.mjs";

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const BENCH = pathOf("..");
const WORKER = pathOf("../worker");
const DEFAULT_MAYFLY = pathOf("../../build/mayfly");
const WORKERD_PLATFORMS = { x64: "linux-64", arm64: "linux-arm64" };

export async function findMayfly(only) {
  if (only === "workerd") return { missing: null };
  const binary = process.env.MAYFLY_BIN ?? DEFAULT_MAYFLY;
  if (!existsSync(binary)) return { missing: `Mayfly is not measured: there is no ${binary}; run "make build" first, or set MAYFLY_BIN` };
  return {
    name: "mayfly",
    version: versionOf(binary),
    start: () => startServer({
      binary, args: ["serve", "wrangler.jsonc", "--listen", "127.0.0.1:0"], cwd: WORKER,
      reportFd: 1, urlIn: (text) => /^listening on (http:\/\/\S+)$/m.exec(text)?.[1] ?? null,
    }),
  };
}

export async function findWorkerd(only) {
  if (only === "mayfly") return { missing: null };
  const platform = WORKERD_PLATFORMS[process.arch];
  if (platform === undefined) return { missing: `workerd is not measured: it has no build for ${process.arch}` };
  const problem = installPinned(`@cloudflare/workerd-${platform}`);
  if (problem !== null) return { missing: `workerd is not measured: ${problem}` };
  // The binary itself: the package's launcher is a Node process, which would be measured with it.
  const binary = pathOf(`../node_modules/@cloudflare/workerd-${platform}/bin/workerd`);
  return {
    name: "workerd",
    version: `npm ${pinnedVersion()} (${versionOf(binary)})`,
    start: () => startServer({
      binary, args: ["serve", "--experimental", "--control-fd=3", "workerd.capnp"], cwd: WORKER,
      reportFd: 3, urlIn: (text) => portIn(text),
    }),
  };
}

function portIn(text) {
  const port = /"event":"listen".*?"port":(\d+)/.exec(text)?.[1];
  return port === undefined ? null : `http://127.0.0.1:${port}`;
}

function pinnedVersion() {
  return Object.values(JSON.parse(readFileSync(`${BENCH}package.json`, "utf8")).optionalDependencies)[0];
}

/** Installs what package-lock.json pins, unless it is there. Null, or what went wrong. */
function installPinned(name) {
  const manifest = `${BENCH}node_modules/${name}/package.json`;
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === pinnedVersion()) return null;
  process.stderr.write(`bench: installing workerd ${pinnedVersion()} into bench/node_modules\n`);
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: BENCH, encoding: "utf8" });
  if (npm.error !== undefined) return `npm could not be started (${npm.error.message})`;
  return npm.status === 0 ? null : `npm ci in bench/ failed:\n${npm.stderr.trimEnd()}`;
}

function versionOf(binary) {
  const { error, status, stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return error === undefined && status === 0 ? stdout.trim().split("\n")[0] : "version unknown";
}
