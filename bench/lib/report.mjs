import { CONNECTIONS } from "./load-generator.mjs";
import { meanOf, medianOf, quantileOf } from "./statistics.mjs";

const p50 = (values) => quantileOf(values, 0.5);
const p99 = (values) => quantileOf(values, 0.99);
const MIB = 1024 * 1024;

// what is shown, the list of values it comes from, how these become one number, its unit, digits, which way is better
const ROWS = [
  ["cold start to result, HTTP client, p50", "coldClientMs", p50, "ms", 2, "lower"],
  ["cold start to result, HTTP client, p99", "coldClientMs", p99, "ms", 2, "lower"],
  ["cold start to result, inside the parent, mean", "coldParentMs", meanOf, "ms", 2, "lower"],
  ["cold start to result, inside the parent, p50", "coldParentMs", p50, "ms", 2, "lower"],
  ["cold start to result, inside the parent, p99", "coldParentMs", p99, "ms", 2, "lower"],
  ["fresh sandboxes, 1 at a time", "sandboxesPerSecondAt1", medianOf, "/s", 0, "higher"],
  ["fresh sandboxes, 8 at a time", "sandboxesPerSecondAt8", medianOf, "/s", 0, "higher"],
  ["fresh sandboxes, 32 at a time", "sandboxesPerSecondAt32", medianOf, "/s", 0, "higher"],
  ["memory per idle sandbox, MemAvailable", "idleAvailableBytes", (values) => medianOf(values) / MIB, "MiB", 2, "lower"],
  ["memory per idle sandbox, PSS of all processes", "idleProportionalBytes", (values) => medianOf(values) / MIB, "MiB", 2, "lower"],
  ["host call round trip", "hostCallUs", medianOf, "µs", 1, "lower"],
  [`hello world, ${CONNECTIONS} connections`, "helloPerSecond", medianOf, "/s", 0, "higher"],
];

/** A table for people, with all that is needed to judge it. */
export function markdownReport({ plan, machine, loadGenerator, runtimes, results }) {
  const header = ["what", ...runtimes.map(({ name }) => name), ...(runtimes.length === 2 ? ["mayfly : workerd"] : []), "better"];
  const rows = ROWS.map(([label, key, reduce, unit, digits, better]) => {
    const values = runtimes.map(({ name }) => reduced(results.get(name), key, reduce));
    const ratio = runtimes.length === 2 ? [values.includes(null) ? "–" : `${(values[0] / values[1]).toFixed(2)}`] : [];
    return [label, ...values.map((value) => (value === null ? "not measured" : `${value.toFixed(digits)} ${unit}`)), ...ratio, better];
  });
  const lines = [
    `## Benchmark (${plan.name}: ${plan.rounds} interleaved rounds, ${machine.startedAt})`, "",
    `* machine: ${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 1024 ** 3).toFixed(0)} GiB, ${machine.kernel}; load at start ${machine.loadAtStart.toFixed(2)}`,
    ...runtimes.map(({ name, version }) => `* ${name}: ${version}`),
    `* HTTP load: ${loadGenerator}; other requests: Node ${machine.node}, one kept-alive connection`,
    `* cold start: ${runtimes.map(({ name }) => `${results.get(name).coldClientMs?.length ?? 0} samples for ${name}`).join(", ")}; the other rows are medians over the rounds`,
    ...runtimes.flatMap(({ name }) => clockNote(name, results.get(name))), "",
    ...table(header, rows), "",
    ...runtimes.flatMap(({ name }) => results.get(name).failures.map(({ round, what, reason }) => `* FAILED: ${name}, round ${round}, ${what}: ${reason}`)),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

/** Everything, with the single values, for machines. */
export function jsonReport({ plan, machine, loadGenerator, runtimes, results }) {
  const summaries = runtimes.map(({ name, version }) => [name, {
    version,
    summary: Object.fromEntries(ROWS.map(([label, key, reduce, unit]) => [label, { value: reduced(results.get(name), key, reduce), unit }])),
    ...results.get(name),
  }]);
  return `${JSON.stringify({ plan, machine, loadGenerator, runtimes: Object.fromEntries(summaries) }, null, 1)}\n`;
}

function reduced(result, key, reduce) {
  const values = result[key];
  return values === undefined || values.length === 0 ? null : reduce(values);
}

/** A runtime may show its workers a coarse clock; then the mean is good and the quantiles are not. */
function clockNote(name, { coldParentMs = [] }) {
  const coarse = coldParentMs.length > 0 && coldParentMs.every(Number.isInteger);
  return coarse ? [`* ${name} gives its workers a clock of whole milliseconds: inside the parent, compare the mean`] : [];
}

function table(header, rows) {
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(header), rule, ...rows.map(line)];
}
