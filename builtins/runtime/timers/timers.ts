// setTimeout and setInterval.

import { reflectApply } from "../support/intrinsics.ts";
import { requireIo } from "../support/platform-hooks.ts";
import { requireArguments } from "../support/webidl.ts";
import { clampDelay, startTimer } from "./timer-wheel.ts";

const cancels = new Map<number, () => void>();
let lastId = 0;

function timerCallback(callback: unknown, where: string): (...args: unknown[]) => unknown {
  if (typeof callback !== "function") {
    throw new TypeError(`Failed to execute '${where}': the callback must be a function; code in a string is not run.`);
  }
  return callback as (...args: unknown[]) => unknown;
}

export function setTimeout(callback: unknown, ms?: unknown, ...args: unknown[]): number {
  requireIo("setTimeout()");
  const run = timerCallback(callback, "setTimeout");
  const delay = clampDelay(ms);
  const id = ++lastId;
  cancels.set(
    id,
    startTimer(
      delay,
      () => {
        cancels.delete(id);
        reflectApply(run, globalThis, args);
      },
      () => cancels.delete(id),
    ),
  );
  return id;
}

export function setInterval(callback: unknown, ms?: unknown, ...args: unknown[]): number {
  requireIo("setInterval()");
  const run = timerCallback(callback, "setInterval");
  const delay = clampDelay(ms);
  const id = ++lastId;
  function again(): void {
    cancels.set(
      id,
      startTimer(
        delay,
        () => {
          // Armed before the call, so that the callback can clear it and so that a throw does not end the series.
          again();
          reflectApply(run, globalThis, args);
        },
        () => cancels.delete(id),
      ),
    );
  }
  again();
  return id;
}

function clear(id: unknown): void {
  const key = Number(id);
  const cancel = cancels.get(key);
  if (cancel === undefined) return;
  cancels.delete(key);
  cancel();
}

export function clearTimeout(id?: unknown): void {
  requireIo("clearTimeout()");
  requireArguments(arguments.length, 1, "clearTimeout");
  if (id !== undefined && id !== null) clear(id);
}

export function clearInterval(id?: unknown): void {
  requireIo("clearInterval()");
  requireArguments(arguments.length, 1, "clearInterval");
  if (id !== undefined && id !== null) clear(id);
}
