import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, settle, throws } from "./harness.mjs";

const fresh = () => createSandbox();

test("timers run in order of their due times, with arguments", async () => {
  const { global, advance, run } = fresh();
  const calls = (global.calls = []);
  const id = run(
    `setTimeout((...a) => calls.push(["late", ...a]), 20, 1, 2); setTimeout(() => calls.push("soon"), 10); setTimeout(() => calls.push("now"))`,
  );
  assert.equal(typeof id, "number");
  same(calls, []);
  await advance(10);
  same(calls, ["now", "soon"]);
  await advance(10);
  same(calls, ["now", "soon", ["late", 1, 2]]);
});

test("clearTimeout takes numbers, strings of digits and nonsense", async () => {
  const { global, advance, pendingTimers } = fresh();
  const calls = [];
  const a = global.setTimeout(() => calls.push("a"), 1);
  const b = global.setTimeout(() => calls.push("b"), 1);
  global.clearTimeout(a);
  global.clearInterval(String(b));
  global.clearTimeout(undefined);
  global.clearTimeout({});
  global.clearTimeout(a);
  assert.equal(pendingTimers(), 0);
  await advance(5);
  same(calls, []);
});

test("an interval repeats until it clears itself, also after a throw", async () => {
  const sandbox = fresh();
  sandbox.run(
    `globalThis.n = 0; const id = setInterval(() => { n++; if (n === 2) throw new Error("second"); if (n === 4) clearInterval(id); }, 5)`,
  );
  await sandbox.advance(100);
  assert.equal(sandbox.global.n, 4);
  same(
    sandbox.exceptions.map((e) => e.message),
    ["second"],
  );
  assert.equal(sandbox.pendingTimers(), 0);
});

test("only functions are accepted", async () => {
  const { global } = fresh();
  await throws(() => global.setTimeout("code", 1), "TypeError");
  await throws(() => global.setInterval(), "TypeError");
});

test("delays are clamped", async () => {
  const { global, advance } = fresh();
  const calls = [];
  for (const delay of [-5, NaN, "x", undefined, null, -Infinity]) global.setTimeout(() => calls.push(delay), delay);
  global.setTimeout(() => calls.push("never"), Infinity);
  await advance(0);
  assert.equal(calls.length, 6);
  await advance(1e9);
  assert.equal(calls.length, 6);
  await advance(3_153_600_000_000);
  assert.equal(calls.at(-1), "never");
});

test("there may be 10 000 at a time", async () => {
  const { global, advance } = fresh();
  for (let i = 0; i < 10_000; i++) global.setTimeout(() => {}, 1e6);
  const error = await throws(() => global.setTimeout(() => {}, 1), "QuotaExceededError");
  assert.equal(error.code, 22);
  for (let id = 1; id <= 10; id++) global.clearTimeout(id);
  global.setTimeout(() => {}, 1);
  await advance(1);
});

test("a callback runs in the async context that set the timer, and leaves it as it was", async () => {
  const sandbox = fresh();
  const frames = [];
  sandbox.setFrame("outer");
  sandbox.global.setTimeout(() => {
    frames.push(sandbox.frame());
    sandbox.setFrame("changed");
  }, 1);
  sandbox.setFrame("other");
  await sandbox.advance(1);
  same(frames, ["outer"]);
  assert.equal(sandbox.frame(), "other");
});

test("the end of an invocation cancels its timers", async () => {
  const sandbox = fresh();
  const calls = [];
  sandbox.global.setTimeout(() => calls.push(1), 1);
  sandbox.global.setInterval(() => calls.push(2), 1);
  assert.equal(sandbox.adopted.size, 2);
  for (const cancel of [...sandbox.adopted]) cancel();
  assert.equal(sandbox.adopted.size, 0);
  await sandbox.advance(10);
  same(calls, []);
  sandbox.global.setTimeout(() => calls.push(3), 1);
  await sandbox.advance(1);
  assert.equal(sandbox.adopted.size, 0);
});

test("scheduler.wait is a promise that a signal can end", async () => {
  const sandbox = fresh();
  const { scheduler, AbortController } = sandbox.global;
  let done = false;
  scheduler.wait(10).then(() => (done = true));
  await sandbox.advance(9);
  assert.equal(done, false);
  await sandbox.advance(1);
  assert.equal(done, true);
  const controller = new AbortController();
  const waiting = scheduler.wait(10, { signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(waiting, (e) => e === "enough");
  assert.equal(sandbox.pendingTimers(), 0);
  await assert.rejects(scheduler.wait(1, { signal: controller.signal }), (e) => e === "enough");
  await throws(() => scheduler.wait(1, { signal: {} }), "TypeError");
  assert.equal(scheduler.postTask, undefined);
  await settle();
});

test("at global scope timers are refused", async () => {
  const sandbox = fresh();
  sandbox.atGlobalScope = true;
  for (const code of ["setTimeout(() => {})", "setInterval(() => {})", "clearTimeout(1)", "scheduler.wait(1)"]) {
    await throws(() => sandbox.run(code), "Error", "Disallowed operation called within global scope");
  }
});
