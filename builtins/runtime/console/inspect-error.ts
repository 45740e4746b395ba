// Errors as text: their stack, if it is one.

import { isError } from "../support/errors.ts";
import type { Inspection } from "./inspect.ts";
import { constructorName } from "./inspect.ts";

/** Null if the value is no error. */
export function formatError(inspection: Inspection, value: object, depth: number): string | null {
  if (!isError(value)) return null;
  const title = errorTitle(value);
  let stack = readText(value, "stack");
  if (stack === undefined || stack === "") return `[${title}]`;
  // The stack was written when the error was made; name and message may have changed since.
  const name = readText(value, "name") ?? "Error";
  if (!stack.includes(name)) {
    const frames = stack.indexOf("\n    at ");
    stack = frames < 0 ? title : title + stack.slice(frames);
  }
  if (!stack.includes("\n    at ")) stack = `[${stack}]`;
  const indented =
    inspection.indentation === 0 ? stack : stack.replaceAll("\n", `\n${" ".repeat(inspection.indentation)}`);
  return depth > 0 && indented.length > 4096 ? `${indented.slice(0, 4096)}…` : indented;
}

/** "Name: message", as far as the error lets one read them. */
export function errorTitle(error: Error): string {
  const name = readText(error, "name") ?? constructorName(error) ?? "Error";
  const message = readText(error, "message") ?? "";
  return message === "" ? name : `${name}: ${message}`;
}

// These may be getters of the program: an error that hides its text is shown without it.
function readText(error: Error, key: "name" | "message" | "stack"): string | undefined {
  try {
    const text: unknown = error[key];
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}
