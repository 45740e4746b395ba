import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, settle, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { global, runAsync } = sandbox;
const { ReadableStream, WritableStream, TransformStream, IdentityTransformStream, FixedLengthStream } = global;

/** Runs code in the realm and compares its result. */
const gives = async (body, expected) => same(await runAsync(body), expected);

test("from(), async iteration and tee()", async () => {
  await gives(`const out = []; for await (const x of ReadableStream.from([1, 2])) out.push(x); return out`, [1, 2]);
  await gives(
    `async function* g() { yield "a"; yield "b" } const out = []; for await (const x of ReadableStream.from(g())) out.push(x); return out`,
    ["a", "b"],
  );
  await gives(
    `const [a, b] = ReadableStream.from([1, 2]).tee(); const all = async (s) => { const o = []; for await (const x of s) o.push(x); return o }; return [await all(a), await all(b)]`,
    [
      [1, 2],
      [1, 2],
    ],
  );
  await throws(() => ReadableStream.from(5), "TypeError");
});

test("leaving an iteration cancels the stream", async () => {
  await gives(
    `let reason = "none"; const s = new ReadableStream({ pull(c) { c.enqueue(1) }, cancel() { reason = "cancelled" } }); for await (const x of s) break; return [reason, s.locked]`,
    ["cancelled", false],
  );
  await gives(
    `let reason = "none"; const s = new ReadableStream({ pull(c) { c.enqueue(1) }, cancel() { reason = "cancelled" } }); for await (const x of s.values({ preventCancel: true })) break; return reason`,
    "none",
  );
});

test("backpressure: pull is called as the reader reads", async () => {
  await gives(
    `let pulls = 0; const s = new ReadableStream({ pull(c) { c.enqueue(++pulls) } }, { highWaterMark: 0 }); const r = s.getReader(); const before = pulls; await r.read(); await r.read(); return [before, pulls]`,
    [0, 2],
  );
});

test("errors reach the reader", async () => {
  await throws(
    () =>
      runAsync(`const s = new ReadableStream({ pull() { throw new RangeError("src") } }); await s.getReader().read()`),
    "RangeError",
    "src",
  );
});

test("byte streams fill the reader's buffer", async () => {
  await gives(
    `
    const s = new ReadableStream({ type: "bytes", pull(c) { const v = c.byobRequest.view; v[0] = 7; v[1] = 8; c.byobRequest.respond(2) } }, { highWaterMark: 0 });
    const r = s.getReader({ mode: "byob" });
    const { value, done } = await r.read(new Uint8Array(4));
    return [[...value], value.buffer.byteLength, done]`,
    [[7, 8], 4, false],
  );
  await gives(
    `const s = new ReadableStream({ type: "bytes", start(c) { c.enqueue(new Uint8Array([1, 2, 3])); c.close() } }); const r = s.getReader({ mode: "byob" }); const a = await r.read(new Uint8Array(2)); const b = await r.read(new Uint8Array(2)); const c = await r.read(new Uint8Array(2)); return [[...a.value], [...b.value], c.done]`,
    [[1, 2], [3], true],
  );
});

test("pipeTo and pipeThrough", async () => {
  await gives(
    `const out = []; await ReadableStream.from([1, 2]).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x * 10) } })).pipeTo(new WritableStream({ write(x) { out.push(x) } })); return out`,
    [10, 20],
  );
});

test("a signal ends a pipe with its reason", async () => {
  await gives(
    `
    const c = new AbortController(); let aborted, cancelled;
    const pipe = new ReadableStream({ cancel(r) { cancelled = r } }).pipeTo(new WritableStream({ abort(r) { aborted = r } }), { signal: c.signal });
    c.abort("stop");
    try { await pipe } catch (e) { return [e, aborted, cancelled] }`,
    ["stop", "stop", "stop"],
  );
});

test("a WritableStream hands its controller a signal", async () => {
  await gives(
    `let signal; const w = new WritableStream({ start(c) { signal = c.signal } }); const before = signal instanceof AbortSignal; await w.abort("r"); return [before, signal.aborted, signal.reason]`,
    [true, true, "r"],
  );
});

test("strategies", () => {
  assert.equal(new global.CountQueuingStrategy({ highWaterMark: 3 }).highWaterMark, 3);
  assert.equal(new global.ByteLengthQueuingStrategy({ highWaterMark: 3 }).size(new global.Uint8Array(5)), 5);
});

test("an identity transform passes bytes on, and a write settles when they are read", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  let written = false;
  writer.write(new global.Uint8Array([1, 2])).then(() => (written = true));
  await settle();
  assert.equal(written, false);
  same([...(await reader.read()).value], [1, 2]);
  await settle();
  assert.equal(written, true);
  writer.write(new global.Uint8Array([3]).buffer);
  same([...(await reader.read()).value], [3]);
  writer.close();
  assert.equal((await reader.read()).done, true);
});

