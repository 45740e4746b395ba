// Event. The dispatch in event-target.ts is the only writer of its inner state.

import { nowMs } from "../performance/clock.ts";
import { defineConstants, defineInterface, requireArguments, toDictionary, toDOMString } from "../support/webidl.ts";
import type { EventTarget } from "./event-target.ts";

export interface DispatchState {
  target: EventTarget | null;
  currentTarget: EventTarget | null;
  phase: number;
  dispatching: boolean;
  stopPropagation: boolean;
  stopImmediate: boolean;
  canceled: boolean;
  inPassiveListener: boolean;
  trusted: boolean;
}

let stateOfEvent: (event: Event) => DispatchState;
let eventBrand: (value: object) => value is Event;

export class Event {
  #type: string;
  #bubbles: boolean;
  #cancelable: boolean;
  #composed: boolean;
  readonly #timeStamp = nowMs();
  readonly #state: DispatchState = {
    target: null,
    currentTarget: null,
    phase: 0,
    dispatching: false,
    stopPropagation: false,
    stopImmediate: false,
    canceled: false,
    inPassiveListener: false,
    trusted: false,
  };

  constructor(type: unknown, init?: unknown) {
    requireArguments(arguments.length, 1, "Event.constructor");
    this.#type = toDOMString(type);
    const options = toDictionary(init, "Event options");
    this.#bubbles = Boolean(options["bubbles"]);
    this.#cancelable = Boolean(options["cancelable"]);
    this.#composed = Boolean(options["composed"]);
  }

  static {
    stateOfEvent = (event) => event.#state;
    eventBrand = (value): value is Event => #state in value;
  }

  get type(): string {
    return this.#type;
  }
  get target(): EventTarget | null {
    return this.#state.target;
  }
  get srcElement(): EventTarget | null {
    return this.#state.target;
  }
  get currentTarget(): EventTarget | null {
    return this.#state.currentTarget;
  }
  get eventPhase(): number {
    return this.#state.phase;
  }
  get bubbles(): boolean {
    return this.#bubbles;
  }
  get cancelable(): boolean {
    return this.#cancelable;
  }
  get composed(): boolean {
    return this.#composed;
  }
  get defaultPrevented(): boolean {
    return this.#state.canceled;
  }
  get returnValue(): boolean {
    return !this.#state.canceled;
  }
  set returnValue(value: unknown) {
    if (!value) this.preventDefault();
  }
  get timeStamp(): number {
    return this.#timeStamp;
  }
  get isTrusted(): boolean {
    return this.#state.trusted;
  }
  get cancelBubble(): boolean {
    return this.#state.stopPropagation;
  }
  set cancelBubble(value: unknown) {
    if (value) this.#state.stopPropagation = true;
  }

  composedPath(): EventTarget[] {
    const { currentTarget } = this.#state;
    return currentTarget === null ? [] : [currentTarget];
  }

  preventDefault(): void {
    if (this.#cancelable && !this.#state.inPassiveListener) this.#state.canceled = true;
  }

  stopPropagation(): void {
    this.#state.stopPropagation = true;
  }

  stopImmediatePropagation(): void {
    this.#state.stopPropagation = true;
    this.#state.stopImmediate = true;
  }

  initEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false): void {
    requireArguments(arguments.length, 1, "Event.initEvent");
    if (this.#state.dispatching) return;
    this.#type = toDOMString(type);
    this.#bubbles = Boolean(bubbles);
    this.#cancelable = Boolean(cancelable);
    this.#state.canceled = false;
    this.#state.stopPropagation = false;
    this.#state.stopImmediate = false;
  }
}

export function dispatchStateOf(event: Event): DispatchState {
  return stateOfEvent(event);
}

export function isEvent(value: unknown): value is Event {
  return typeof value === "object" && value !== null && eventBrand(value);
}

/** Marks an event as made by the platform. */
export function trusted<E extends Event>(event: E): E {
  stateOfEvent(event).trusted = true;
  return event;
}

defineInterface(Event, "Event");
defineConstants(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });
