// Evaluates the web platform of a sandbox in a fresh realm of node, over a double of the native operations.
// Time stands still until a test moves it.

import { build } from "esbuild";
import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import vm from "node:vm";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

const bundle = await build({
  absWorkingDir: root,
  entryPoints: ["builtins/runtime/index.ts"],
  bundle: true,
  write: false,
  format: "iife",
  globalName: "platformBundle",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["worker", "import", "module"],
  target: "es2024",
  keepNames: true,
});
// Inside a function, so that the realm gets no global of the bundle's own.
const script = new vm.Script(`(() => {${bundle.outputFiles[0].text}\nreturn platformBundle; })()`, {
  filename: "platform.js",
});

// Runs inside the realm: what the double makes must be of the realm's own classes.
const inRealm = new vm.Script(`(host) => {
  const bytes = (list) => list === null ? null : new Uint8Array(list);
  const detached = new WeakSet();
  if (!ArrayBuffer.prototype.transfer) {
    Object.defineProperty(ArrayBuffer.prototype, "transfer", { configurable: true, writable: true, value() {
      const copy = this.slice(0);
      host.detach(this);
      detached.add(this);
      return copy;
    } });
    Object.defineProperty(ArrayBuffer.prototype, "detached", { configurable: true, get() { return detached.has(this); } });
  }
  class Ref { constructor(tag, content) { this.tag = tag; this.content = content; } }
  const refuse = (what) => { const e = new Error(what + " could not be cloned."); e.name = "DataCloneError"; throw e; };
  const copy = (value, seen, ref) => {
    if (typeof value === "function" || typeof value === "symbol") refuse(String(value));
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (made) => (seen.set(value, made), made);
    if (value instanceof Ref) return keep(ref(value));
    switch (host.brand(value)) {
      case "Map": { const m = keep(new Map()); for (const [k, v] of value) m.set(copy(k, seen, ref), copy(v, seen, ref)); return m; }
      case "Set": { const s = keep(new Set()); for (const v of value) s.add(copy(v, seen, ref)); return s; }
      case "Date": return keep(new Date(+value));
      case "RegExp": return keep(new RegExp(value.source, value.flags));
      case "Error": { const e = keep(new (globalThis[value.name] ?? Error)(value.message)); e.stack = value.stack; return e; }
      case "ArrayBuffer": return keep(value.slice(0));
      case "Promise": case "WeakMap": case "WeakSet": refuse("#<" + host.brand(value) + ">");
    }
    if (ArrayBuffer.isView(value)) return keep(new value.constructor(copy(value.buffer, seen, ref), value.byteOffset, value.length));
    const made = keep(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) made[key] = copy(value[key], seen, ref);
    return made;
  };
  return {
    newRef: (tag, content) => new Ref(tag, content),
    encode: (value) => ({ graph: copy(value, new Map(), (r) => new Ref(r.tag, copy(r.content, new Map(), null))) }),
    decode: (encoded, revive) => copy(encoded.graph, new Map(), (r) => revive(r.tag, r.content, [])),
    utf8Encode: (text) => bytes(host.utf8Encode(text)),
    utf8Decode: (view, fatal) => {
      const text = host.utf8Decode(view, fatal);
      if (text === null) throw new TypeError("The encoded data was not valid for encoding utf-8");
      return text;
    },
    base64Decode: (text) => bytes(host.base64Decode(text)),
    digest: (algorithm, data) => bytes(host.digest(algorithm, data)).buffer,
    eval: (code) => (0, eval)(code),
  };
}`);

/** The time of day at which every test begins. */
export const EPOCH_MS = 1_767_225_600_000;

const URL_PARTS = [
  "href",
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
  "origin",
];
const partsOf = (url) => Object.fromEntries(URL_PARTS.map((part) => [part, url[part]]));

const BRANDS = {
  Map: types.isMap,
  Set: types.isSet,
  Date: types.isDate,
  RegExp: types.isRegExp,
  Promise: types.isPromise,
  WeakMap: types.isWeakMap,
  WeakSet: types.isWeakSet,
  ArrayBuffer: types.isArrayBuffer,
  Error: types.isNativeError,
  Number: types.isNumberObject,
  String: types.isStringObject,
  Boolean: types.isBooleanObject,
  BigInt: types.isBigIntObject,
  Symbol: types.isSymbolObject,
  Arguments: types.isArgumentsObject,
  Array: Array.isArray,
};

/** The words of a forgiving base64 decoder, which Buffer's is not. */
function base64Decode(text) {
  let data = text.replace(/[\t\n\f\r ]/g, "");
  if (data.length % 4 === 0) data = data.replace(/==?$/, "");
  return data.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(data) ? null : Buffer.from(data, "base64");
}

