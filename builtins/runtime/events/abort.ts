// AbortController and AbortSignal.

import { DOMException } from "../errors/dom-exception.ts";
import { setInspector } from "../support/inspectors.ts";
import { requireIo } from "../support/platform-hooks.ts";
import { defineInterface, illegalConstructor, INTERNAL, isObject, requireArguments } from "../support/webidl.ts";
import { startTimer } from "../timers/timer-wheel.ts";
import { isAbortSignal, provideSignalAccess } from "./abort-hook.ts";
import { dispatch, EventHandler, EventTarget } from "./event-target.ts";
import { Event, trusted } from "./event.ts";

interface AbortState {
  aborted: boolean;
  reason: unknown;
  algorithms: Set<() => void>;
  /** Signals made by AbortSignal.any() that follow this one. */
  dependents: Set<AbortSignal>;
  /** For a signal made by any(): the signals it follows, none of them made by any(). */
  sources: AbortSignal[] | null;
}

let stateOf: (signal: AbortSignal) => AbortState;
let signalBrand: (value: object) => value is AbortSignal;

export class AbortSignal extends EventTarget {
  readonly #state: AbortState = {
    aborted: false,
    reason: undefined,
    algorithms: new Set(),
    dependents: new Set(),
    sources: null,
  };
  #onabort: EventHandler | null = null;

  constructor(token?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
    super();
  }

  static {
    stateOf = (signal) => signal.#state;
    signalBrand = (value): value is AbortSignal => #state in value;
  }

  get aborted(): boolean {
    return this.#state.aborted;
  }

  get reason(): unknown {
    return this.#state.reason;
  }

  get onabort(): unknown {
    return this.#onabort?.get() ?? null;
  }

  set onabort(value: unknown) {
    this.#onabort ??= new EventHandler(this, "abort");
    this.#onabort.set(value);
  }

  throwIfAborted(): void {
    if (this.#state.aborted) throw this.#state.reason;
  }

  static abort(reason?: unknown): AbortSignal {
    const signal = createSignal();
    const state = stateOf(signal);
    state.aborted = true;
    state.reason = reason === undefined ? abortError() : reason;
    return signal;
  }

  static timeout(ms: unknown): AbortSignal {
    requireArguments(arguments.length, 1, "AbortSignal.timeout");
    requireIo("AbortSignal.timeout()");
    const delay = Number(ms);
    if (!(delay >= 0 && delay <= Number.MAX_SAFE_INTEGER)) {
      throw new TypeError(
        "Failed to execute 'AbortSignal.timeout': the delay must be between 0 and 2^53 - 1 milliseconds.",
      );
    }
    const signal = createSignal();
    startTimer(delay, () => {
      abortSignal(signal, new DOMException("The operation was aborted due to timeout", "TimeoutError"));
    });
    return signal;
  }

  static any(signals: unknown): AbortSignal {
    requireArguments(arguments.length, 1, "AbortSignal.any");
    if (!isObject(signals)) throw new TypeError("Failed to execute 'AbortSignal.any': the argument is not iterable.");
    const given: AbortSignal[] = [];
    for (const signal of signals as Iterable<unknown>) {
      if (!isAbortSignal(signal))
        throw new TypeError("Failed to execute 'AbortSignal.any': an element is not an AbortSignal.");
      given.push(signal);
    }
    const result = createSignal();
    const state = stateOf(result);
    for (const signal of given) {
      if (stateOf(signal).aborted) {
        state.aborted = true;
        state.reason = stateOf(signal).reason;
        return result;
      }
    }
    const sources = new Set<AbortSignal>();
    for (const signal of given) {
      for (const source of stateOf(signal).sources ?? [signal]) sources.add(source);
    }
    state.sources = [...sources];
    for (const source of sources) stateOf(source).dependents.add(result);
    return result;
  }
}

export class AbortController {
  readonly #signal: AbortSignal;

  constructor() {
    requireIo("new AbortController()");
    this.#signal = createSignal();
  }

  get signal(): AbortSignal {
    return this.#signal;
  }

  abort(reason?: unknown): void {
    abortSignal(this.#signal, reason === undefined ? abortError() : reason);
  }
}

function abortError(): DOMException {
  return new DOMException("The operation was aborted", "AbortError");
}

/** A signal that only the platform can abort. */
export function createSignal(): AbortSignal {
  return new AbortSignal(INTERNAL);
}

export { isAbortSignal };

export function isAborted(signal: AbortSignal): boolean {
  return stateOf(signal).aborted;
}

export function abortReason(signal: AbortSignal): unknown {
  return stateOf(signal).reason;
}

export function abortSignal(signal: AbortSignal, reason: unknown): void {
  const state = stateOf(signal);
  if (state.aborted) return;
  state.aborted = true;
  state.reason = reason;
  const following: AbortSignal[] = [];
  for (const dependent of state.dependents) {
    const dependentState = stateOf(dependent);
    if (dependentState.aborted) continue;
    dependentState.aborted = true;
    dependentState.reason = reason;
    following.push(dependent);
  }
  state.dependents.clear();
  runAbortSteps(signal);
  for (const dependent of following) runAbortSteps(dependent);
}

function runAbortSteps(signal: AbortSignal): void {
  const { algorithms } = stateOf(signal);
  const steps = [...algorithms];
  algorithms.clear();
  for (const step of steps) step();
  dispatch(signal, trusted(new Event("abort")));
}

provideSignalAccess({
  isSignal: (value) => isObject(value) && signalBrand(value),
  algorithms: (signal) => stateOf(signal).algorithms,
});

defineInterface(AbortSignal, "AbortSignal");
defineInterface(AbortController, "AbortController");
setInspector(AbortSignal, "AbortSignal", (signal) => ({ fields: { aborted: isAborted(signal) } }));
setInspector(AbortController, "AbortController", (controller) => ({ fields: { signal: controller.signal } }));
