import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { global, run } = sandbox;
const {
  Event,
  EventTarget,
  CustomEvent,
  ErrorEvent,
  MessageEvent,
  CloseEvent,
  PromiseRejectionEvent,
  AbortController,
  AbortSignal,
} = global;

test("an event knows its type and options", async () => {
  const event = new Event("x", { bubbles: 1, cancelable: true, composed: true });
  same(
    [
      event.type,
      event.bubbles,
      event.cancelable,
      event.composed,
      event.defaultPrevented,
      event.target,
      event.eventPhase,
      event.isTrusted,
    ],
    ["x", true, true, true, false, null, 0, false],
  );
  same([...event.composedPath()], []);
  assert.equal(Event.AT_TARGET, 2);
  assert.equal(event.BUBBLING_PHASE, 3);
  await throws(() => new Event(), "TypeError");
  await throws(() => new Event("x", 5), "TypeError");
});

test("listeners run in order, once per registration, with this and target set", () => {
  const target = new EventTarget();
  const calls = [];
  const listener = function (event) {
    calls.push([this === target, event.target === target, event.currentTarget === target, event.eventPhase]);
  };
  target.addEventListener("x", listener);
  target.addEventListener("x", listener);
  target.addEventListener("x", () => calls.push("second"));
  const event = new Event("x");
  assert.equal(target.dispatchEvent(event), true);
  same(calls, [[true, true, true, 2], "second"]);
  assert.equal(event.currentTarget, null);
  assert.equal(event.target, target);
  target.removeEventListener("x", listener);
  target.dispatchEvent(event);
  assert.equal(calls.length, 3);
});

test("capturing listeners come first and are distinct", () => {
  const target = new EventTarget();
  const calls = [];
  const listener = () => calls.push("both");
  target.addEventListener("x", () => calls.push("bubble"));
  target.addEventListener("x", listener, true);
  target.addEventListener("x", listener);
  target.dispatchEvent(new Event("x"));
  same(calls, ["both", "bubble", "both"]);
  target.removeEventListener("x", listener);
  target.dispatchEvent(new Event("x"));
  same(calls.slice(3), ["both", "bubble"]);
});

test("once, passive and signal", () => {
  const target = new EventTarget();
  const calls = [];
  const controller = new AbortController();
  target.addEventListener("x", () => calls.push("once"), { once: true });
  target.addEventListener("x", (event) => event.preventDefault(), { passive: true });
  target.addEventListener("x", () => calls.push("until"), { signal: controller.signal });
  assert.equal(target.dispatchEvent(new Event("x", { cancelable: true })), true);
  controller.abort();
  target.dispatchEvent(new Event("x"));
  same(calls, ["once", "until"]);
  target.addEventListener("y", () => calls.push("never"), { signal: controller.signal });
  target.dispatchEvent(new Event("y"));
  assert.equal(calls.length, 2);
});

test("preventDefault, stopImmediatePropagation and returnValue", () => {
  const target = new EventTarget();
  const calls = [];
  target.addEventListener("x", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  target.addEventListener("x", () => calls.push(1));
  const event = new Event("x", { cancelable: true });
  assert.equal(target.dispatchEvent(event), false);
  assert.equal(event.defaultPrevented, true);
  assert.equal(event.returnValue, false);
  same(calls, []);
  assert.equal(target.dispatchEvent(new Event("x")), true);
});

test("listener objects, and listeners added or removed during a dispatch", () => {
  const target = new EventTarget();
  const calls = [];
  const object = {
    handleEvent(event) {
      calls.push([this === object, event.type]);
    },
  };
  target.addEventListener("x", object);
  const late = () => calls.push("late");
  const removed = () => calls.push("removed");
  target.addEventListener("x", () => {
    target.addEventListener("x", late);
    target.removeEventListener("x", removed);
  });
  target.addEventListener("x", removed);
  target.dispatchEvent(new Event("x"));
  same(calls, [[true, "x"]]);
});

test("a throwing listener is reported and does not stop the others", () => {
  sandbox.exceptions.length = 0;
  const target = new EventTarget();
  const calls = [];
  target.addEventListener("x", () => {
    throw new global.RangeError("bad");
  });
  target.addEventListener("x", {});
  target.addEventListener("x", () => calls.push(1));
  target.dispatchEvent(new Event("x"));
  same(calls, [1]);
  same(
    sandbox.exceptions.map((e) => e.name),
    ["RangeError", "TypeError"],
  );
});

test("misuse of EventTarget", async () => {
  const target = new EventTarget();
  await throws(() => target.addEventListener("x", 5), "TypeError");
  await throws(() => target.addEventListener("x"), "TypeError");
  await throws(() => target.addEventListener("x", () => {}, { signal: {} }), "TypeError");
  await throws(() => target.dispatchEvent({ type: "x" }), "TypeError");
  await throws(() => EventTarget.prototype.addEventListener.call({}, "x", () => {}), "TypeError");
  target.addEventListener("x", null);
  target.addEventListener("x", (event) => {
    assert.throws(() => target.dispatchEvent(event), { name: "InvalidStateError" });
  });
  sandbox.exceptions.length = 0;
  target.dispatchEvent(new Event("x"));
  same(sandbox.exceptions, []);
});

test("EventTarget can be subclassed", () => {
  assert.equal(
    run(`class Bus extends EventTarget { #n = 1; emit() { return this.dispatchEvent(new Event("e")); } }
    let got; const bus = new Bus(); bus.addEventListener("e", (e) => got = e.target === bus); bus.emit(); got`),
    true,
  );
});

test("events that carry something", async () => {
  assert.equal(new CustomEvent("c", { detail: 5 }).detail, 5);
  assert.equal(new CustomEvent("c").detail, null);
  const error = new ErrorEvent("error", { message: "m", filename: "f", lineno: 3, colno: -1, error: 7 });
  same([error.message, error.filename, error.lineno, error.colno, error.error], ["m", "f", 3, 4294967295, 7]);
  const message = new MessageEvent("message", { data: { a: 1 }, origin: "o" });
  same(
    [message.data, message.origin, message.lastEventId, message.source, message.ports],
    [{ a: 1 }, "o", "", null, []],
  );
  const close = new CloseEvent("close", { code: 1000, reason: "r", wasClean: true });
  same([close.code, close.reason, close.wasClean], [1000, "r", true]);
  const promise = Promise.resolve();
  const rejection = new PromiseRejectionEvent("unhandledrejection", { promise, reason: "why" });
  assert.equal(rejection.promise, promise);
  assert.equal(rejection.reason, "why");
  await throws(() => new PromiseRejectionEvent("x", {}), "TypeError");
  assert.ok(message instanceof Event);
});

test("an AbortController aborts its signal once", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [];
  signal.onabort = function (event) {
    calls.push(["on", this === signal, event.isTrusted]);
  };
  signal.addEventListener("abort", () => calls.push("listener"));
  assert.equal(signal.aborted, false);
  signal.throwIfAborted();
  controller.abort("why");
  controller.abort("again");
  same(calls, [["on", true, true], "listener"]);
  assert.equal(signal.aborted, true);
  assert.equal(signal.reason, "why");
  assert.throws(
    () => signal.throwIfAborted(),
    (e) => e === "why",
  );
});

test("the default reason is an AbortError", () => {
  const controller = new AbortController();
  controller.abort();
  assert.equal(controller.signal.reason.name, "AbortError");
  assert.equal(controller.signal.reason.code, 20);
  assert.ok(controller.signal.reason instanceof global.DOMException);
  assert.equal(AbortSignal.abort().reason.name, "AbortError");
  assert.equal(AbortSignal.abort(null).reason, null);
});

test("onabort keeps its place and can be taken back", () => {
  const controller = new AbortController();
  const calls = [];
  controller.signal.onabort = () => calls.push("first value");
  controller.signal.addEventListener("abort", () => calls.push("listener"));
  controller.signal.onabort = () => calls.push("second value");
  controller.abort();
  same(calls, ["second value", "listener"]);
  const other = new AbortController();
  other.signal.onabort = () => calls.push("never");
  other.signal.onabort = null;
  assert.equal(other.signal.onabort, null);
  other.abort();
  assert.equal(calls.length, 2);
});

