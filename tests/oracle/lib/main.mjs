// One run: every case here, every case there, and what to make of the two (verdict.mjs).
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runMayfly } from "./mayfly.mjs";
import { makeTask } from "./task.mjs";
import { judge, staleEntries } from "./verdict.mjs";
import { findWorkerd, runCase } from "./workerd.mjs";

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const CONFORMANCE = pathOf("../../conformance");
const DIFFERENCES = pathOf("../differences.json");

export async function main(args) {
  if (args.length > 1 || args[0]?.startsWith("-")) return usage(`what is "${args.find((arg) => arg.startsWith("-")) ?? args[1]}"?`);
  let pattern;
  try {
    pattern = new RegExp(args[0] ?? "");
  } catch (error) {
    return usage(error.message);
  }
  const scratch = mkdtempSync(join(tmpdir(), "mayfly-oracle-"));
  try {
    return await compare(pattern, scratch);
  } catch (error) {
    if (error.code !== "oracle.cannot-run") throw error;
    console.error(error.message);
    return 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function usage(problem) {
  console.error(`error[oracle.usage]: ${problem}\n  fix    tests/oracle/run [PATTERN], a regular expression on "FILE > CASE"`);
  return 2;
}

async function compare(pattern, scratch) {
  const listed = JSON.parse(readFileSync(DIFFERENCES, "utf8"));
  const { binary, version } = findWorkerd();
  const here = await runMayfly(CONFORMANCE);
  const cases = here.filter(({ id }) => pattern.test(id));
  console.log(`[oracle] ${cases.length} cases, held against ${version}`);

  const tasks = new Map();
  for (const file of new Set(cases.map(({ file }) => file))) tasks.set(file, await makeTask(CONFORMANCE, file, scratch));
  const verdicts = await inParallel(cases, async (one) => {
    const entry = listed[one.id];
    const there = entry?.there === "skipped" ? null : await runCase(binary, tasks.get(one.file), one.name);
    return judge(one, entry, there);
  });
  // A case left out by the pattern is no reason to doubt its entry.
  verdicts.push(...staleEntries(listed, here));
  return report(verdicts);
}

async function inParallel(items, body) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await body(items[index]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

function report(verdicts) {
  const count = (kind) => verdicts.filter((verdict) => verdict.kind === kind).length;
  for (const { kind, id, detail } of verdicts) if (kind === "problem") console.log(`${id}\n${detail.replace(/^/gm, "    ")}`);
  const problems = count("problem");
  if (problems > 0) console.log(`${problems} not as expected`);
  console.log(`${count("agrees")} agree, ${count("differs")} differ as listed, ${count("skipped")} skipped`);
  return problems === 0 && count("agrees") > 0 ? 0 : 1;
}
