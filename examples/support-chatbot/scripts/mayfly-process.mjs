// `mayfly serve` as a child process: started on a free port, stopped without a trace.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;
const TEARDOWN_ROUNDS = 50;
const TEARDOWN_ROUND_MS = 20;
const LOG_LINES = 40;
const LISTENING = /^listening on (http:\/\/\S+)$/m;

/** Resolves once the server listens; rejects with its output if it ends or stays silent. */
export async function startMayfly(binary, config) {
  const child = spawn(binary, ["serve", config, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise((resolve) => {
    child.once("exit", (status, signal) => resolve(signal ?? `status ${status}`));
    child.once("error", (error) => resolve(error.message));
  });
  let log = [];
  const keep = (chunk) => { log = [...log, ...String(chunk).trimEnd().split("\n")].slice(-LOG_LINES); };
  child.stderr.on("data", keep);

  const url = await waitForUrl(child, exited).catch(async (error) => {
    child.kill("SIGKILL");
    await exited;
    throw new Error(`${binary} did not start: ${error.message}${log.map((line) => `\n  | ${line}`).join("")}`);
  });
  child.stdout.on("data", keep);
  return { url, log: () => log, stop: () => stop(child, exited) };
}

function waitForUrl(child, exited) {
  return new Promise((resolve, reject) => {
    let text = "";
    const deadline = setTimeout(() => reject(new Error(`no "listening on" line within ${START_DEADLINE_MS / 1000} s`)), START_DEADLINE_MS);
    const settle = (act) => { clearTimeout(deadline); child.stdout.off("data", read); act(); };
    function read(chunk) {
      text += chunk;
      const match = LISTENING.exec(text);
      if (match !== null) settle(() => resolve(match[1]));
    }
    child.stdout.on("data", read);
    exited.then((how) => settle(() => reject(new Error(`it ended with ${how}`))));
  });
}

/** Ends the server. Null if it and everything it had started are gone, else what is left, in words. */
async function stop(child, exited) {
  const family = child.exitCode === null && child.signalCode === null ? descendantsOf(child.pid) : [];
  child.kill("SIGTERM");
  let deadline;
  const late = new Promise((resolve) => { deadline = setTimeout(() => resolve(true), STOP_DEADLINE_MS); });
  const isLate = await Promise.race([late, exited.then(() => false)]);
  clearTimeout(deadline);
  if (isLate) {
    child.kill("SIGKILL");
    await exited;
    return `mayfly (pid ${child.pid}) did not end within ${STOP_DEADLINE_MS / 1000} s of SIGTERM and was killed`;
  }
  const orphans = await survivorsOf(family);
  return orphans.length === 0 ? null : `processes left behind: ${orphans.map(({ pid, name }) => `${name} (pid ${pid})`).join(", ")}`;
}

/** Those still alive. What was killed may take the kernel a moment to take down, so it gets that moment. */
async function survivorsOf(family) {
  let alive = family;
  for (let round = 0; alive.length > 0 && round < TEARDOWN_ROUNDS; round++) {
    if (round > 0) await pause(TEARDOWN_ROUND_MS);
    alive = alive.filter(({ pid, startTime }) => readStat(pid)?.startTime === startTime);
  }
  return alive;
}

function descendantsOf(root) {
  const all = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map((pid) => readStat(pid)).filter((stat) => stat !== null);
  const family = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all) {
      if (family.has(parent) && !family.has(pid)) grown = Boolean(family.add(pid));
    }
  }
  return all.filter(({ pid }) => pid !== root && family.has(pid));
}

/** A process is told from a later one with the same pid by its start time. Zombies count as gone. */
function readStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    return { pid: Number(pid), name: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")), parent: Number(fields[1]), startTime: fields[19] };
  } catch {
    return null;
  }
}