test("an identity transform serves a buffer of the reader's", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const reader = readable.getReader({ mode: "byob" });
  const first = reader.read(new global.Uint8Array(2));
  const writing = writer.write(new global.Uint8Array([1, 2, 3]));
  same([...(await first).value], [1, 2]);
  await writing;
  same([...(await reader.read(new global.Uint8Array(2))).value], [3]);
  const last = reader.read(new global.Uint8Array(2));
  await writer.close();
  assert.equal((await last).done, true);
});

test("several reads may wait at an identity transform", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const reader = readable.getReader();
  const reads = [reader.read(), reader.read(), reader.read()];
  const writer = writable.getWriter();
  writer.write(new global.Uint8Array([1]));
  writer.write(new global.Uint8Array([2]));
  writer.close();
  const got = await Promise.all(reads);
  same(
    got.map((r) => (r.done ? "done" : r.value[0])),
    [1, 2, "done"],
  );
});

test("an identity transform copies what is written", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const chunk = new global.Uint8Array([1]);
  writable.getWriter().write(chunk);
  await settle();
  chunk[0] = 9;
  same([...(await readable.getReader().read()).value], [1]);
});

test("an identity transform takes bytes only; abort and cancel pass through it", async () => {
  const a = new IdentityTransformStream();
  const writing = a.writable.getWriter().write("text");
  await throws(() => writing, "TypeError");
  await throws(() => a.readable.getReader().read(), "TypeError");
  const b = new IdentityTransformStream();
  b.writable.abort("why");
  await assert.rejects(b.readable.getReader().read(), (e) => e === "why");
  const c = new IdentityTransformStream();
  const writer = c.writable.getWriter();
  writer.closed.catch(() => {});
  const stuck = writer.write(new global.Uint8Array([1]));
  await c.readable.cancel("gone");
  await stuck.catch(() => {});
  await assert.rejects(writer.write(new global.Uint8Array([1])), (e) => e === "gone");
});

test("a FixedLengthStream insists on its length", async () => {
  const write = async (length, ...sizes) => {
    const stream = new FixedLengthStream(length);
    const read = (async () => {
      let n = 0;
      for await (const chunk of stream.readable) n += chunk.length;
      return n;
    })();
    read.catch(() => {});
    const writer = stream.writable.getWriter();
    writer.closed.catch(() => {});
    for (const size of sizes) await writer.write(new global.Uint8Array(size));
    await writer.close();
    return read;
  };
  assert.equal(await write(5, 2, 3), 5);
  assert.equal(await write(0n), 0);
  await throws(() => write(4, 5), "TypeError", "too many bytes");
  await throws(() => write(4, 3), "TypeError", "did not see all expected bytes");
  await throws(() => new FixedLengthStream(-1), "TypeError");
  await throws(() => new FixedLengthStream("x"), "TypeError");
  assert.ok(new FixedLengthStream(1) instanceof IdentityTransformStream);
  assert.equal(sandbox.platform.knownLength(new FixedLengthStream(12).readable), 12);
});

test("at global scope transforms are refused, ReadableStreams are not", async () => {
  sandbox.atGlobalScope = true;
  for (const code of [
    "new TransformStream()",
    "new IdentityTransformStream()",
    "new FixedLengthStream(1)",
    "new TextDecoderStream()",
  ]) {
    await throws(() => sandbox.run(code), "Error", "Disallowed operation");
  }
  sandbox.run("new ReadableStream({ start(c) { c.close() } })");
  sandbox.atGlobalScope = false;
});

test("the runtime sees brand, lock and disturbance", async () => {
  const { isReadableStream, isWritableStream, isDisturbed, isLocked } = sandbox.platform;
  const stream = ReadableStream.from([1]);
  assert.equal(isReadableStream(stream), true);
  assert.equal(isReadableStream({}), false);
  assert.equal(isReadableStream(Object.create(ReadableStream.prototype)), false);
  assert.equal(isWritableStream(new WritableStream()), true);
  assert.equal(isWritableStream(stream), false);
  same([isDisturbed(stream), isLocked(stream)], [false, false]);
  const reader = stream.getReader();
  same([isDisturbed(stream), isLocked(stream)], [false, true]);
  await reader.read();
  reader.releaseLock();
  same([isDisturbed(stream), isLocked(stream)], [true, false]);
  const cancelled = new ReadableStream();
  await cancelled.cancel();
  assert.equal(isDisturbed(cancelled), true);
});

test("ByteReader reads bytes although a program replaced the readers' methods", async () => {
  const other = createSandbox();
  const stream = other.run(`
    const s = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([1])); c.enqueue(new Uint8Array(0)); c.enqueue("é"); c.close() } });
    ReadableStreamDefaultReader.prototype.read = ReadableStream.prototype.getReader = () => { throw new Error("replaced") };
    s`);
  const reader = new other.platform.ByteReader(stream);
  same([...(await reader.next())], [1]);
  same([...(await reader.next())], [195, 169]);
  assert.equal(await reader.next(), null);
});

test("a TransformStream is one for the class and for its tag", () => {
  const transform = new TransformStream();
  assert.ok(transform instanceof TransformStream);
  assert.equal(Object.prototype.toString.call(transform), "[object TransformStream]");
});
