import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "node:util";
import { createSandbox, same, throws } from "./harness.mjs";

const { global, run, runAsync } = createSandbox();
const { DOMException, structuredClone } = global;

test("a DOMException has name, message and code", () => {
  const error = new DOMException("m", "NotFoundError");
  same([error.name, error.message, error.code, String(error)], ["NotFoundError", "m", 8, "NotFoundError: m"]);
  assert.ok(error instanceof global.Error);
  assert.ok(types.isNativeError(error));
  same([new DOMException().name, new DOMException().message, new DOMException().code], ["Error", "", 0]);
  assert.equal(new DOMException("x", "Unknown").code, 0);
  assert.equal(Object.prototype.toString.call(error), "[object DOMException]");
  same(Object.keys(error), []);
});

test("name and message cannot be assigned, cause can be given", () => {
  const cause = {};
  const error = new DOMException("m", { name: "AbortError", cause });
  assert.equal(error.cause, cause);
  assert.equal(error.code, 20);
  assert.equal(new DOMException("m", {}).name, "Error");
  assert.throws(
    () => {
      error.name = "x";
    },
    { name: "TypeError" },
  );
});

test("the stack names the error and the place", () => {
  const stack = run("function here() { return new DOMException('m', 'DataError').stack } here()");
  assert.match(stack, /^DataError: m\n\s+at here \(program\.js/);
});

test("legacy constants are on the class and on instances", () => {
  assert.equal(DOMException.DATA_CLONE_ERR, 25);
  assert.equal(new DOMException().QUOTA_EXCEEDED_ERR, 22);
  for (const [name, code] of [
    ["IndexSizeError", 1],
    ["NotSupportedError", 9],
    ["InvalidStateError", 11],
    ["SyntaxError", 12],
    ["TimeoutError", 23],
    ["DataCloneError", 25],
  ]) {
    assert.equal(new DOMException("", name).code, code);
  }
});

test("its accessors refuse other objects", async () => {
  await throws(() => Object.getOwnPropertyDescriptor(DOMException.prototype, "code").get.call({}), "TypeError");
});

test("structuredClone copies the language's types, with cycles", () => {
  const source = run(
    `globalThis.o = { a: [1, , 3], m: new Map([["k", new Set([1])]]), d: new Date(5), r: /x/g, u: undefined, n: NaN, b: 5n, t: new Uint8Array([1, 2]) }; o.self = o; o`,
  );
  const copy = structuredClone(source);
  assert.notEqual(copy, source);
  assert.equal(copy.self, copy);
  assert.equal(copy.m.get("k").has(1), true);
  assert.equal(+copy.d, 5);
  assert.equal(copy.r.source, "x");
  assert.equal(1 in copy.a, false);
  assert.ok("u" in copy);
  assert.equal(copy.b, 5n);
  same([...copy.t], [1, 2]);
  assert.equal(structuredClone("x"), "x");
  assert.equal(structuredClone(undefined), undefined);
});

test("what cannot be copied is a DataCloneError", async () => {
  for (const code of ["() => {}", "Symbol('s')", "({ f() {} })", "new Map([[1, () => {}]])", "[Symbol()]"]) {
    const error = await throws(() => run(`structuredClone(${code})`), "DataCloneError", "could not be cloned");
    assert.equal(error.code, 25);
    assert.ok(error instanceof DOMException);
  }
  await throws(() => structuredClone(), "TypeError");
});

test("what a getter throws goes through", async () => {
  await throws(() => run("structuredClone({ get x() { throw new RangeError('mine') } })"), "RangeError", "mine");
});

test("DOMExceptions, Blobs and Files keep their class", async () => {
  const got = await runAsync(`
    const blob = new Blob(["hi"], { type: "text/x" });
    const source = { e: new DOMException("m", "AbortError"), list: [blob, blob], map: new Map([[blob, new File(["f"], "n.txt", { lastModified: 7 })]]) };
    source.self = source;
    const copy = structuredClone(source);
    const file = [...copy.map.values()][0];
    return [copy.e instanceof DOMException, copy.e.name, copy.e.stack === source.e.stack, copy.list[0] === copy.list[1], copy.list[0] !== blob,
      await copy.list[0].text(), copy.list[0].type, file instanceof File, file.name, file.lastModified, await file.text(), copy.self === copy];`);
  same([...got], [true, "AbortError", true, true, true, "hi", "text/x", true, "n.txt", 7, "f", true]);
});

test("a transferred ArrayBuffer is detached at its source", async () => {
  const got = run(
    `const b = new Uint8Array([1, 2, 3]).buffer; const c = structuredClone({ b }, { transfer: [b] }); [b.byteLength, c.b.byteLength]`,
  );
  same([...got], [0, 3]);
  await throws(() => run("structuredClone(1, { transfer: [{}] })"), "DataCloneError");
  await throws(
    () => run("{ const b = new ArrayBuffer(1); structuredClone(b, { transfer: [b, b] }) }"),
    "DataCloneError",
  );
  await throws(
    () =>
      run(
        "{ const b = new ArrayBuffer(1); structuredClone(b, { transfer: [b] }); structuredClone(b, { transfer: [b] }) }",
      ),
    "DataCloneError",
  );
});

test("the platform's other objects cannot be cloned", async () => {
  for (const code of [
    "new Headers()",
    "[new Response()]",
    "new Map([[1, new URL('http://h')]])",
    "new Event('x')",
    "({ a: new AbortController() })",
    "new ReadableStream()",
  ]) {
    await throws(() => run(`structuredClone(${code})`), "DataCloneError", "could not be cloned");
  }
});
