// Arguments of console methods as trace items have them: JSON values, one for each argument.

import { isDOMException } from "../runtime/errors/dom-exception.ts";

export interface ErrorInfo {
  name: string;
  message: string;
  stack: string;
}

export interface ConsoleValues {
  message: unknown[];
  /** Beside `message`, if any argument is an Error: what it says, null for the others. */
  errorInfo?: (ErrorInfo | null)[];
}

export function consoleValues(args: readonly unknown[]): ConsoleValues {
  const message = args.map(jsonValue);
  return args.some(isError) ? { message, errorInfo: args.map((arg) => (isError(arg) ? errorInfo(arg) : null)) } : { message };
}

/** What a trace item says of a thrown value. The stack comes without its first line, which repeats the message. */
export function errorInfo(thrown: unknown): ErrorInfo {
  if (!isError(thrown)) return { name: "Error", message: textOf(() => String(thrown)), stack: "" };
  const name = textOf(() => String(thrown.name));
  const message = textOf(() => String(thrown.message));
  const stack = textOf(() => String(thrown.stack));
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line) && !line.includes("mayfly:"));
  return { name, message, stack: frames.join("\n") };
}

function isError(value: unknown): value is Error {
  return value instanceof Error || isDOMException(value);
}

function jsonValue(value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "undefined":
      return null;
    case "bigint":
      return value.toString();
    case "symbol":
      return {};
    case "function":
      return textOf(() => Function.prototype.toString.call(value));
  }
  if (value === null) return null;
  if (isError(value)) return textOf(() => `${String(value.name)}: ${String(value.message)}`);
  return objectValue(value as object);
}

function objectValue(object: object): unknown {
  try {
    const prototype = Object.getPrototypeOf(object) as unknown;
    const plain = prototype === Object.prototype || prototype === null || Array.isArray(object);
    if (!plain && typeof (object as { toJSON?: unknown }).toJSON !== "function") return String(object);
    const text = JSON.stringify(object) as string | undefined;
    return text === undefined ? null : (JSON.parse(text) as unknown);
  } catch {
    return {}; // a cycle, a BigInt, or a getter that throws
  }
}

function textOf(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
