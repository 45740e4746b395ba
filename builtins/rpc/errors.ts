// Errors between programs: what a thrown value is on the wire, and what the system itself says.

import { DOMException } from "../runtime/errors/dom-exception.ts";
import type { FailureText } from "../internal/ops.ts";

const builtInErrors: Record<string, ErrorConstructor> = {
  Error, TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError,
};

/** The plain content of an Error; `props` are its own enumerable properties, `cause` and `errors`. */
export interface ErrorContent {
  name: string;
  message: string;
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

export function errorContent(error: Error, lowerProps: (props: Record<string, unknown>) => unknown): ErrorContent {
  const name = textOf(error, "name") || "Error";
  const message = textOf(error, "message").slice(0, MAX_MESSAGE);
  const props: Record<string, unknown> = {};
  let any = false;
  try {
    for (const key of Object.getOwnPropertyNames(error)) {
      if (key === "name" || key === "message" || key === "stack" || key === "remote") continue;
      props[key] = (error as unknown as Record<string, unknown>)[key];
      any = true;
    }
    if (any) return { name, message, props: lowerProps(props) as Record<string, unknown> };
  } catch {
    // A property that cannot be copied: name and message still say what happened.
  }
  return { name, message, props: null };
}

export function errorFromContent(content: ErrorContent): Error {
  const Class = Object.hasOwn(builtInErrors, content.name) ? builtInErrors[content.name]! : Error;
  const error =
    content.name === "AggregateError" ? new AggregateError([], content.message) : new Class(content.message);
  if (error.name !== content.name) {
    Object.defineProperty(error, "name", { value: content.name, writable: true, configurable: true });
  }
  if (content.props !== null && typeof content.props === "object") {
    for (const key of Object.keys(content.props)) {
      Object.defineProperty(error, key, {
        value: content.props[key], writable: true, configurable: true, enumerable: key !== "cause" && key !== "errors",
      });
    }
  }
  return error;
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
