#!/usr/bin/env node
// Writes seeds/: one small input for each kind of message and value, so that the fuzzer starts from what is valid.
//
//   node tests/fuzz/make-seeds.mjs
//
// Values are written by Node's serializer, which is V8's too. Messages are of capnp/rpc.capnp, one segment each, in the
// framing of connection.cc.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Serializer } from "node:v8";

const folder = (name) => fileURLToPath(new URL(`seeds/${name}/`, import.meta.url));
const write = (kind, name, bytes) => {
  mkdirSync(folder(kind), { recursive: true });
  writeFileSync(folder(kind) + name, bytes);
};

// Values ----------------------------------------------------------------------------------------------

class Ref {
  constructor(tag, content) {
    Object.assign(this, { tag, content });
  }
}
class Writer extends Serializer {
  constructor() {
    super();
    // Node's own subclass treats views itself; V8's format is wanted.
    this._setTreatArrayBufferViewsAsHostObjects(false);
  }
  _writeHostObject() {
    throw new Error("unexpected");
  }
}
// Values with references in them are trees.
function holdsRef(value, seen = new Set()) {
  if (value instanceof Ref) return true;
  if (typeof value !== "object" || value === null || seen.has(value)) return false;
  seen.add(value);
  return Object.values(value).some((item) => holdsRef(item, seen));
}
// A host object is `\`, its tag and its content. It is spliced in where a marker stands, so that V8 writes all the rest.
function encode(value) {
  const refs = [];
  const lowered = holdsRef(value) ? replace(value) : value;
  function replace(x) {
    if (x instanceof Ref) {
      refs.push(x);
      return `\u0001ref${refs.length - 1}\u0001`;
    }
    if (Array.isArray(x)) return x.map(replace);
    if (typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype) {
      return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, replace(v)]));
    }
    return x;
  }
  const writer = new Writer();
  writer.writeHeader();
  writer.writeValue(lowered);
  let bytes = writer.releaseBuffer();
  refs.forEach((ref, i) => {
    const marker = Buffer.from(`\u0001ref${i}\u0001`, "latin1");
    const at = bytes.indexOf(marker);
    const content = encode(ref.content).subarray(2);
    bytes = Buffer.concat([bytes.subarray(0, at - 2), Buffer.from([0x5c, ref.tag]), content, bytes.subarray(at + marker.length)]);
  });
  return bytes;
}

const cyclic = { list: [] };
cyclic.self = cyclic;
cyclic.list.push(cyclic.list, cyclic);
const values = {
  empty: [], primitives: [undefined, null, true, 1, -0, 1.5, NaN, 2n ** 70n, "text", "ü€"], nested: [{ a: [1, , { b: {} }] }], cyclic: [cyclic],
  containers: [new Map([[1, { a: 1 }]]), new Set(["x"])], objects: [new Date(0), /a+/giu, Object(1), Object("s"), Object(1n), Object.assign(new Error("native"), { stack: "Error: native" })],
  buffers: [new Uint8Array([1, 2, 3]).buffer, new Float64Array(2), new DataView(new ArrayBuffer(4), 1, 2), new ArrayBuffer(2, { maxByteLength: 8 })],
  stub: [new Ref(1, 0)], fetcher: [new Ref(2, 1)], readable: [new Ref(8, 2)], writable: [new Ref(9, 3)], wrongCapability: [new Ref(1, 3), new Ref(8, 99)],
  error: [new Ref(3, { name: "TypeError", message: "m", props: { cause: new Ref(3, { name: "Error", message: "c", props: null }), code: 7 } })],
  aggregate: [new Ref(3, { name: "AggregateError", message: "m", props: { errors: [1] } })], dom: [new Ref(4, { name: "AbortError", message: "m" })],
  headers: [new Ref(5, [["a", "b"], ["set-cookie", "c"]])], blob: [new Ref(10, { type: "t", bytes: new Uint8Array([1]) })],
  request: [new Ref(6, { method: "POST", url: "http://h/", headers: [["a", "b"]], body: new Uint8Array([1]), redirect: "follow" })],
  response: [new Ref(7, { status: 200, statusText: "", headers: [], body: { cap: 2, length: -1 } })],
  disposable: [new Ref(11, { value: { a: 1 }, disposer: 0 })], unknownTag: [new Ref(77, {})], noArray: 5,
};
for (const [name, value] of Object.entries(values)) write("value", name, encode(value));
write("value", "truncated", encode(values.nested).subarray(0, 9));
write("value", "nothing", new Uint8Array());
write("value", "deep", Buffer.concat([Buffer.from([0xff, 0x0f]), Buffer.alloc(60_000, Buffer.from([0x41, 0x01]))]));
write("value", "deepRefs", Buffer.concat([Buffer.from([0xff, 0x0f, 0x41, 0x01]), Buffer.alloc(60_000, Buffer.from([0x5c, 0x03]))]));
write("value", "hugeArray", Buffer.from([0xff, 0x0f, 0x61, 0xff, 0xff, 0xff, 0xff, 0x0f]));
write("value", "hugeString", Buffer.from([0xff, 0x0f, 0x22, 0xff, 0xff, 0xff, 0x7f]));

