import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createSandbox, EPOCH_MS, same, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { global, run } = sandbox;

test("globals are defined as on the web", () => {
  for (const name of ["URL", "Request", "ReadableStream", "AbortController", "DOMException", "console"]) {
    const descriptor = Object.getOwnPropertyDescriptor(global, name);
    same([descriptor.enumerable, descriptor.writable, descriptor.configurable], [false, true, true], name);
  }
  for (const name of ["fetch", "setTimeout", "atob", "structuredClone", "addEventListener"]) {
    assert.equal(global[name].name, name);
  }
  assert.equal(global.self, global);
  assert.equal(global.origin, "null");
  assert.equal(run("self instanceof WorkerGlobalScope && self instanceof ServiceWorkerGlobalScope"), true);
  assert.equal(run("({}) instanceof WorkerGlobalScope"), false);
});

test("every class has its name and tag", () => {
  for (const name of Object.getOwnPropertyNames(global)) {
    const cls = global[name];
    if (typeof cls !== "function" || !/^[A-Z]/.test(name) || !(Symbol.toStringTag in (cls.prototype ?? {}))) continue;
    assert.equal(cls.name, name);
    if (sandbox.platform.classes[name]) assert.equal(cls.prototype[Symbol.toStringTag], name);
  }
});

test("names that would mislead programs are absent", () => {
  for (const name of [
    "window",
    "document",
    "location",
    "XMLHttpRequest",
    "Worker",
    "SharedWorker",
    "importScripts",
    "localStorage",
    "sessionStorage",
    "indexedDB",
    "BroadcastChannel",
    "alert",
    "Notification",
    "OffscreenCanvas",
    "ImageData",
    "WebSocketStream",
    "gc",
    "onerror",
    "require",
    "process",
    "Buffer",
    "__mayflyOps",
    "platformBundle",
  ]) {
    assert.equal(name in global, false, name);
  }
  assert.equal("createObjectURL" in global.URL, false);
});

test("navigator says what libraries sniff", () => {
  const { navigator } = global;
  same(
    [navigator.userAgent, navigator.hardwareConcurrency, navigator.language, navigator.platform],
    ["Cloudflare-Workers", 1, "en", ""],
  );
});

