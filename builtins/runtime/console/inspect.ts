// Values as text, in the spirit of node's util.inspect. Runs no getter and no toString() of the program, does not
// look through proxies, and stops at a budget of characters, so that a hostile value costs little.

import { ops } from "../../internal/ops.ts";
import { findInspector } from "../support/inspectors.ts";
import { getOwnPropertyDescriptor, getPrototypeOf, hasOwn, isArray, ownKeys } from "../support/intrinsics.ts";
import { describeBuiltin } from "./inspect-builtin.ts";
import { formatError } from "./inspect-error.ts";
import { assemble, type Piece } from "./inspect-layout.ts";
import { formatPrimitive, quote } from "./inspect-primitive.ts";

export const MAX_OUTPUT = 16 * 1024;
const MAX_ITEMS = 100;

export interface InspectOptions {
  /** Levels of nesting shown; Infinity for all that the budget allows. */
  depth?: number;
}

export interface Inspection {
  readonly depth: number;
  /** Characters that may still be written; may go below zero. */
  budget: number;
  /** Objects being shown, outermost first. */
  readonly path: object[];
  /** Numbers of the objects that refer to themselves. */
  readonly circular: Map<object, number>;
  /** Depth of the innermost object shown last: decides what fits on one line. */
  lastDepth: number;
  indentation: number;
}

export function inspect(value: unknown, options: InspectOptions = {}): string {
  const inspection: Inspection = {
    depth: options.depth ?? 2,
    budget: MAX_OUTPUT,
    path: [],
    circular: new Map(),
    lastDepth: 0,
    indentation: 0,
  };
  const text = formatValue(inspection, value, 0);
  return text.length > MAX_OUTPUT ? `${text.slice(0, MAX_OUTPUT)}… (output cut)` : text;
}

export function formatValue(inspection: Inspection, value: unknown, depth: number, nested = false): string {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") {
    const text = formatPrimitive(value, nested ? 10_000 : MAX_OUTPUT);
    inspection.budget -= text.length;
    return text;
  }
  if (inspection.budget <= 0) return "…";
  if (ops.isProxy(value)) return "[Proxy]";
  if (inspection.path.includes(value)) {
    let number = inspection.circular.get(value);
    if (number === undefined) {
      number = inspection.circular.size + 1;
      inspection.circular.set(value, number);
    }
    return `[Circular *${number}]`;
  }
  try {
    return formatObject(inspection, value, depth);
  } catch {
    return "[object that cannot be shown]";
  }
}

function formatObject(inspection: Inspection, value: object, depth: number): string {
  const className = constructorName(value);
  const inspector = findInspector(value);
  const error = inspector === undefined ? formatError(inspection, value, depth) : null;
  const builtin = inspector === undefined && error === null ? describeBuiltin(value, className) : null;
  const keys = inspector === undefined ? visibleKeys(value, error !== null, builtin?.hidesIndices === true) : [];
  const bare = error ?? builtin?.whole;
  if (bare !== undefined && keys.length === 0 && builtin?.items === undefined) {
    inspection.budget -= bare.length;
    return bare;
  }

  const prefix =
    bare ??
    (builtin?.prefix !== undefined
      ? builtin.prefix + tagSuffix(value, className ?? "")
      : objectPrefix(value, className ?? inspector?.name ?? null));
  const brackets: [string, string] = builtin?.list === true ? ["[", "]"] : ["{", "}"];
  // What is empty is shown at any depth.
  if (keys.length === 0 && inspector === undefined && (builtin === null || builtin.empty === true)) {
    return prefix === "" ? brackets.join("") : `${prefix} ${brackets.join("")}`;
  }
  if (depth > inspection.depth)
    return `[${prefix === "" || prefix === "[]" ? (isArray(value) ? "Array" : "Object") : prefix.trim()}]`;

  inspection.path.push(value);
  inspection.lastDepth = depth;
  const pieces: Piece[] = [];
  if (inspector !== undefined) addInspected(inspection, pieces, inspector.describe(value as never), depth);
  for (const item of builtin?.items?.(MAX_ITEMS) ?? []) {
    if (inspection.budget <= 0) {
      pieces.push("…");
      break;
    }
    if (typeof item === "string") pieces.push(item);
    else if ("key" in item) {
      pieces.push(`${child(inspection, item.key, depth)} => ${child(inspection, item.value, depth)}`);
    } else pieces.push(child(inspection, item.value, depth));
  }
  const itemCount = pieces.length;
  for (const key of keys) {
    if (inspection.budget <= 0) {
      pieces.push("…");
      break;
    }
    pieces.push(formatProperty(inspection, value, key, depth));
  }
  inspection.path.pop();

  const reference = inspection.circular.get(value);
  const head = reference === undefined ? prefix : `<ref *${reference}> ${prefix}`;
  const text = assemble(pieces, {
    prefix: head.trim(),
    brackets,
    indentation: inspection.indentation,
    innerLevels: inspection.lastDepth - depth,
    columns: builtin?.list === true && pieces.length > 6 ? (builtin.numeric === true ? "right" : "left") : null,
    uncounted: builtin?.list === true && itemCount > MAX_ITEMS ? 1 : 0,
  });
  inspection.budget -= pieces.length * 2 + 4;
  return text;
}

