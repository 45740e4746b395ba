// What console.log(...) prints: printf-like directives in the first argument, the rest inspected.

import { inspect, MAX_OUTPUT } from "./inspect.ts";
import { symbolText } from "./inspect-primitive.ts";

export function formatArguments(args: readonly unknown[]): string {
  let at = 0;
  let text = "";
  const [first] = args;
  if (typeof first === "string") {
    at = 1;
    text = first.includes("%") && args.length > 1 ? substitute(first, args, (used) => (at = used)) : first;
  }
  for (; at < args.length && text.length < MAX_OUTPUT; at++) {
    const value = args[at];
    if (at > 0) text += " ";
    text += typeof value === "string" ? value : inspect(value);
  }
  return text.length > MAX_OUTPUT ? `${text.slice(0, MAX_OUTPUT)}… (output cut)` : text;
}

function substitute(format: string, args: readonly unknown[], setUsed: (used: number) => void): string {
  let next = 1;
  const text = format.replace(/%([sdifjoOc%])/g, (directive, kind: string) => {
    if (kind === "%") return "%";
    if (next >= args.length) return directive;
    return directiveText(kind, args[next++]);
  });
  setUsed(next);
  return text;
}

function directiveText(kind: string, value: unknown): string {
  switch (kind) {
    case "s":
      if (typeof value === "string") return value;
      if (typeof value === "symbol") return symbolText(value);
      return typeof value === "object" && value !== null ? inspect(value, { depth: 0 }) : inspect(value);
    case "d":
      if (typeof value === "bigint") return `${value}n`;
      return isConvertible(value) ? inspect(Number(value)) : "NaN";
    case "i":
      if (typeof value === "bigint") return `${value}n`;
      return isConvertible(value) ? inspect(parseInt(String(value), 10)) : "NaN";
    case "f":
      return isConvertible(value) ? inspect(parseFloat(String(value))) : "NaN";
    case "j":
      try {
        return String(JSON.stringify(value));
      } catch {
        return "[Circular]";
      }
    case "o":
      return inspect(value, { depth: 4 });
    case "O":
      return inspect(value);
    default:
      return ""; // %c: a style, which a log does not have
  }
}

function isConvertible(value: unknown): boolean {
  return typeof value !== "symbol" && (typeof value !== "object" || value === null) && typeof value !== "function";
}
