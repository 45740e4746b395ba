// The cases and how they end here, as `mayfly test` prints them.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cannotRun } from "./errors.mjs";

const DEFAULT_BINARY = fileURLToPath(new URL("../../../build/mayfly", import.meta.url));
const LINE = /^(ok|not ok) (\S+) > (\S+)/gm;

/** Resolves to `{id, file, name, passed}` of every case in the files of a folder; `id` is "FILE > NAME". */
export async function runMayfly(folder) {
  const binary = process.env.MAYFLY_BIN ?? DEFAULT_BINARY;
  if (!existsSync(binary)) throw cannotRun(`there is no ${binary}`, 'run "make build" first, or set MAYFLY_BIN');
  const files = readdirSync(folder).filter((name) => /^[^_].*\.(js|mjs|ts)$/.test(name) && !name.endsWith(".d.ts")).sort();
  const output = await outputOf(binary, ["test", ...files], folder);
  const cases = [...output.matchAll(LINE)].map(([, result, file, name]) => ({ id: `${file} > ${name}`, file, name, passed: result === "ok" }));
  const silent = files.filter((file) => !cases.some((one) => one.file === file));
  if (silent.length > 0) throw cannotRun(`${silent.join(", ")}: no case ran under ${binary}`, "run mayfly test on the file to see why");
  return cases;
}

function outputOf(binary, args, cwd) {
  return new Promise((resolve, reject) => {
    // Sandboxes that are made to fail complain on stderr; only the verdicts matter here.
    const child = spawn(binary, args, { cwd, stdio: ["ignore", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    child.on("error", (error) => reject(cannotRun(`${binary} does not start: ${error.message}`, "see MAYFLY_BIN")));
    child.on("close", () => resolve(text));
  });
}
