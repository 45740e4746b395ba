// worker-loader.md §4.2, as a property: whatever can be sent arrives as it was, as an argument and as a result.
//
// Values are graphs of containers with random edges, so that shared references and cycles come up by themselves. A
// failure names the seed and the smallest graph that shows it; put `seed` and `path` into OPTIONS to see it again.

import fc from "fast-check";
import { equal } from "./_assert.js";
import { entry } from "./_load.js";

const OPTIONS = { numRuns: 400, interruptAfterTimeLimit: 8000, markInterruptAsFailure: false };

// A leaf is [kind, …], a reference to a container its number. Both sides build the same value from the same plan.
const leaf = fc.oneof(
  fc.tuple(fc.constant("plain"), fc.oneof(fc.string({ unit: "binary" }), fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.bigInt())),
  fc.tuple(fc.constant("units"), fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })),
  fc.tuple(fc.constant("date"), fc.oneof(fc.integer(), fc.constant(NaN))),
  fc.tuple(fc.constant("boxed"), fc.oneof(fc.double(), fc.string(), fc.boolean(), fc.bigInt())),
  fc.tuple(fc.constant("regexp"), fc.constantFrom("a+", "(?<n>.)", "[^/]", "\\u{1f600}"), fc.constantFrom("", "g", "iu", "dmsy")),
  fc.tuple(fc.constant("bytes"), fc.constantFrom("ArrayBuffer", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Float64Array", "BigInt64Array", "DataView"), fc.uint8Array({ maxLength: 64 })),
  fc.tuple(fc.constant("error"), fc.constantFrom("Error", "TypeError", "RangeError", "Foo", ""), fc.string()),
);
const edge = fc.oneof(leaf, fc.nat(7));
const key = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "", "0", "4294967295", "length", "remote", "toJSON"));
const container = fc.oneof(
  fc.tuple(fc.constant("object"), fc.array(fc.tuple(key, edge), { maxLength: 6 })),
  fc.tuple(fc.constant("array"), fc.array(fc.option(edge, { nil: ["hole"] }), { maxLength: 6 }), fc.array(fc.tuple(key, leaf), { maxLength: 1 })),
  fc.tuple(fc.constant("map"), fc.array(fc.tuple(edge, edge), { maxLength: 5 })),
  fc.tuple(fc.constant("set"), fc.array(edge, { maxLength: 5 })),
);
const plan = fc.array(container, { minLength: 1, maxLength: 8 });

// Both of these run in the child too, as text: they use nothing but the language.
function build(plan) {
  const made = plan.map(([kind]) => ({ object: () => ({}), array: () => [], map: () => new Map(), set: () => new Set() })[kind]());
  const put = (target, name, value) => Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  const value = (edge) => {
    if (typeof edge === "number") return made[edge % made.length];
    const [kind, a, b] = edge;
    switch (kind) {
      case "plain": return a;
      case "units": return String.fromCharCode(...a);
      case "date": return new Date(a);
      case "boxed": return Object(a);
      case "regexp": return new RegExp(a, b);
      case "error": return a in globalThis ? new globalThis[a](b) : Object.assign(new Error(b), { name: a });
      case "bytes": {
        const buffer = Uint8Array.from(b).slice(0, b.length - (b.length % 8)).buffer;
        return a === "ArrayBuffer" ? buffer : new globalThis[a](buffer);
      }
    }
  };
  plan.forEach(([kind, edges, extra], i) => {
    const target = made[i];
    if (kind === "object") for (const [name, edge] of edges) put(target, name, value(edge));
    if (kind === "map") for (const [k, v] of edges) target.set(value(k), value(v));
    if (kind === "set") for (const edge of edges) target.add(value(edge));
    if (kind === "array") {
      edges.forEach((edge, index) => (edge[0] === "hole" ? (target.length = index + 1) : put(target, index, value(edge))));
      for (const [name, edge] of extra) if (name !== "length" && !(String(name >>> 0) === name && name !== "4294967295")) put(target, name, value(edge));
    }
  });
  return made[0];
}