test("AbortSignal.timeout aborts with a TimeoutError", async () => {
  const signal = AbortSignal.timeout(50);
  await sandbox.advance(49);
  assert.equal(signal.aborted, false);
  await sandbox.advance(1);
  assert.equal(signal.aborted, true);
  assert.equal(signal.reason.name, "TimeoutError");
  await throws(() => AbortSignal.timeout(-1), "TypeError");
  await throws(() => AbortSignal.timeout(NaN), "TypeError");
  await throws(() => AbortSignal.timeout(), "TypeError");
});

test("AbortSignal.any follows all of its sources", async () => {
  const a = new AbortController();
  const b = new AbortController();
  const both = AbortSignal.any([a.signal, b.signal]);
  const nested = AbortSignal.any([both]);
  const order = [];
  a.signal.addEventListener("abort", () => order.push("a"));
  both.addEventListener("abort", () => order.push(["both", nested.aborted]));
  nested.addEventListener("abort", () => order.push("nested"));
  b.abort("from b");
  same(order, [["both", true], "nested"]);
  assert.equal(both.reason, "from b");
  a.abort("from a");
  assert.equal(nested.reason, "from b");
  assert.equal(AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason, 1);
  assert.equal(AbortSignal.any([]).aborted, false);
  await throws(() => AbortSignal.any([{}]), "TypeError");
  await throws(() => AbortSignal.any(), "TypeError");
});

test("signals cannot be constructed", async () => {
  await throws(() => new AbortSignal(), "TypeError", "Illegal constructor");
});

test("at global scope, controllers and timeouts are refused, aborted signals are not", async () => {
  sandbox.atGlobalScope = true;
  await throws(() => new AbortController(), "Error", "Disallowed operation called within global scope");
  await throws(() => AbortSignal.timeout(1), "Error", "Disallowed operation");
  assert.equal(AbortSignal.abort().aborted, true);
  assert.equal(new Event("x").timeStamp, 0);
  sandbox.atGlobalScope = false;
});

test("the global object is an event target", async () => {
  const seen = run(
    `globalThis.seen = []; addEventListener("x", function (e) { seen.push(this === globalThis, e.target === globalThis); }); dispatchEvent(new Event("x")); seen`,
  );
  same([...seen], [true, true]);
  await throws(() => run("addEventListener('x')"), "TypeError");
});

test("reportError fires error on the global object, then goes to the operator", () => {
  sandbox.exceptions.length = 0;
  run("reportError(new RangeError('lone'))");
  assert.equal(sandbox.exceptions.length, 1);
  run(
    `globalThis.caught = []; globalThis.onErr = (e) => { caught.push(e.message, e.error); e.preventDefault(); }; addEventListener("error", onErr); reportError(new TypeError("boo")); removeEventListener("error", onErr);`,
  );
  same([...global.caught][0], "Uncaught TypeError: boo");
  assert.equal(sandbox.exceptions.length, 1);
  run(
    `addEventListener("error", globalThis.thrower = () => { throw new Error("in listener"); }); reportError(1); removeEventListener("error", thrower)`,
  );
  assert.equal(sandbox.exceptions.length, 3);
});

test("unhandled rejections can be delivered", () => {
  run(`globalThis.reasons = []; addEventListener("unhandledrejection", (e) => reasons.push(e.reason, e.isTrusted));`);
  sandbox.platform.dispatchGlobal(
    new PromiseRejectionEvent("unhandledrejection", { promise: Promise.resolve(), reason: "r", cancelable: true }),
  );
  same([...global.reasons], ["r", true]);
  assert.equal(sandbox.platform.hasGlobalListeners("unhandledrejection"), true);
  assert.equal(sandbox.platform.hasGlobalListeners("rejectionhandled"), false);
});