function addInspected(
  inspection: Inspection,
  pieces: Piece[],
  inspected: ReturnType<NonNullable<ReturnType<typeof findInspector>>["describe"]>,
  depth: number,
): void {
  if ("text" in inspected) pieces.push(inspected.text);
  else if ("entries" in inspected) {
    for (const [key, value] of inspected.entries.slice(0, MAX_ITEMS)) {
      pieces.push(`${child(inspection, key, depth)} => ${child(inspection, value, depth)}`);
    }
  } else {
    for (const key of ownKeys(inspected.fields)) {
      const value = (inspected.fields as Record<PropertyKey, unknown>)[key];
      pieces.push(`${formatKey(key)}: ${child(inspection, value, depth)}`);
    }
  }
}

function child(inspection: Inspection, value: unknown, depth: number): string {
  inspection.indentation += 2;
  const text = formatValue(inspection, value, depth + 1, true);
  inspection.indentation -= 2;
  return text;
}

function formatProperty(inspection: Inspection, value: object, key: PropertyKey, depth: number): string {
  const descriptor = getOwnPropertyDescriptor(value, key);
  const enumerable = descriptor?.enumerable === true;
  const name = enumerable ? formatKey(key) : `[${typeof key === "symbol" ? key.toString() : String(key)}]`;
  inspection.budget -= name.length;
  if (descriptor === undefined) return `${name}: undefined`;
  if ("value" in descriptor) return `${name}: ${child(inspection, descriptor.value, depth)}`;
  const { get, set } = descriptor;
  return `${name}: ${get !== undefined ? (set !== undefined ? "[Getter/Setter]" : "[Getter]") : "[Setter]"}`;
}

function formatKey(key: PropertyKey): string {
  if (typeof key === "symbol") return `[${key.toString()}]`;
  const text = String(key);
  return /^[a-zA-Z_$][\w$]*$/.test(text) ? text : quote(text);
}

function visibleKeys(value: object, isError: boolean, hidesIndices: boolean): PropertyKey[] {
  const keys: PropertyKey[] = [];
  for (const key of ownKeys(value)) {
    if (hidesIndices && typeof key === "string" && (key === "length" || /^(0|[1-9]\d*)$/.test(key))) continue;
    const shown = getOwnPropertyDescriptor(value, key)?.enumerable === true;
    if (isError) {
      // Part of the error's text already; cause and errors are worth seeing though they are not enumerable.
      if (key === "stack" || key === "message") continue;
      if (!shown && key !== "cause" && key !== "errors") continue;
    } else if (!shown) continue;
    keys.push(key);
    if (keys.length > 1000) break;
  }
  return keys;
}

/** The name of the nearest constructor; null for an object without prototype. */
export function constructorName(value: object): string | null {
  let link: object | null = value;
  for (let depth = 0; link !== null && depth < 100; depth++) {
    if (depth > 0 && ops.isProxy(link)) return "Object";
    const constructor: unknown = getOwnPropertyDescriptor(link, "constructor")?.value;
    if (typeof constructor === "function" && !ops.isProxy(constructor)) {
      const name: unknown = getOwnPropertyDescriptor(constructor, "name")?.value;
      if (typeof name === "string" && name !== "") return name.slice(0, 100);
    }
    link = getPrototypeOf(link) as object | null;
  }
  return null;
}

function objectPrefix(value: object, className: string | null): string {
  const suffix = tagSuffix(value, className ?? "");
  if (className === null) return `[Object: null prototype]${suffix}`;
  if (className === "Object") return suffix === "" ? "" : `Object${suffix}`;
  return className + suffix;
}

function tagSuffix(value: object, className: string): string {
  const tag = tagOf(value);
  return tag !== "" && tag !== className ? ` [${tag}]` : "";
}

function tagOf(value: object): string {
  // Among the properties already.
  if (getOwnPropertyDescriptor(value, Symbol.toStringTag)?.enumerable) return "";
  for (let link: object | null = value, depth = 0; link !== null && depth < 100; depth++) {
    if (depth > 0 && ops.isProxy(link)) return "";
    if (hasOwn(link, Symbol.toStringTag)) {
      const tag: unknown = getOwnPropertyDescriptor(link, Symbol.toStringTag)?.value;
      return typeof tag === "string" ? tag.slice(0, 100) : "";
    }
    link = getPrototypeOf(link) as object | null;
  }
  return "";
}