// Messages --------------------------------------------------------------------------------------------

const HOST = 0, LOADER = 1, RAW = 2;
/** A message in one segment: words as pairs of 32-bit halves. */
const message = (...words) => {
  const bytes = Buffer.alloc(words.length * 8);
  words.forEach(([low, high], i) => {
    bytes.writeUInt32LE(low >>> 0, i * 8);
    bytes.writeUInt32LE(high >>> 0, i * 8 + 4);
  });
  return bytes;
};
const frame = (bytes) => Buffer.concat([Buffer.from([bytes.length / 8]), bytes]);
const struct = (offset, data, pointers) => [offset << 2, data | (pointers << 16)];
// rpc.capnp's Message: a discriminant and one pointer.
const root = (which) => [struct(0, 1, 1), [which, 0]];
const bootstrap = message(...root(8), struct(0, 1, 1), [0, 0], [0, 0]);
const finish = message(...root(4), struct(0, 1, 0), [0, 1]);
const release = message(...root(6), struct(0, 1, 0), [0, 1]);
const unimplemented = message(...root(0), struct(0, 1, 1), [8, 0], [0, 0]);
const abort = message(...root(1), struct(0, 1, 2), [0, 0], [0, 0], [0, 0]);
// Call: question 1, on the promised answer of question 0, of a method of Host (whose id is in host.capnp.h), with the
// parameters of log().
const HOST_ID = [0xae4ae921, 0x88a1b865];
const call = (method) =>
  message(...root(2), struct(0, 3, 3), [1, method], HOST_ID, [0, 0], struct(2, 1, 1), struct(5, 0, 2), [0, 0],
    [0, 1], struct(0, 1, 1), [0, 0], [0, 0], struct(1, 1, 1), [0, 0], [2, 0], [1, 2 | (3 << 3)], [0x6968, 0]);
// Return: answer 0, with results whose content is an empty struct and one capability of the sender.
const answer = (id) => message(...root(3), struct(0, 2, 1), [id, 1], [0, 0], struct(0, 0, 2), [0, 0], [(1 << 2) | 1, 0], [0, 0]);
const raw = (...messages) => Buffer.concat(messages.flatMap((m) => [Buffer.from([0, 0, 0, 0, m.length / 8, 0, 0, 0]), m]));

write("connection", "hostBootstrap", Buffer.concat([Buffer.from([HOST]), frame(bootstrap), frame(finish)]));
for (const method of [0, 1, 2]) write("connection", `hostCall${method}`, Buffer.concat([Buffer.from([HOST]), frame(bootstrap), frame(call(method)), frame(finish)]));
write("connection", "hostOdd", Buffer.concat([Buffer.from([HOST]), frame(release), frame(unimplemented), frame(abort)]));
write("connection", "loaderReturns", Buffer.concat([Buffer.from([LOADER]), frame(answer(0)), frame(answer(1)), frame(answer(2)), frame(release)]));
write("connection", "loaderBootstrap", Buffer.concat([Buffer.from([LOADER]), frame(bootstrap), frame(answer(0))]));
write("connection", "raw", Buffer.concat([Buffer.from([HOST | RAW]), raw(bootstrap, call(0), finish)]));
write("connection", "manySegments", Buffer.concat([Buffer.from([HOST | RAW, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(64)]));
write("connection", "hugeSegment", Buffer.concat([Buffer.from([LOADER | RAW, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(64)]));
write("connection", "cutShort", Buffer.concat([Buffer.from([HOST | RAW]), raw(bootstrap).subarray(0, 13)]));
