// EventTarget, and event handler attributes such as `onabort`. There is no tree here: an event has one target.

import { hooks } from "../support/platform-hooks.ts";
import { defineInterface, isObject, requireArguments, toDOMString } from "../support/webidl.ts";
import { dispatchStateOf, isEvent, type Event } from "./event.ts";
import { isAbortSignal, onAbort, type AbortSignal } from "./abort-hook.ts";
import { DOMException } from "../errors/dom-exception.ts";
import { reflectApply } from "../support/intrinsics.ts";

type Callback = ((this: unknown, event: Event) => unknown) | { handleEvent?: unknown };

interface Listener {
  type: string;
  callback: Callback;
  capture: boolean;
  once: boolean;
  passive: boolean;
  removed: boolean;
}

let listenersOf: (target: EventTarget) => Listener[];
let removeListener: (target: EventTarget, listener: Listener) => void;

export class EventTarget {
  // Replaced, never changed in place: a dispatch under way goes on over the list it started with.
  #listeners: Listener[] = [];

  static {
    listenersOf = (target) => target.#listeners;
    removeListener = (target, listener) => target.#remove(listener);
  }

  addEventListener(type: unknown, callback: unknown, options?: unknown): void {
    requireArguments(arguments.length, 2, "EventTarget.addEventListener");
    const name = toDOMString(type);
    const { capture, once, passive, signal } = listenerOptions(options);
    if (callback === null || callback === undefined) return;
    if (!isObject(callback)) {
      throw new TypeError(
        "Failed to execute 'EventTarget.addEventListener': the listener is neither a function nor an object.",
      );
    }
    if (signal?.aborted) return;
    if (this.#find(name, callback, capture) !== undefined) return;
    const listener: Listener = { type: name, callback: callback as Callback, capture, once, passive, removed: false };
    this.#listeners = [...this.#listeners, listener];
    if (signal !== undefined) onAbort(signal, () => this.#remove(listener));
  }

  removeEventListener(type: unknown, callback: unknown, options?: unknown): void {
    requireArguments(arguments.length, 2, "EventTarget.removeEventListener");
    const capture = isObject(options) ? Boolean((options as { capture?: unknown }).capture) : Boolean(options);
    const listener = this.#find(toDOMString(type), callback, capture);
    if (listener !== undefined) this.#remove(listener);
  }

  dispatchEvent(event: unknown): boolean {
    requireArguments(arguments.length, 1, "EventTarget.dispatchEvent");
    if (!isEvent(event))
      throw new TypeError("Failed to execute 'EventTarget.dispatchEvent': the argument is not an Event.");
    const state = dispatchStateOf(event);
    if (state.dispatching) throw new DOMException("The event is already being dispatched.", "InvalidStateError");
    state.trusted = false;
    return dispatch(this, event);
  }

  #find(type: string, callback: unknown, capture: boolean): Listener | undefined {
    return this.#listeners.find(
      (listener) => listener.type === type && listener.callback === callback && listener.capture === capture,
    );
  }

  #remove(listener: Listener): void {
    listener.removed = true;
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }
}

function listenerOptions(options: unknown): {
  capture: boolean;
  once: boolean;
  passive: boolean;
  signal: AbortSignal | undefined;
} {
  if (!isObject(options)) return { capture: Boolean(options), once: false, passive: false, signal: undefined };
  const given = options as { capture?: unknown; once?: unknown; passive?: unknown; signal?: unknown };
  const { signal } = given;
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw new TypeError("Failed to execute 'EventTarget.addEventListener': option 'signal' is not an AbortSignal.");
  }
  return {
    capture: Boolean(given.capture),
    once: Boolean(given.once),
    passive: Boolean(given.passive),
    signal,
  };
}

/**
 * Dispatches without the checks of dispatchEvent(), for events the platform makes. `self` is what listeners see
 * as target and `this`, where that is not the target itself (the global object). `report` gets what a listener
 * throws. False if it was cancelled.
 */
export function dispatch(
  target: EventTarget,
  event: Event,
  self: EventTarget = target,
  report: (error: unknown) => void = reportException,
): boolean {
  const state = dispatchStateOf(event);
  state.dispatching = true;
  state.target = self;
  state.currentTarget = self;
  state.phase = 2;
  const listeners = listenersOf(target);
  if (listeners.length > 0 && !state.stopPropagation) {
    // Capturing listeners come first, also at the target.
    invoke(target, event, self, listeners, true, report);
    if (!state.stopPropagation) invoke(target, event, self, listeners, false, report);
  }
  state.phase = 0;
  state.currentTarget = null;
  state.dispatching = false;
  state.stopPropagation = false;
  state.stopImmediate = false;
  return !state.canceled;
}

function reportException(error: unknown): void {
  hooks().reportException(error);
}

function invoke(
  target: EventTarget,
  event: Event,
  self: EventTarget,
  listeners: Listener[],
  capture: boolean,
  report: (error: unknown) => void,
): void {
  const state = dispatchStateOf(event);
  const { type } = event;
  for (let i = 0; i < listeners.length; i++) {
    const listener = listeners[i]!;
    if (listener.type !== type || listener.capture !== capture || listener.removed) continue;
    if (listener.once) removeListener(target, listener);
    state.inPassiveListener = listener.passive;
    try {
      callListener(listener.callback, event, self);
    } catch (error) {
      report(error);
    }
    state.inPassiveListener = false;
    if (state.stopImmediate) return;
  }
}

function callListener(callback: Callback, event: Event, self: EventTarget): void {
  if (typeof callback === "function") {
    reflectApply(callback, self, [event]);
    return;
  }
  const { handleEvent } = callback;
  if (typeof handleEvent !== "function") throw new TypeError("The event listener's handleEvent is not a function.");
  reflectApply(handleEvent, callback, [event]);
}

export function hasListeners(target: EventTarget, type: string): boolean {
  return listenersOf(target).some((listener) => listener.type === type);
}

/** One `on…` attribute: keeps its place among the listeners while its value changes. */
export class EventHandler {
  #value: ((this: unknown, event: Event) => unknown) | null = null;
  #added = false;
  readonly #target: EventTarget;
  readonly #type: string;

  constructor(target: EventTarget, type: string) {
    this.#target = target;
    this.#type = type;
  }

  get(): unknown {
    return this.#value;
  }

  set(value: unknown): void {
    this.#value = typeof value === "function" ? (value as (event: Event) => unknown) : null;
    if (this.#added || this.#value === null) return;
    this.#added = true;
    this.#target.addEventListener(this.#type, (event: Event) => {
      if (this.#value === null) return;
      if (reflectApply(this.#value, this.#target, [event]) === false) event.preventDefault();
    });
  }
}

defineInterface(EventTarget, "EventTarget");
