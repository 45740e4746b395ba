// Conversions and class shapes of Web IDL, as far as the classes here need them.

import {
  defineProperty,
  getOwnPropertyDescriptor,
  isWellFormed,
  ownKeys,
  toWellFormed,
} from "./intrinsics.ts";

type AnyClass = abstract new (...args: never[]) => object;

/** Gives a class the outside of a Web IDL interface: name, tag, enumerable members. */
export function defineInterface(cls: AnyClass, name: string): void {
  defineProperty(cls, "name", { value: name, configurable: true });
  makeEnumerable(cls.prototype as object);
  makeEnumerable(cls);
  defineProperty(cls.prototype, Symbol.toStringTag, { value: name, configurable: true });
}

const HIDDEN: ReadonlySet<PropertyKey> = new Set(["constructor", "prototype", "name", "length"]);

function makeEnumerable(holder: object): void {
  for (const key of ownKeys(holder)) {
    if (typeof key !== "string" || HIDDEN.has(key)) continue;
    const descriptor = getOwnPropertyDescriptor(holder, key)!;
    if (descriptor.configurable) defineProperty(holder, key, { ...descriptor, enumerable: true });
  }
}

/** Constants of an interface, on the class and on its prototype. */
export function defineConstants(cls: AnyClass, constants: Record<string, number>): void {
  for (const [name, value] of Object.entries(constants)) {
    const descriptor = { value, enumerable: true, writable: false, configurable: false };
    defineProperty(cls, name, descriptor);
    defineProperty(cls.prototype, name, descriptor);
  }
}

/** Hidden argument of constructors that programs must not call. */
export const INTERNAL: unique symbol = Symbol("internal");

export function illegalConstructor(): never {
  throw new TypeError("Illegal constructor");
}

export function requireArguments(count: number, wanted: number, where: string): void {
  if (count < wanted) {
    throw new TypeError(
      `Failed to execute '${where}': ${wanted} argument${wanted === 1 ? "" : "s"} required, but only ${count} present.`,
    );
  }
}

/** ToString. Unlike `String(x)` it refuses symbols. */
export function toDOMString(value: unknown): string {
  return typeof value === "string" ? value : `${value as string}`;
}

export function toUSVString(value: unknown): string {
  const text = toDOMString(value);
  return isWellFormed(text) ? text : toWellFormed(text);
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** The error of a dictionary's field with a value of the wrong type. */
export function wrongType(field: string, dictionary: string, type: string): TypeError {
  return new TypeError(`Incorrect type for the '${field}' field on '${dictionary}': the provided value is not of type '${type}'.`);
}

/** A dictionary argument: undefined and null stand for the empty one. */
export function toDictionary(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined || value === null) return EMPTY;
  if (!isObject(value)) throw new TypeError(`${what} is not an object.`);
  return value as Record<string, unknown>;
}
const EMPTY: Record<string, unknown> = Object.freeze(Object.create(null) as Record<string, unknown>);

/** A required method of an object given by the program, or undefined. */
export function methodOf(
  value: object,
  key: PropertyKey,
): ((this: unknown, ...args: unknown[]) => unknown) | undefined {
  const method = (value as Record<PropertyKey, unknown>)[key];
  if (method === undefined || method === null) return undefined;
  if (typeof method !== "function") throw new TypeError(`Property '${String(key)}' is not a function.`);
  return method as (this: unknown, ...args: unknown[]) => unknown;
}

/** Entries of a `(sequence<sequence<string>> or record<string, string>)` initialiser, converted by `convert`. */
export function toPairs(init: object, what: string, convert: (part: unknown) => string): [string, string][] {
  const pairs: [string, string][] = [];
  if (methodOf(init, Symbol.iterator) !== undefined) {
    for (const entry of init as Iterable<unknown>) {
      if (!isObject(entry) || methodOf(entry, Symbol.iterator) === undefined) {
        throw new TypeError(`${what}: each entry must be a sequence of a name and a value.`);
      }
      const parts: string[] = [];
      for (const part of entry as Iterable<unknown>) parts.push(convert(part));
      if (parts.length !== 2) throw new TypeError(`${what}: each entry must have exactly a name and a value.`);
      pairs.push([parts[0]!, parts[1]!]);
    }
    return pairs;
  }
  for (const key of ownKeys(init)) {
    const descriptor = getOwnPropertyDescriptor(init, key);
    if (descriptor?.enumerable) {
      pairs.push([convert(key), convert((init as Record<PropertyKey, unknown>)[key])]);
    }
  }
  return pairs;
}
