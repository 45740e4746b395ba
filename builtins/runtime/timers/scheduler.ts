// scheduler.wait(): setTimeout as a promise.

import { onAbort } from "../events/abort-hook.ts";
import { abortReason, isAborted, isAbortSignal } from "../events/abort.ts";
import { requireIo } from "../support/platform-hooks.ts";
import { defineInterface, illegalConstructor, INTERNAL, requireArguments, toDictionary } from "../support/webidl.ts";
import { clampDelay, startTimer } from "./timer-wheel.ts";

export class Scheduler {
  constructor(token?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
  }

  async wait(ms: unknown, options?: unknown): Promise<void> {
    requireIo("scheduler.wait()");
    requireArguments(arguments.length, 1, "Scheduler.wait");
    const delay = clampDelay(ms);
    const { signal } = toDictionary(options, "scheduler.wait() options");
    if (signal === undefined || signal === null) {
      return new Promise((resolve) => {
        startTimer(delay, resolve);
      });
    }
    if (!isAbortSignal(signal)) throw new TypeError("scheduler.wait(): option 'signal' is not an AbortSignal.");
    if (isAborted(signal)) throw abortReason(signal);
    return new Promise((resolve, reject) => {
      const cancel = startTimer(delay, () => {
        forget();
        resolve();
      });
      const forget = onAbort(signal, () => {
        cancel();
        reject(abortReason(signal));
      });
    });
  }
}

defineInterface(Scheduler, "Scheduler");
