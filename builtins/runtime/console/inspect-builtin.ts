// What is special about the language's own classes when they are shown.

import { ops } from "../../internal/ops.ts";
import {
  arrayFrom,
  bufferByteLength,
  bytesOf,
  isArray,
  isView,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  typedArrayName,
  uncurryThis,
} from "../support/intrinsics.ts";
import { formatPrimitive, symbolText } from "./inspect-primitive.ts";

export type Item = string | { value: unknown } | { key: unknown; value: unknown };

export interface Builtin {
  /** The whole text, if there is nothing inside to show. */
  whole?: string;
  prefix?: string;
  /** Shown in square brackets. */
  list?: boolean;
  /** Numbers only: shown in columns that end together. */
  numeric?: boolean;
  /** Nothing inside. */
  empty?: boolean;
  /** Indices and length are not properties to show. */
  hidesIndices?: boolean;
  items?: (most: number) => Iterable<Item>;
}

const mapSize = uncurryThis(getOwnPropertyDescriptor(Map.prototype, "size")!.get!) as (map: object) => number;
const setSize = uncurryThis(getOwnPropertyDescriptor(Set.prototype, "size")!.get!) as (set: object) => number;
const mapEntries = uncurryThis(Map.prototype.entries) as (map: object) => MapIterator<[unknown, unknown]>;
const setValues = uncurryThis(Set.prototype.values) as (set: object) => SetIterator<unknown>;
const mapNext = uncurryThis(new Map<unknown, unknown>().entries().next) as (
  it: object,
) => IteratorResult<[unknown, unknown]>;
const setNext = uncurryThis(new Set<unknown>().values().next) as (it: object) => IteratorResult<unknown>;
const toIso = uncurryThis(Date.prototype.toISOString);
const regExpSource = uncurryThis(RegExp.prototype.toString);
const functionSource = uncurryThis(Function.prototype.toString);
const valueOfNumber = uncurryThis(Number.prototype.valueOf) as (self: unknown) => number;
const valueOfString = uncurryThis(String.prototype.valueOf) as (self: unknown) => string;
const valueOfBoolean = uncurryThis(Boolean.prototype.valueOf) as (self: unknown) => boolean;
const valueOfBigInt = uncurryThis(BigInt.prototype.valueOf) as (self: unknown) => bigint;
const valueOfSymbol = uncurryThis(Symbol.prototype.valueOf) as (self: unknown) => symbol;

/** Null for an ordinary object. */
export function describeBuiltin(value: object, className: string | null): Builtin | null {
  if (typeof value === "function") return describeFunction(value as () => unknown, className);
  if (isArray(value)) {
    const prefix = className === "Array" ? "" : `${className ?? "[Array: null prototype]"}(${value.length})`;
    return {
      prefix,
      list: true,
      hidesIndices: true,
      numeric: isNumeric(value),
      empty: value.length === 0,
      items: (most) => arrayItems(value, most),
    };
  }
  if (isView(value)) return describeView(value, className);
  const bufferLength = bufferByteLength(value);
  if (bufferLength !== null) {
    return {
      prefix: className ?? "ArrayBuffer",
      items: () => [`[Uint8Contents]: <${hexOf(value as ArrayBuffer)}>`, `byteLength: ${bufferLength}`],
    };
  }
  return describeByBrand(value, className);
}

function describeByBrand(value: object, className: string | null): Builtin | null {
  const brand = ops.brand(value);
  switch (brand) {
    case "Map":
      return {
        prefix: `${className ?? "Map"}(${mapSize(value)})`,
        empty: mapSize(value) === 0,
        items: (most) => mapItems(value, most),
      };
    case "Set":
      return {
        prefix: `${className ?? "Set"}(${setSize(value)})`,
        empty: setSize(value) === 0,
        items: (most) => setItems(value, most),
      };
    case "Date":
      return { whole: dateText(value) };
    case "RegExp":
      return { whole: regExpText(value) };
    case "Promise":
      // Whether it has settled cannot be told from here; that somebody forgot to await it can.
      return { prefix: className ?? "Promise", items: () => ["<not awaited>"] };
    case "WeakMap":
    case "WeakSet":
      return { prefix: className ?? brand, items: () => ["<items unknown>"] };
    case "Number":
      return { whole: `[Number: ${formatPrimitive(valueOfNumber(value), 100)}]` };
    case "String":
      return { whole: `[String: ${formatPrimitive(valueOfString(value), 10_000)}]`, hidesIndices: true };
    case "Boolean":
      return { whole: `[Boolean: ${valueOfBoolean(value)}]` };
    case "BigInt":
      return { whole: `[BigInt: ${formatPrimitive(valueOfBigInt(value), 100)}]` };
    case "Symbol":
      return { whole: `[Symbol: ${symbolText(valueOfSymbol(value))}]` };
    case "Arguments":
      return {
        prefix: "[Arguments]",
        list: true,
        hidesIndices: true,
        items: (most) => arrayItems(arrayFrom(value as ArrayLike<unknown>), most),
      };
    default:
      return null;
  }
}

