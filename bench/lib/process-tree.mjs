import { readFileSync, readdirSync } from "node:fs";

/** `root` and everything below it that is alive now: {pid, startTime}. A pid that is used again has another start time. */
export function processTree(root) {
  const all = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).map(Number).map(readProcess).filter((entry) => entry !== null);
  const childrenOf = groupedByParent(all);
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...(childrenOf.get(pid) ?? []));   // grows while it is walked
  return tree;
}

export function isAlive({ pid, startTime }) {
  return readProcess(pid)?.startTime === startTime;
}

/** Proportional set size of the whole tree; null if the kernel does not let us read one of its members. */
export function proportionalSetBytes(root) {
  let total = 0;
  for (const member of processTree(root)) {
    try {
      total += Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${member.pid}/smaps_rollup`, "utf8"))[1]) * 1024;
    } catch {
      if (isAlive(member)) return null;
    }
  }
  return total;
}

function readProcess(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? null : { pid, parent: Number(parent), startTime: rest[17] };
  } catch {
    return null;
  }
}

function groupedByParent(processes) {
  const groups = new Map();
  for (const entry of processes) groups.set(entry.parent, [...(groups.get(entry.parent) ?? []), entry]);
  return groups;
}
