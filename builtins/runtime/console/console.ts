// console. Everything goes to the operator's log, as text.

import { ops } from "../../internal/ops.ts";
import { nowMs } from "../performance/clock.ts";
import { defineProperty, objectCreate } from "../support/intrinsics.ts";
import { hooks, type LogLevel } from "../support/platform-hooks.ts";
import { formatArguments } from "./format.ts";
import { inspect, MAX_OUTPUT } from "./inspect.ts";
import { formatTable } from "./table.ts";

const MAX_GROUPS = 32;
const MAX_LABELS = 1000;

// Of one program: the zygote never logs.
let indentation = "";
const counts = new Map<string, number>();
const timers = new Map<string, number>();

function emit(level: LogLevel, text: string): void {
  const indented = indentation === "" ? text : indentation + text.replaceAll("\n", `\n${indentation}`);
  ops.log(level, indented.length > MAX_OUTPUT ? `${indented.slice(0, MAX_OUTPUT)}…` : indented);
}

function recorded(level: LogLevel): (...args: unknown[]) => void {
  return (...args) => {
    hooks().logged?.(level, args);
    emit(level, formatArguments(args));
  };
}

function labelOf(label: unknown): string {
  return label === undefined ? "default" : `${label as string}`;
}

function group(...args: unknown[]): void {
  if (args.length > 0) emit("log", formatArguments(args));
  if (indentation.length < MAX_GROUPS * 2) indentation += "  ";
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(3)}ms` : ms < 60_000 ? `${(ms / 1000).toFixed(3)}s` : `${(ms / 60_000).toFixed(3)}m`;
}

function elapsed(label: string): string | null {
  const start = timers.get(label);
  if (start === undefined) {
    emit("warn", `Timer '${label}' does not exist`);
    return null;
  }
  return `${label}: ${duration(nowMs() - start)}`;
}

const methods: Record<string, (...args: never[]) => void> = {
  debug: recorded("debug"),
  error: recorded("error"),
  info: recorded("info"),
  log: recorded("log"),
  warn: recorded("warn"),

  assert(condition?: unknown, ...args: unknown[]) {
    if (condition) return;
    const [first, ...rest] = args;
    if (typeof first === "string") emit("error", formatArguments([`Assertion failed: ${first}`, ...rest]));
    else emit("error", formatArguments(["Assertion failed", ...args]));
  },
  clear() {},
  count(label?: unknown) {
    const name = labelOf(label);
    const count = (counts.get(name) ?? 0) + 1;
    if (counts.size < MAX_LABELS || counts.has(name)) counts.set(name, count);
    emit("log", `${name}: ${count}`);
  },
  countReset(label?: unknown) {
    const name = labelOf(label);
    if (!counts.delete(name)) emit("warn", `Count for '${name}' does not exist`);
  },
  dir(value?: unknown, options?: { depth?: unknown }) {
    const depth = options?.depth;
    emit("log", inspect(value, { depth: depth === null ? Infinity : typeof depth === "number" ? depth : 2 }));
  },
  dirxml(...args: unknown[]) {
    emit("log", formatArguments(args));
  },
  group,
  groupCollapsed: group,
  groupEnd() {
    indentation = indentation.slice(2);
  },
  profile() {},
  profileEnd() {},
  table(data?: unknown, columns?: unknown) {
    emit("log", formatTable(data, columns) ?? formatArguments([data]));
  },
  time(label?: unknown) {
    const name = labelOf(label);
    if (timers.has(name)) emit("warn", `Timer '${name}' already exists`);
    else if (timers.size < MAX_LABELS) timers.set(name, nowMs());
  },
  timeEnd(label?: unknown) {
    const name = labelOf(label);
    const text = elapsed(name);
    timers.delete(name);
    if (text !== null) emit("log", text);
  },
  timeLog(label?: unknown, ...args: unknown[]) {
    const text = elapsed(labelOf(label));
    if (text !== null) emit("log", args.length === 0 ? text : `${text} ${formatArguments(args)}`);
  },
  timeStamp() {},
  trace(...args: unknown[]) {
    const text = formatArguments(args);
    const stack = new Error().stack ?? "";
    const frames = stack.split("\n").slice(2).join("\n");
    emit("log", `Trace${text === "" ? "" : `: ${text}`}${frames === "" ? "" : `\n${frames}`}`);
  },
};

/** The console object: its methods are its own, as the console standard has it. */
export function createConsole(): object {
  const console = objectCreate(objectCreate(Object.prototype) as object) as object;
  for (const [name, method] of Object.entries(methods)) {
    defineProperty(method, "name", { value: name, configurable: true });
    defineProperty(console, name, { value: method, writable: true, enumerable: true, configurable: true });
  }
  defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
  return console;
}
