// Assertions for `mayfly test` programs. A failed one throws, with what was got and what was wanted.

function show(value) {
  if (typeof value === "function") return "[function]";
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    return JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}n` : v)) ?? String(value);
  } catch {
    return String(value);
  }
}

export function ok(value, what = "value") {
  if (!value) throw new Error(`${what} is not true: ${show(value)}`);
}

export function equal(got, wanted, what = "value") {
  if (!Object.is(got, wanted)) throw new Error(`${what}: got ${show(got)}, wanted ${show(wanted)}`);
}

export function deepEqual(got, wanted, what = "value") {
  if (!same(got, wanted)) throw new Error(`${what}: got ${show(got)}, wanted ${show(wanted)}`);
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a)?.constructor?.name !== Object.getPrototypeOf(b)?.constructor?.name) return false;
  if (a instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (a instanceof RegExp) return String(a) === String(b);
  if (a instanceof Map || a instanceof Set) return a.size === b.size && same([...a], [...b]);
  if (a instanceof ArrayBuffer) return same([...new Uint8Array(a)], [...new Uint8Array(b)]);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

export function includes(text, part, what = "text") {
  if (typeof text !== "string" || !text.includes(part)) throw new Error(`${what}: ${show(text)} does not contain ${show(part)}`);
}

/** Runs `body` and returns what it throws; fails if it does not throw, or throws later. */
export function throws(body, { name, message } = {}) {
  let error;
  try {
    const result = body();
    if (typeof result?.then === "function") result.then(undefined, () => {});
  } catch (thrown) {
    return expectError(thrown, name, message);
  }
  throw new Error("nothing was thrown");
}

export async function rejects(promise, { name, message } = {}) {
  try {
    await promise;
  } catch (thrown) {
    return expectError(thrown, name, message);
  }
  throw new Error("nothing was rejected");
}

function expectError(thrown, name, message) {
  if (name !== undefined && thrown?.name !== name) throw new Error(`error name: got ${show(thrown)}, wanted ${name}`);
  if (message !== undefined) includes(thrown?.message, message, "error message");
  return thrown;
}
