// Timers as the rest of the runtime starts them: tied to the invocation that started them, run in its async context.

import { ops } from "../../internal/ops.ts";
import { DOMException } from "../errors/dom-exception.ts";
import { hooks } from "../support/platform-hooks.ts";

const MAX_ACTIVE = 10_000;
const MAX_DELAY_MS = 3_153_600_000_000;

/** Delays are clamped to 0 … a hundred years; what is no number counts as 0. */
export function clampDelay(ms: unknown): number {
  // Not Number(): that takes a BigInt.
  const delay = +(ms as number);
  if (!(delay > 0)) return 0;
  return delay > MAX_DELAY_MS ? MAX_DELAY_MS : delay;
}

let active = 0;

/**
 * Calls `callback` once. The answer cancels it; cancelling twice, or after the call, does nothing. If the end of
 * the invocation cancels it instead, `dropped` is told.
 */
export function startTimer(ms: number, callback: () => void, dropped?: () => void): () => void {
  if (active >= MAX_ACTIVE) {
    throw new DOMException(
      `You have exceeded the number of active timeouts you may set. max active timeouts: ${MAX_ACTIVE}, current active timeouts: ${active}`,
      "QuotaExceededError",
    );
  }
  const frame = ops.asyncFrame();
  let pending = true;
  active++;
  const id = ops.startTimer(clampDelay(ms), () => {
    if (!settle()) return;
    const outer = ops.asyncFrame();
    ops.setAsyncFrame(frame);
    try {
      callback();
    } catch (error) {
      hooks().reportException(error);
    } finally {
      ops.setAsyncFrame(outer);
    }
  });
  const untie = hooks().adopt?.(() => {
    cancel();
    dropped?.();
  });
  function settle(): boolean {
    if (!pending) return false;
    pending = false;
    active--;
    untie?.();
    return true;
  }
  function cancel(): void {
    if (settle()) ops.cancelTimer(id);
  }
  return cancel;
}
