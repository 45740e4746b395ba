import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown CPU",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    loadAtStart: loadavg()[0],
    node: process.versions.node,
    startedAt: new Date().toISOString(),
  };
}

/** What the kernel could still hand out without swapping; it counts page tables and other kernel memory, which process figures miss. */
export function memAvailableBytes() {
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))[1]) * 1024;
}
