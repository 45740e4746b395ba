// examples/support-chatbot: every answer and every refusal of expected.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BINARY, REPOSITORY, runProgram, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { IS_ROOT } from "./_ordinary-user.mjs";

const EXAMPLE = `${REPOSITORY}/examples/support-chatbot`;
const cases = JSON.parse(readFileSync(`${EXAMPLE}/expected.json`, "utf8"));

/** What the demo printed as one line per paragraph, so that wrapped answers can be matched. */
const unwrap = (text) => text.replace(/\s+/g, " ");

async function playDemo(ordinary) {
  const env = { MAYFLY_BIN: BINARY, NO_COLOR: "1" };
  const { status, stdout, stderr } = await runProgram(process.execPath, [`${EXAMPLE}/demo`], { env, ordinary, deadlineMs: TEST_DEADLINE_MS });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /Every answer and every refusal was as expected\./);
  assert.match(stdout, /Mayfly was stopped; no process of it is left\./);
  assert.doesNotMatch(stdout, /NOT AS EXPECTED/);
  const story = unwrap(stdout);
  for (const { question, answer, refusal } of cases) {
    assert.ok(story.includes(unwrap(question)), question);
    if (answer) assert.match(story, new RegExp(answer.replace(/^\^|\$$/g, ""), "u"));
    if (refusal) assert.match(story, new RegExp(`refused: ${refusal.name.replace(/[$^]/g, "")}: .*${refusal.message.replace("^", "")}`, "u"));
  }
}

if (IS_ROOT) test("the demo gives every answer and every refusal, as root", { timeout: TEST_DEADLINE_MS }, () => playDemo(false));

test("the demo gives every answer and every refusal, as an ordinary user", { timeout: TEST_DEADLINE_MS }, () => playDemo(true));

test("the demo asks about a jacket that was changed, a bug, an endless loop, the network and a memory bomb", () => {
  const all = JSON.stringify(cases);
  for (const word of ["blue jacket", "TypeError", "CPU time limit", "memory limit", "not permitted to access the internet"]) {
    assert.ok(all.includes(word), word);
  }
});
