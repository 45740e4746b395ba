// workerd as a black box: where it is, and one case in a process of its own.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cannotRun } from "./errors.mjs";

const ORACLE = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = { x64: "@cloudflare/workerd-linux-64", arm64: "@cloudflare/workerd-linux-arm64" };
const DEADLINE_MS = 20_000;
// workerd has no limits of its own: a new case that fills the memory must not take the machine along.
const DATA_KIB = 2 * 1024 * 1024;

/** The binary that package-lock.json pins, installed into node_modules/ here when it is missing. */
export function findWorkerd() {
  const name = PACKAGES[process.arch];
  if (name === undefined) throw cannotRun(`workerd has no build for ${process.arch}`, "run it on another machine");
  const version = JSON.parse(readFileSync(`${ORACLE}package.json`, "utf8")).optionalDependencies[name];
  const installed = `${ORACLE}node_modules/${name}`;
  if (versionIn(`${installed}/package.json`) !== version) install(version);
  return { binary: `${installed}/bin/workerd`, version: `workerd ${version}` };
}

function versionIn(manifest) {
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : null;
}

function install(version) {
  console.error(`[oracle] installing workerd ${version} into tests/oracle/node_modules`);
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: ORACLE, encoding: "utf8" });
  if (npm.status === 0) return;
  throw cannotRun(`npm ci in tests/oracle did not succeed: ${npm.error?.message ?? npm.stderr.trim()}`,
    "check the network and npm's registry setting (npm config get registry), then run it again");
}

/** Resolves to `{passed, said}`; `said` is the error of a case that failed, or why there is none. */
export function runCase(binary, config, name) {
  return new Promise((resolve, reject) => {
    const script = `ulimit -d ${DATA_KIB}; exec "$@"`;
    const child = spawn("/bin/sh", ["-c", script, "sh", binary, "test", "--experimental", config, `main:${name}`], { stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, DEADLINE_MS);
    child.stderr.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(deadline);
      // A filter that matches nothing passes too, so the case must have been seen to run.
      const passed = status === 0 && text.includes(`[ PASS ] main:${name} `);
      const end = late ? `no end within ${DEADLINE_MS} ms` : `ended with ${signal ?? `status ${status}`}`;
      resolve({ passed, said: late ? end : (errorIn(text) ?? `${end}\n${text.trim()}`) });
    });
  });
}

/** The exception that ended the test: the last one reported, without its stack. */
function errorIn(text) {
  return [...text.matchAll(/uncaught exception; source = [^;]*; stack = (.*?)(?=\n {4}at |\nworkerd\/)/gs)].at(-1)?.[1] ?? null;
}
