// A server under measurement: started, found by the address it reports, stopped with everything below it.
import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { isAlive, processTree } from "./process-tree.mjs";

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;
const GONE_ROUNDS = 50;
const GONE_ROUND_MS = 20;
const LOG_BYTES = 4000;

const running = new Set();

/**
 * Starts `binary`. The server's address is what `urlIn(text)` finds (else null) in the text written to file
 * descriptor `reportFd`. Resolves to {url, pid, stop()}; stop() rejects if something had to be killed.
 */
export async function startServer({ binary, args, cwd, reportFd, urlIn }) {
  const child = spawn(binary, args, { cwd, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  let log = "";
  const keep = (chunk) => { log = (log + chunk).slice(-LOG_BYTES); };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise((resolve) => {
    child.once("exit", (status, signal) => resolve(signal ?? `status ${status}`));
    child.once("error", (error) => resolve(error.message));
  });
  const server = { pid: child.pid, child, exited };
  running.add(server);
  try {
    const url = await reportedUrl(child.stdio[reportFd], exited, urlIn);
    return { url, pid: child.pid, stop: () => stop(server) };
  } catch (error) {
    child.kill("SIGKILL");
    await exited;
    running.delete(server);
    throw new Error(`${binary} did not start: ${error.message}${log === "" ? "" : `\n${log.trimEnd()}`}`);
  }
}

/** For the way out: ends all servers still running. */
export async function stopEverything() {
  await Promise.allSettled([...running].map(stop));
}

function reportedUrl(stream, exited, urlIn) {
  return new Promise((resolve, reject) => {
    let text = "";
    const deadline = setTimeout(() => reject(new Error(`it reported no address within ${START_DEADLINE_MS / 1000} s`)), START_DEADLINE_MS);
    stream.on("data", (chunk) => {
      text = (text + chunk).slice(-LOG_BYTES);
      const url = urlIn(text);
      if (url !== null) {
        clearTimeout(deadline);
        resolve(url);
      }
    });
    exited.then((how) => { clearTimeout(deadline); reject(new Error(`it ended with ${how}`)); });
  });
}

async function stop(server) {
  const { child, exited } = server;
  const family = processTree(child.pid);
  child.kill("SIGTERM");
  const inTime = await Promise.race([exited.then(() => true), pause(STOP_DEADLINE_MS, false, { ref: false })]);
  if (!inTime) child.kill("SIGKILL");
  await exited;
  const orphans = await survivorsOf(family);
  for (const { pid } of orphans) process.kill(pid, "SIGKILL");
  running.delete(server);
  if (!inTime) throw new Error(`it did not end within ${STOP_DEADLINE_MS / 1000} s of SIGTERM`);
  if (orphans.length > 0) throw new Error(`it left ${orphans.length} processes behind, which were killed`);
}

/** What has been killed may take the kernel a moment to take down. */
async function survivorsOf(family) {
  let alive = family.filter(isAlive);
  for (let round = 0; alive.length > 0 && round < GONE_ROUNDS; round++) {
    await pause(GONE_ROUND_MS);
    alive = alive.filter(isAlive);
  }
  return alive;
}
