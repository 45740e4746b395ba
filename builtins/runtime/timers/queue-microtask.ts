// queueMicrotask(), where the engine brings none: a promise reaction, whose failure is an error of the global scope.

import { reportUncaught } from "../events/global-events.ts";
import { promiseThen, reflectApply } from "../support/intrinsics.ts";
import { requireArguments } from "../support/webidl.ts";

const settled = Promise.resolve();

export function queueMicrotask(callback: unknown): void {
  requireArguments(arguments.length, 1, "queueMicrotask");
  if (typeof callback !== "function")
    throw new TypeError("Failed to execute 'queueMicrotask': the callback is not a function.");
  promiseThen(settled, () => {
    try {
      reflectApply(callback, undefined, []);
    } catch (error) {
      reportUncaught(error);
    }
  });
}
