// Errors between programs: what a thrown value is on the wire, and what the system itself says.

import { enabled } from "../compatibility/compatibility.ts";
import { DOMException, isDOMException } from "../runtime/errors/dom-exception.ts";
import type { FailureText } from "../internal/ops.ts";

type ErrorClass = new (message: string) => Error;

const builtInErrors: Record<string, ErrorClass> = {
  Error, TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError,
};
// The classes whose constructors want more than a message.
const richErrors: Record<string, (message: string) => Error> = {
  AggregateError: (message) => withoutOwn(new AggregateError([], message), "errors"),
};
const Suppressed = (globalThis as { SuppressedError?: new (error: unknown, suppressed: unknown, message: string) => Error }).SuppressedError;
if (Suppressed !== undefined) {
  richErrors["SuppressedError"] = (message) => withoutOwn(new Suppressed(undefined, undefined, message), "error", "suppressed");
}

function withoutOwn(error: Error, ...keys: string[]): Error {
  for (const key of keys) delete (error as unknown as Record<string, unknown>)[key];
  return error;
}

function isRebuilt(name: unknown): name is string {
  return typeof name === "string" && (Object.hasOwn(builtInErrors, name) || Object.hasOwn(richErrors, name));
}

/** The plain content of an Error. */
export interface ErrorContent {
  /** One of the built-in classes. */
  name: string;
  message: string;
  /** Its other own properties, and the name if no class says it. */
  props: Record<string, unknown> | null;
}

const MAX_MESSAGE = 8 * 1024;

function textOf(error: object, key: "name" | "message" | "stack"): string {
  try {
    const value: unknown = (error as Record<string, unknown>)[key];
    return typeof value === "string" ? value : value === undefined ? "" : String(value);
  } catch {
    return "";
  }
}

// The stack stays here, and a receiver makes objects of these names mean something else.
const NOT_COPIED: ReadonlySet<string> = new Set(["name", "message", "stack", "__proto__"]);

/** Throws what a getter throws, or `lowerProps`. */
export function errorContent(error: Error, lowerProps: (props: Record<string, unknown>) => unknown): ErrorContent {
  const name: unknown = error.name;
  const message: unknown = error.message;
  if (!enabled("enhanced_error_serialization")) {
    // Once an error was a built-in class and a message.
    return { name: isRebuilt(name) ? name : "Error", message: message === undefined ? "" : String(message), props: null };
  }
  const props: Record<string, unknown> = {};
  if (!isRebuilt(name)) props["name"] = name;
  for (const key of Object.getOwnPropertyNames(error)) {
    if (NOT_COPIED.has(key) || /^[0-9]/.test(key)) continue;
    props[key] = (error as unknown as Record<string, unknown>)[key];
  }
  return {
    name: isRebuilt(name) ? name : "Error",
    message: message === undefined ? "" : String(message),
    props: Object.keys(props).length > 0 ? (lowerProps(props) as Record<string, unknown>) : null,
  };
}

export function errorFromContent({ name, message, props }: ErrorContent): Error {
  const text = String(message);
  const error = Object.hasOwn(richErrors, name) ? richErrors[name]!(text) : new (Object.hasOwn(builtInErrors, name) ? builtInErrors[name]! : Error)(text);
  if (typeof props === "object" && props !== null) {
    for (const key of Object.keys(props)) {
      Object.defineProperty(error, key, { value: props[key], writable: true, configurable: true, enumerable: true });
    }
  }
  return withOwnStack(error);
}

/** The stack of the program that receives the error, without the frames of the runtime. */
function withOwnStack(error: Error): Error {
  const stack: unknown = error.stack;
  if (typeof stack === "string") {
    const lines = stack.split("\n").filter((line) => !/^\s+at .*\bmayfly:/.test(line));
    Object.defineProperty(error, "stack", { value: lines.join("\n"), writable: true, configurable: true, enumerable: false });
  }
  return error;
}

/** Marks what another program threw. Returns it. */
export function markRemote<T>(thrown: T): T {
  if (typeof thrown === "object" && thrown !== null) {
    Object.defineProperty(thrown, "remote", { value: true, writable: true, enumerable: true, configurable: true });
  }
  return thrown;
}

/** An Error that says as much as text can of something thrown that cannot be sent. */
export function describeThrown(thrown: unknown): Error {
  if (typeof thrown === "function" && thrown instanceof Function) return new Error(Function.prototype.toString.call(thrown));
  if ((typeof thrown !== "object" && typeof thrown !== "function") || thrown === null) return new Error(String(thrown));
  if (!isErrorLike(thrown)) return new Error(`#<${classNameOf(thrown)}>`);
  const name = textOf(thrown, "name");
  const error = new (Object.hasOwn(builtInErrors, name) ? builtInErrors[name]! : Error)(textOf(thrown, "message"));
  if (name !== "" && error.name !== name) Object.defineProperty(error, "name", { value: name, enumerable: true });
  return error;
}

function isErrorLike(thrown: object): boolean {
  try {
    return thrown instanceof Error;
  } catch {
    return false;
  }
}

/** The name of an object's class as V8 would say it. */
export function classNameOf(object: object): string {
  try {
    const prototype = Object.getPrototypeOf(object) as { constructor?: { name?: unknown } } | null;
    const name = prototype?.constructor?.name;
    return typeof name === "string" && name !== "" ? name : "Object";
  } catch {
    return "Object";
  }
}

/** What is sent in place of a thrown value: an object; of an error with a name of its own, once, only its text. */
export function thrownObject(thrown: unknown): object {
  if ((typeof thrown !== "object" && typeof thrown !== "function") || thrown === null) return new Error(String(thrown));
  if (enabled("enhanced_error_serialization") || !(thrown instanceof Error) || isDOMException(thrown)) return thrown;
  const name = textOf(thrown, "name") || "Error";
  return Object.hasOwn(builtInErrors, name) ? thrown : new Error(`${name}: ${textOf(thrown, "message")}`);
}

/** What the operator's log and readers without V8 get to see of a thrown value. */
export function failureText(thrown: unknown, system: boolean): FailureText {
  if (typeof thrown === "object" && thrown !== null) {
    const code: unknown = Object.hasOwn(thrown, "code") ? (thrown as { code?: unknown }).code : undefined;
    return {
      name: textOf(thrown, "name") || "Error",
      message: textOf(thrown, "message").slice(0, MAX_MESSAGE),
      stack: textOf(thrown, "stack").slice(0, 2 * MAX_MESSAGE),
      code: typeof code === "string" ? code : "",
      system,
    };
  }
  let message: string;
  try {
    message = String(thrown).slice(0, MAX_MESSAGE);
  } catch {
    message = "";
  }
  return { name: "Error", message, stack: "", code: "", system };
}

/** An error that the system raised itself, not a program: it carries no `remote`. */
export class SystemError {
  constructor(readonly error: Error) {}
}

export function systemError(message: string, code?: string, properties?: object): Error {
  const error = new Error(message);
  if (code !== undefined) Object.defineProperty(error, "code", { value: code, enumerable: true, writable: true, configurable: true });
  return properties === undefined ? error : Object.assign(error, properties);
}

export function errorFromFailure(failure: FailureText): Error {
  const Class = Object.hasOwn(builtInErrors, failure.name) ? builtInErrors[failure.name]! : Error;
  const error = new Class(failure.message);
  if (failure.code !== "") Object.assign(error, { code: failure.code });
  return error;
}

export function cloneError(message: string): DOMException {
  return new DOMException(message, "DataCloneError");
}