test("randomUUID is a version 4 UUID, each time another", () => {
  const a = global.crypto.randomUUID();
  assert.match(a, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(a, global.crypto.randomUUID());
});

test("getRandomValues fills integer arrays up to 64 KiB", async () => {
  const { crypto } = global;
  const array = new global.Uint32Array(64);
  assert.equal(crypto.getRandomValues(array), array);
  assert.ok(array.some((n) => n !== 0));
  crypto.getRandomValues(new global.BigInt64Array(2));
  const whole = new global.Uint8Array(8);
  crypto.getRandomValues(whole.subarray(2, 2));
  same([...whole], [0, 0, 0, 0, 0, 0, 0, 0]);
  await throws(() => crypto.getRandomValues(new global.Float64Array(1)), "TypeMismatchError");
  await throws(() => crypto.getRandomValues(new global.DataView(new global.ArrayBuffer(1))), "TypeMismatchError");
  await throws(() => crypto.getRandomValues([]), "TypeError");
  await throws(() => crypto.getRandomValues(), "TypeError");
  const error = await throws(() => crypto.getRandomValues(new global.Uint8Array(65_537)), "QuotaExceededError");
  assert.equal(error.code, 22);
});

test("digest knows five algorithms, by name or object, in any case", async () => {
  const data = new global.TextEncoder().encode("abc");
  for (const [name, node] of [
    ["SHA-256", "sha256"],
    ["sha-1", "sha1"],
    ["SHA-384", "sha384"],
    ["SHA-512", "sha512"],
    ["MD5", "md5"],
  ]) {
    const got = await global.crypto.subtle.digest(name, data);
    assert.ok(got instanceof global.ArrayBuffer);
    assert.equal(Buffer.from(got).toString("hex"), createHash(node).update("abc").digest("hex"));
  }
  const viaObject = await global.crypto.subtle.digest({ name: "SHA-256" }, data.buffer);
  assert.equal(viaObject.byteLength, 32);
  await throws(() => global.crypto.subtle.digest("SHA-3", data), "NotSupportedError");
  await throws(() => global.crypto.subtle.digest("SHA-256", "text"), "TypeError");
  await throws(() => global.crypto.subtle.digest({}, data), "TypeError");
  await throws(() => global.crypto.subtle.digest("SHA-256"), "TypeError");
});

test("digest copies its input before it returns", async () => {
  const data = new global.Uint8Array([97, 98, 99]);
  const promise = global.crypto.subtle.digest("SHA-256", data);
  data[0] = 0;
  assert.equal(Buffer.from(await promise).toString("hex"), createHash("sha256").update("abc").digest("hex"));
});

test("timingSafeEqual compares bytes", async () => {
  const { subtle } = global.crypto;
  const bytes = (...list) => new global.Uint8Array(list);
  assert.equal(subtle.timingSafeEqual(bytes(1, 2), bytes(1, 2).buffer), true);
  assert.equal(subtle.timingSafeEqual(bytes(1, 2), bytes(1, 3)), false);
  await throws(() => subtle.timingSafeEqual(bytes(1), bytes(1, 2)), "TypeError");
  await throws(() => subtle.timingSafeEqual("a", "a"), "TypeError");
});

test("the other subtle operations say that they are missing", async () => {
  for (const method of [
    "encrypt",
    "decrypt",
    "sign",
    "verify",
    "generateKey",
    "deriveKey",
    "deriveBits",
    "importKey",
    "exportKey",
    "wrapKey",
    "unwrapKey",
  ]) {
    await throws(
      () => global.crypto.subtle[method]({ name: "HMAC" }, {}, {}),
      "NotSupportedError",
      `crypto.subtle.${method}()`,
    );
  }
});

test("crypto's classes cannot be constructed", async () => {
  for (const name of [
    "Crypto",
    "SubtleCrypto",
    "CryptoKey",
    "Navigator",
    "Performance",
    "Scheduler",
    "PerformanceEntry",
  ])
    await throws(() => new global[name](), "TypeError", "Illegal constructor");
});

test("at global scope random values are refused, digests are not", async () => {
  sandbox.atGlobalScope = true;
  await throws(() => global.crypto.randomUUID(), "Error", "Disallowed operation");
  await throws(() => global.crypto.getRandomValues(new global.Uint8Array(1)), "Error", "Disallowed operation");
  assert.equal((await global.crypto.subtle.digest("MD5", new global.Uint8Array(0))).byteLength, 16);
  assert.equal(global.performance.now(), 0);
  sandbox.atGlobalScope = false;
});

test("performance.now is the time of day with fractions, and its origin is 0", async () => {
  const { performance } = global;
  assert.equal(performance.timeOrigin, 0);
  assert.equal(performance.now(), EPOCH_MS + sandbox.nowMs);
  const before = performance.now();
  sandbox.nowMs += 0.25;
  assert.ok(Math.abs(performance.now() - before - 0.25) < 0.01);
  assert.equal(Math.floor(performance.now()), Math.floor(global.Date.now()));
});

test("marks and measures", async () => {
  const { performance } = global;
  performance.mark("a", { startTime: 10, detail: { d: 1 } });
  performance.mark("b", { startTime: 25 });
  const measure = performance.measure("ab", "a", "b");
  same([measure.startTime, measure.duration, measure.entryType, measure.detail], [10, 15, "measure", null]);
  same(
    [
      performance.measure("m", { start: "a", duration: 5 }).duration,
      performance.measure("n", { start: 1, end: 4 }).duration,
    ],
    [5, 3],
  );
  same(
    performance.getEntriesByType("mark").map((e) => e.name),
    ["a", "b"],
  );
  same(performance.getEntriesByName("a")[0].detail, { d: 1 });
  await throws(() => performance.measure("x", "nope"), "SyntaxError");
  performance.clearMarks("a");
  same(
    performance.getEntriesByType("mark").map((e) => e.name),
    ["b"],
  );
  performance.clearMeasures();
  performance.clearMarks();
  same(performance.getEntries(), []);
  same(JSON.parse(JSON.stringify(performance.mark("j", { startTime: 1 }))), {
    name: "j",
    entryType: "mark",
    startTime: 1,
    duration: 0,
    detail: null,
  });
});

test("evaluation and installation use neither time nor randomness", () => {
  same(sandbox.impure, []);
});

test("queueMicrotask runs a function after the current code, and reports what it throws", async () => {
  const got = run(`globalThis.order = []; queueMicrotask(() => order.push("micro")); order.push("sync"); order`);
  await Promise.resolve();
  same([...got], ["sync", "micro"]);
  await throws(() => global.queueMicrotask("code"), "TypeError");
  await throws(() => global.queueMicrotask(), "TypeError");
  run(
    `addEventListener("error", (e) => { globalThis.caught = e.message; e.preventDefault(); }); queueMicrotask(() => { throw new RangeError("m") })`,
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(global.caught, "Uncaught RangeError: m");
});

test("a clock read before the fork does not mislead the sandbox", () => {
  const forked = createSandbox();
  forked.nowMs = 300;
  assert.equal(forked.global.performance.now(), EPOCH_MS + 300);
  forked.forkedAtMs = 400;
  forked.nowMs = 401;
  assert.equal(forked.global.performance.now(), EPOCH_MS + 401);
});
