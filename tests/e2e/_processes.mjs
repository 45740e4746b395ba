// Processes as /proc shows them. A process is told from a later one with the same pid by its start time.
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const DEADLINE_MS = 20_000;
const ROUND_MS = 10;

/** {pid, parent, startTime, name}; null if it is gone. Zombies are gone: nothing of them runs or is held. */
export function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return null;
    return { pid: Number(pid), parent: Number(fields[1]), startTime: fields[19] };
  } catch {
    return null;
  }
}

const allProcesses = () => readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(statOf).filter((stat) => stat !== null);

export const childrenOf = (pid) => allProcesses().filter(({ parent }) => parent === pid).map((stat) => stat.pid);

/** All processes below `pid`, itself included, as statOf() describes them. */
export function familyOf(pid) {
  const all = allProcesses();
  const family = new Set([pid]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const stat of all) if (family.has(stat.parent)) family.add(stat.pid);
  }
  return all.filter((stat) => family.has(stat.pid));
}

export const isAlive = ({ pid, startTime }) => statOf(pid)?.startTime === startTime;

/** The pid of the zygote of `profile` below a running mayfly: "parents" or "standard"; undefined if there is none. */
export function zygoteOf(mayfly, profile) {
  return childrenOf(mayfly).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`--profile=${profile}\0`);
    } catch {
      return false;
    }
  });
}

/** Pids of the sandboxes for dynamic workers, blank ones included. */
export const sandboxesOf = (mayfly) => { const zygote = zygoteOf(mayfly, "standard"); return zygote === undefined ? [] : childrenOf(zygote); };

export const openDescriptorsOf = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/**
 * Resolves to what `look` finds (or promises) as soon as that is not false, null or undefined. The kernel
 * announces nothing about processes that are not our children, so it is asked again until the deadline.
 */
export async function until(what, look, deadlineMs = DEADLINE_MS) {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await pause(ROUND_MS);
  }
}