/** What is different, or "". Follows cycles; two references are the same in one graph if they are in the other. */
function difference(a, b, seen = new Map(), at = "value") {
  if (Object.is(a, b) && typeof a !== "object") return "";
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b ? "" : `${at}: ${String(a)} became ${String(b)}`;
  if (seen.has(a)) return seen.get(a) === b ? "" : `${at}: another reference`;
  seen.set(a, b);
  const tag = Object.prototype.toString.call(a);
  if (tag !== Object.prototype.toString.call(b)) return `${at}: ${tag} became ${Object.prototype.toString.call(b)}`;
  if (Object.getPrototypeOf(b)?.constructor !== globalThis[Object.getPrototypeOf(b)?.constructor?.name]) return `${at}: a foreign prototype`;
  const text = (x) => {
    if (x instanceof Date) return String(x.getTime());
    if (x instanceof RegExp) return String(x);
    if (x instanceof Error) return JSON.stringify([x.name, x.message]);
    if (x instanceof ArrayBuffer) return String(new Uint8Array(x));
    if (ArrayBuffer.isView(x)) return String(new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
    if (/^\[object (Number|String|Boolean|BigInt)\]$/.test(tag)) return `${typeof x.valueOf()} ${Object.is(x.valueOf(), -0) ? "-0" : String(x.valueOf())}`;
    return "";
  };
  if (text(a) !== text(b)) return `${at}: ${text(a)} became ${text(b)}`;
  if (text(a) !== "") return "";
  if (a instanceof Map || a instanceof Set) {
    const [x, y] = [[...a], [...b]];
    if (x.length !== y.length) return `${at}: ${x.length} entries became ${y.length}`;
    for (let i = 0; i < x.length; i++) {
      for (const part of a instanceof Map ? [0, 1] : [null]) {
        const found = difference(part === null ? x[i] : x[i][part], part === null ? y[i] : y[i][part], seen, `${at} entry ${i}`);
        if (found !== "") return found;
      }
    }
    return "";
  }
  if (a.length !== b.length && Array.isArray(a)) return `${at}.length: ${a.length} became ${b.length}`;
  const [x, y] = [Object.keys(a), Object.keys(b)];
  if (x.join("\0") !== y.join("\0")) return `${at}: keys ${x} became ${y}`;
  for (const name of x) {
    const found = difference(Object.getOwnPropertyDescriptor(a, name).value, Object.getOwnPropertyDescriptor(b, name).value, seen, `${at}[${JSON.stringify(name)}]`);
    if (found !== "") return found;
  }
  return "";
}

const CHILD = `const __name = (f) => f; ${build}; ${difference};
  import { WorkerEntrypoint } from "cloudflare:workers";
  export default class extends WorkerEntrypoint {
    received(plan, value) { return difference(build(plan), value); }
    make(plan) { return build(plan); }
    echo(value) { return value; }
    raise(plan) { throw { thrown: build(plan) }; }
  }`;

const check = (env, property) => {
  const e = entry(env, CHILD);
  return fc.assert(fc.asyncProperty(plan, (given) => property(e, given)), { ...OPTIONS, seed: Date.now() | 0 });
};

export const argumentsArriveAsTheyWere = {
  test: (_, env) => check(env, async (e, given) => equal(await e.received(given, build(given)), "")),
};

export const resultsArriveAsTheyWere = {
  test: (_, env) => check(env, async (e, given) => equal(difference(build(given), await e.make(given)), "")),
};

export const whatGoesThereAndBackIsTheSame = {
  test: (_, env) => check(env, async (e, given) => {
    const value = build(given);
    equal(difference(value, await e.echo(value)), "");
    equal(difference(build(given), value), "", "the sender's own");
  }),
};

export const thrownObjectsKeepTheirContent = {
  test: (_, env) => check(env, async (e, given) => {
    const { thrown } = await e.raise(given).catch((error) => error);
    equal(difference(build(given), thrown), "");
  }),
};
