// addEventListener and friends on the global object, and reportError(). The target behind them is not the global
// object itself; listeners never see the difference.

import { hooks } from "../support/platform-hooks.ts";
import { requireArguments } from "../support/webidl.ts";
import { isError } from "../support/errors.ts";
import { ErrorEvent } from "./event-kinds.ts";
import { dispatch, EventTarget, hasListeners } from "./event-target.ts";
import { dispatchStateOf, isEvent, trusted, type Event } from "./event.ts";
import { DOMException } from "../errors/dom-exception.ts";

let globalTarget: EventTarget | undefined;
let globalObject: object | undefined;

function target(): EventTarget {
  return (globalTarget ??= new EventTarget());
}

/** Delivers an event that the platform made to the listeners on the global object. False if it was cancelled. */
export function dispatchGlobal(event: Event): boolean {
  return dispatch(target(), trusted(event), globalObject as EventTarget);
}

export function hasGlobalListeners(type: string): boolean {
  return globalTarget !== undefined && hasListeners(globalTarget, type);
}

/** The functions to put on the global object. */
export function globalEventFunctions(global: object): Record<string, (...args: never[]) => unknown> {
  globalObject = global;
  return {
    addEventListener(type: unknown, callback: unknown, options?: unknown): void {
      requireArguments(arguments.length, 2, "addEventListener");
      target().addEventListener(type, callback, options);
    },
    removeEventListener(type: unknown, callback: unknown, options?: unknown): void {
      requireArguments(arguments.length, 2, "removeEventListener");
      target().removeEventListener(type, callback, options);
    },
    dispatchEvent(event: unknown): boolean {
      requireArguments(arguments.length, 1, "dispatchEvent");
      if (!isEvent(event)) throw new TypeError("Failed to execute 'dispatchEvent': the argument is not an Event.");
      if (dispatchStateOf(event).dispatching) {
        throw new DOMException("The event is already being dispatched.", "InvalidStateError");
      }
      return dispatch(target(), event, globalObject as EventTarget);
    },
    reportError(error: unknown): void {
      requireArguments(arguments.length, 1, "reportError");
      reportUncaught(error);
    },
  };
}

let reporting = false;

/** Fires `error` on the global object; what no listener cancels goes to the operator. */
export function reportUncaught(error: unknown): void {
  // A listener for `error` that throws must not call itself for ever.
  if (reporting || !hasGlobalListeners("error")) {
    hooks().reportException(error, true);
    return;
  }
  reporting = true;
  try {
    const event = new ErrorEvent("error", { error, message: `Uncaught ${describe(error)}`, cancelable: true });
    if (dispatchGlobal(event)) hooks().reportException(error, true);
  } finally {
    reporting = false;
  }
}

function describe(error: unknown): string {
  try {
    if (isError(error))
      return error.message === "" ? String(error.name) : `${String(error.name)}: ${String(error.message)}`;
    return String(error);
  } catch {
    return "exception";
  }
}