/** One installed platform: its globals, and what the double saw. */
export function createSandbox() {
  const context = vm.createContext({});
  const global = vm.runInContext("globalThis", context);
  const sandbox = {
    global,
    logs: [],
    exceptions: [],
    dropped: [],
    sent: [],
    exported: [],
    atGlobalScope: false,
    nowMs: 0,
    /** When the sandbox's own clock began. */
    forkedAtMs: 0,
    adopted: new Set(),
    /** What fetch() gets back; a test replaces it. */
    respond: () => ({ status: 200, statusText: "", headers: [], body: null }),
  };
  const timers = new Map();
  let lastTimer = 0;
  let frame;
  const realm = inRealm.runInContext(context)({
    brand: (value) => Object.keys(BRANDS).find((name) => BRANDS[name](value)) ?? "",
    detach: (buffer) => void structuredClone(buffer, { transfer: [buffer] }),
    utf8Encode: (text) => Buffer.from(text.toWellFormed(), "utf8"),
    utf8Decode: (view, fatal) => {
      try {
        return new TextDecoder("utf-8", { fatal, ignoreBOM: true }).decode(view);
      } catch {
        return null;
      }
    },
    base64Decode,
    digest: (algorithm, data) => createHash(algorithm.replace("-", "").toLowerCase()).update(data).digest(),
  });
  const ops = {
    ...realm,
    isProxy: (value) => types.isProxy(value),
    brand: (value) => Object.keys(BRANDS).find((name) => BRANDS[name](value)) ?? "",
    encodedSize: (encoded) => Buffer.byteLength(plain(encoded.graph)),
    capDrop: (cap) => sandbox.dropped.push(cap),
    startTimer(ms, callback) {
      timers.set(++lastTimer, { due: sandbox.nowMs + ms, callback });
      return lastTimer;
    },
    cancelTimer: (id) => timers.delete(id),
    monotonicMs: () => sandbox.nowMs - sandbox.forkedAtMs,
    asyncFrame: () => frame,
    setAsyncFrame: (value) => (frame = value),
    base64Encode: (bytes) => Buffer.from(bytes).toString("base64"),
    parseUrl: (input, base) => (URL.canParse(input, base) ? partsOf(new URL(input, base)) : null),
    setUrlPart(href, part, value) {
      const url = new URL(href);
      url[part] = value;
      return partsOf(url);
    },
    randomBytes: (view) => void randomFillSync(view),
    log: (level, message) => sandbox.logs.push([level, message]),
  };
  sandbox.ops = ops;
  sandbox.setFrame = (value) => (frame = value);
  sandbox.frame = () => frame;
  sandbox.pendingTimers = () => timers.size;
  /** Moves the clock, running each timer at its due time and letting promises settle in between. */
  sandbox.advance = async (ms) => {
    const end = sandbox.nowMs + ms;
    for (let steps = 0; steps < 100_000; steps++) {
      const next = [...timers].filter(([, t]) => t.due <= end).sort((a, b) => a[1].due - b[1].due || a[0] - b[0])[0];
      if (next === undefined) break;
      timers.delete(next[0]);
      sandbox.nowMs = Math.max(sandbox.nowMs, next[1].due);
      next[1].callback();
      await settle();
    }
    sandbox.nowMs = end;
  };
  global.Date.now = () => EPOCH_MS + sandbox.nowMs;
  // What evaluation must not touch: the zygote evaluates once, for all sandboxes.
  sandbox.impure = [];
  const watched = [
    [global.Math, "random"],
    [global.Date, "now"],
    [ops, "randomBytes"],
    [ops, "monotonicMs"],
    [ops, "startTimer"],
    [ops, "asyncFrame"],
  ];
  for (const [holder, name] of watched) {
    const original = holder[name];
    holder[name] = (...args) => {
      if (sandbox.platform === undefined) sandbox.impure.push(name);
      return Reflect.apply(original, holder, args);
    };
  }
  global.__mayflyOps = ops;
  const { installPlatform } = script.runInContext(context);
  delete global.__mayflyOps;

  const requireIo = vm.runInContext(
    "(outside) => (what) => { if (outside()) throw new Error(`Disallowed operation called within global scope. ${what}`); }",
    context,
  )(() => sandbox.atGlobalScope);
  sandbox.target = {
    async send(request, signal) {
      sandbox.sent.push({ ...request, signal });
      return sandbox.respond(request, sandbox.sent.length, signal);
    },
  };
  sandbox.platform = installPlatform(global, {
    requireIo,
    inGlobalScope: () => sandbox.atGlobalScope,
    reportException: (error) => sandbox.exceptions.push(error),
    adopt(cancel) {
      sandbox.adopted.add(cancel);
      return () => sandbox.adopted.delete(cancel);
    },
    outbound: () => sandbox.target,
    bodies: {
      mayPassOn: () => true,
      exportStream(stream, length) {
        const source = { stream };
        sandbox.exported.push(source);
        return { source, length };
      },
      importStream: (source) => source.stream,
      dropSource: (source) => sandbox.dropped.push(source),
    },
    logged: (level, args) => (sandbox.recorded ??= []).push([level, args]),
  });
  /** Evaluates code in the realm, as a program. */
  sandbox.run = (code) => vm.runInContext(code, context, { filename: "program.js" });
  /** Evaluates the body of an async function in the realm. */
  sandbox.runAsync = (body) => sandbox.run(`(async () => {${body}\n})()`);
  return sandbox;
}

/** Lets all promise reactions that are due run. */
export async function settle() {
  await new Promise((resolve) => setImmediate(resolve));
}

const plain = (value) =>
  JSON.stringify(value, (key, item) => {
    if (item === undefined) return "<undefined>";
    if (typeof item === "bigint") return `${item}n`;
    if (typeof item === "number" && !Number.isFinite(item)) return `<${item}>`;
    if (ArrayBuffer.isView(item)) return { bytes: [...new Uint8Array(item.buffer, item.byteOffset, item.byteLength)] };
    if (types.isAnyArrayBuffer(item)) return { bytes: [...new Uint8Array(item)] };
    if (types.isMap(item)) return { map: [...item] };
    if (types.isSet(item)) return { set: [...item] };
    return item;
  });

/** Deep equality that does not ask which realm an object came from. */
export function same(actual, expected, message) {
  assert.equal(plain(actual), plain(expected), message);
}

/** Asserts that code throws (or its promise rejects) an error of this name, and gives it back. */
export async function throws(run, name, includes = "") {
  let error;
  try {
    await run();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error !== undefined, `nothing was thrown, expected ${name}`);
  assert.equal(error?.name, name, `${error?.name}: ${error?.message}`);
  assert.ok(String(error.message).includes(includes), `"${error.message}" does not include "${includes}"`);
  return error;
}
