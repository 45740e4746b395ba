import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ask, knownQuestions, openDesk } from "./desk.mjs";
import { startMayfly } from "./mayfly-process.mjs";
import { Story } from "./story.mjs";
import { verdictOn } from "./verdict.mjs";

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const CONFIG = pathOf("../wrangler.jsonc");
const DEFAULT_BINARY = pathOf("../../../build/mayfly");
const NEIGHBOURS_AFTERWARDS = 3;

/** Tells the whole story; resolves to the exit status. */
export async function main() {
  const story = new Story(process.stdout);
  const binary = process.env.MAYFLY_BIN ?? DEFAULT_BINARY;
  if (!existsSync(binary)) {
    story.failure(`there is no ${binary}: run "make build" first, or set MAYFLY_BIN to a mayfly binary`);
    return 1;
  }
  const cases = JSON.parse(readFileSync(pathOf("../expected.json"), "utf8"));

  let mayfly;
  try {
    mayfly = await startMayfly(binary, CONFIG);
  } catch (error) {
    story.failure(error.message);
    return 1;
  }
  const interrupt = () => void mayfly.stop().finally(() => process.exit(130));
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);

  let failures = 1;
  const desk = openDesk(mayfly.url);
  try {
    story.opening(mayfly.url, cases.length);
    failures = await askAll(story, desk, cases);
    for (const question of await unaskedQuestions(desk, cases)) {
      failures++;
      story.failure(`expected.json does not ask "${question}", for which a program is recorded`);
    }
  } catch (error) {
    story.failure(`the story broke off: ${error.message}`);
  } finally {
    desk.close();
    const leftover = await mayfly.stop();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    if (leftover !== null) failures++;
    story.stopped(leftover);
    if (failures > 0) story.serverLog(mayfly.log());
  }
  story.ending(failures);
  return failures === 0 ? 0 : 1;
}

/** Asks the questions one after the other; resolves to the number of unexpected outcomes. */
async function askAll(story, desk, cases) {
  const honest = cases[0];
  let failures = 0;
  for (const [index, expected] of cases.entries()) {
    story.question(index + 1, expected);
    const asked = ask(desk, expected);
    const neighbours = expected.besideOthers ? await askUntilSettled(desk, honest, asked) : null;
    const reply = await asked;
    const complaint = verdictOn(expected, reply);
    story.reply(expected, reply, complaint);
    if (complaint !== null) failures++;
    if (neighbours !== null) {
      story.neighbours(neighbours);
      failures += neighbours.complaints.length;
    }
  }
  return failures;
}

/** A recorded program that nobody asks for would be one that nobody has seen working. */
async function unaskedQuestions(desk, cases) {
  const asked = new Set(cases.map(({ question }) => question));
  return (await knownQuestions(desk)).filter((question) => !asked.has(question));
}

/**
 * While `misbehaving` runs, another customer's question is asked again and again, and a few times after
 * it ended: neither the ones beside it nor the ones behind it may suffer.
 */
async function askUntilSettled(desk, honest, misbehaving) {
  let settled = false;
  misbehaving.then(() => { settled = true; }, () => { settled = true; });
  const beside = [];
  const complaints = [];
  for (let after = 0; after < NEIGHBOURS_AFTERWARDS; ) {
    const startedBeside = !settled;
    const reply = await ask(desk, honest);
    const complaint = verdictOn(honest, reply);
    if (complaint !== null) complaints.push(complaint);
    if (startedBeside) beside.push(reply.roundTripMs);
    else after++;
  }
  return { count: beside.length, slowestMs: Math.max(...beside), complaints };
}
