// Interleaved rounds: in each round every runtime is started, measured and stopped alone on the machine,
// and the order changes from round to round, so that a slow minute of the machine hits both alike.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { connect } from "./client.mjs";
import { findLoadGenerator } from "./load-generator.mjs";
import { describeMachine } from "./machine.mjs";
import { measureColdStart, measureHello, measureHostCalls, measureIdleMemory, measureThroughput, warmUp } from "./measures.mjs";
import { jsonReport, markdownReport } from "./report.mjs";
import { findMayfly, findWorkerd } from "./runtimes.mjs";
import { stopEverything } from "./server-process.mjs";

const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));
const QUICK = { name: "quick", rounds: 3, coldStarts: 150, burst: { 1: 100, 8: 200, 32: 200 }, idleSandboxes: 200, hostCalls: 3000, helloSeconds: 2 };
const FULL = { name: "full", rounds: 7, coldStarts: 500, burst: { 1: 300, 8: 600, 32: 600 }, idleSandboxes: 200, hostCalls: 10_000, helloSeconds: 4 };

const USAGE = `usage: bench/run [--quick] [--only mayfly|workerd]

  --quick         about a minute instead of about five
  --only RUNTIME  measures one runtime alone
  MAYFLY_BIN      the mayfly binary, if it is not build/mayfly
`;

/** Resolves to the exit status: 0 measured, 1 something failed or nothing could be measured, 2 usage. */
export async function main(words) {
  const options = parse(words);
  if (options.problem !== undefined) {
    process.stderr.write(`${options.problem}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => void stopEverything().finally(() => process.exit(130)));
  }

  const runtimes = [];
  for (const find of [findMayfly, findWorkerd]) {
    const found = await find(options.only);
    if (found.missing === undefined) runtimes.push(found);
    else if (found.missing !== null) note(found.missing);
  }
  if (runtimes.length === 0) {
    note("there is nothing to measure");
    return 1;
  }

  const plan = options.quick ? QUICK : FULL;
  const loadGenerator = findLoadGenerator();
  const machine = describeMachine();
  const results = new Map(runtimes.map(({ name }) => [name, { failures: [] }]));
  for (let round = 0; round < plan.rounds; round++) {
    for (const runtime of round % 2 === 0 ? runtimes : [...runtimes].reverse()) {
      note(`round ${round + 1} of ${plan.rounds}: ${runtime.name}`);
      await measureRound(runtime, plan, loadGenerator, round, results.get(runtime.name));
    }
  }

  const outcome = { plan, machine, loadGenerator: loadGenerator.name, runtimes, results };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}latest.json`, jsonReport(outcome));
  process.stdout.write(markdownReport(outcome));
  return [...results.values()].some(({ failures }) => failures.length > 0) ? 1 : 0;
}

function parse(words) {
  const options = { quick: false, help: false, only: null };
  for (let index = 0; index < words.length; index++) {
    if (words[index] === "--quick") options.quick = true;
    else if (words[index] === "--help") options.help = true;
    else if (words[index] === "--only" && ["mayfly", "workerd"].includes(words[index + 1])) options.only = words[++index];
    else return { problem: `bench/run: "${words[index]}" is not understood` };
  }
  return options;
}

/** Adds one round to `result`. A measurement that fails is recorded with its reason, and the others go on. */
async function measureRound(runtime, plan, loadGenerator, round, result) {
  const add = (values) => { for (const [key, list] of Object.entries(values)) (result[key] ??= []).push(...list); };
  const unique = `${process.pid}-${Date.now()}-${runtime.name}-${round}`;
  // Memory is measured in a server of its own, before other sandboxes have left their traces in the heap.
  const sittings = [
    [["idle memory", (site) => measureIdleMemory(site, plan.idleSandboxes)]],
    [
      ["warm-up", async (site) => { await warmUp(site, unique); return {}; }],
      ["cold start", (site) => measureColdStart(site, plan.coldStarts, unique)],
      ["fresh sandboxes", (site) => measureThroughput(site, plan.burst, unique)],
      ["host calls", (site) => measureHostCalls(site, plan.hostCalls)],
      ["hello world", (site) => measureHello(site, loadGenerator, plan.helloSeconds)],
    ],
  ];
  const attempt = async (what, action) => {
    try {
      return await action();
    } catch (error) {
      note(`${runtime.name}, ${what}: ${error.message}`);
      result.failures.push({ round: round + 1, what, reason: error.message });
      return undefined;
    }
  };
  for (const measurements of sittings) {
    const server = await attempt("start", () => runtime.start());
    if (server === undefined) continue;
    const client = connect(server.url);
    for (const [what, measure] of measurements) add(await attempt(what, () => measure({ server, client })) ?? {});
    client.close();
    await attempt("stop", () => server.stop());
  }
}

function note(text) {
  process.stderr.write(`bench: ${text}\n`);
}