function isNumeric(array: readonly unknown[]): boolean {
  for (let i = 0; i < array.length && i < 100; i++) {
    const type = typeof getOwnPropertyDescriptor(array, i)?.value;
    if (type !== "number" && type !== "bigint") return false;
  }
  return true;
}

function* arrayItems(array: readonly unknown[], most: number): Generator<Item> {
  const { length } = array;
  let shown = 0;
  for (let i = 0; i < length && shown < most; shown++) {
    if (!hasOwn(array, i)) {
      const start = i;
      // Looking for the end of a huge hole one index at a time would take for ever.
      while (i < length && !hasOwn(array, i) && i - start < 10_000) i++;
      const holes = i < length && i - start < 10_000 ? i - start : length - start;
      i = start + holes;
      yield `<${holes} empty item${holes === 1 ? "" : "s"}>`;
      continue;
    }
    const descriptor = getOwnPropertyDescriptor(array, i);
    yield descriptor !== undefined && "value" in descriptor ? { value: descriptor.value } : "[Getter]";
    i++;
    if (shown === most - 1 && i < length) yield more(length - i);
  }
}

function more(count: number): string {
  return `... ${count} more item${count === 1 ? "" : "s"}`;
}

function* mapItems(map: object, most: number): Generator<Item> {
  const iterator = mapEntries(map);
  const size = mapSize(map);
  for (let i = 0; i < size; i++) {
    if (i === most) return yield more(size - most);
    const step = mapNext(iterator);
    if (step.done) return;
    yield { key: step.value[0], value: step.value[1] };
  }
}

function* setItems(set: object, most: number): Generator<Item> {
  const iterator = setValues(set);
  const size = setSize(set);
  for (let i = 0; i < size; i++) {
    if (i === most) return yield more(size - most);
    const step = setNext(iterator);
    if (step.done) return;
    yield { value: step.value };
  }
}

function describeView(view: ArrayBufferView, className: string | null): Builtin {
  const name = typedArrayName(view);
  if (name === undefined) {
    const bytes = bytesOf(view);
    return {
      prefix: className ?? "DataView",
      items: () => [`byteLength: ${bytes.byteLength}`, `byteOffset: ${bytes.byteOffset}`],
    };
  }
  const elements = view as Uint8Array;
  return {
    prefix: `${className ?? name}(${elements.length})`,
    list: true,
    hidesIndices: true,
    numeric: true,
    empty: elements.length === 0,
    *items(most) {
      for (let i = 0; i < elements.length && i < most; i++) yield formatPrimitive(elements[i], 100);
      if (elements.length > most) yield more(elements.length - most);
    },
  };
}

function hexOf(buffer: ArrayBuffer): string {
  const bytes = bytesOf(buffer);
  const parts: string[] = [];
  for (let i = 0; i < bytes.length && i < 50; i++) parts.push(bytes[i]!.toString(16).padStart(2, "0"));
  return parts.join(" ") + (bytes.length > 50 ? ` ... ${bytes.length - 50} more bytes` : "");
}

function dateText(date: object): string {
  try {
    return toIso(date as Date);
  } catch {
    return "Invalid Date";
  }
}

function regExpText(regExp: object): string {
  try {
    return regExpSource(regExp as RegExp);
  } catch {
    return "[RegExp]";
  }
}

function describeFunction(value: () => unknown, className: string | null): Builtin {
  const nameValue: unknown = getOwnPropertyDescriptor(value, "name")?.value;
  const name = typeof nameValue === "string" && nameValue !== "" ? nameValue.slice(0, 200) : null;
  const source = functionSource(value);
  if (source.startsWith("class") && /^class[\s{]/.test(source)) {
    const parent = getPrototypeOf(value) as object | null;
    const parentName: unknown =
      parent === null || ops.isProxy(parent) ? undefined : getOwnPropertyDescriptor(parent, "name")?.value;
    const heritage =
      typeof parentName === "string" && parentName !== ""
        ? ` extends ${parentName}`
        : parent === null
          ? " extends null"
          : "";
    return { whole: `[class ${name ?? "(anonymous)"}${heritage}]` };
  }
  const kind =
    className !== null && /^(Async|Generator|AsyncGenerator)Function$/.test(className) ? className : "Function";
  return { whole: `[${kind}${name === null ? " (anonymous)" : `: ${name}`}]` };
}
