// The kinds of Event that carry something.

import { setInspector } from "../support/inspectors.ts";
import { defineInterface, requireArguments, toDictionary, toDOMString, toUSVString } from "../support/webidl.ts";
import { Event } from "./event.ts";

export class CustomEvent extends Event {
  #detail: unknown;

  constructor(type: unknown, init?: unknown) {
    requireArguments(arguments.length, 1, "CustomEvent.constructor");
    super(type, init);
    this.#detail = toDictionary(init, "CustomEvent options")["detail"] ?? null;
  }

  get detail(): unknown {
    return this.#detail;
  }

  initCustomEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false, detail: unknown = null): void {
    if (this.eventPhase !== 0) return;
    this.initEvent(type, bubbles, cancelable);
    this.#detail = detail;
  }
}

export class ErrorEvent extends Event {
  readonly #message: string;
  readonly #filename: string;
  readonly #lineno: number;
  readonly #colno: number;
  readonly #error: unknown;

  constructor(type: unknown, init?: unknown) {
    requireArguments(arguments.length, 1, "ErrorEvent.constructor");
    super(type, init);
    const options = toDictionary(init, "ErrorEvent options");
    this.#message = toDOMString(options["message"] ?? "");
    this.#filename = toUSVString(options["filename"] ?? "");
    this.#lineno = Number(options["lineno"] ?? 0) >>> 0;
    this.#colno = Number(options["colno"] ?? 0) >>> 0;
    this.#error = options["error"];
  }

  get message(): string {
    return this.#message;
  }
  get filename(): string {
    return this.#filename;
  }
  get lineno(): number {
    return this.#lineno;
  }
  get colno(): number {
    return this.#colno;
  }
  get error(): unknown {
    return this.#error;
  }
}

export class MessageEvent extends Event {
  readonly #data: unknown;
  readonly #origin: string;
  readonly #lastEventId: string;
  readonly #source: unknown;
  readonly #ports: readonly unknown[];

  constructor(type: unknown, init?: unknown) {
    requireArguments(arguments.length, 1, "MessageEvent.constructor");
    super(type, init);
    const options = toDictionary(init, "MessageEvent options");
    this.#data = options["data"] ?? null;
    this.#origin = toUSVString(options["origin"] ?? "");
    this.#lastEventId = toDOMString(options["lastEventId"] ?? "");
    this.#source = options["source"] ?? null;
    this.#ports = Object.freeze([...((options["ports"] as Iterable<unknown> | undefined) ?? [])]);
  }

  get data(): unknown {
    return this.#data;
  }
  get origin(): string {
    return this.#origin;
  }
  get lastEventId(): string {
    return this.#lastEventId;
  }
  get source(): unknown {
    return this.#source;
  }
  get ports(): readonly unknown[] {
    return this.#ports;
  }
}

export class CloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: unknown, init?: unknown) {
    requireArguments(arguments.length, 1, "CloseEvent.constructor");
    super(type, init);
    const options = toDictionary(init, "CloseEvent options");
    this.#wasClean = Boolean(options["wasClean"]);
    this.#code = Number(options["code"] ?? 0) & 0xffff;
    this.#reason = toUSVString(options["reason"] ?? "");
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }
  get code(): number {
    return this.#code;
  }
  get reason(): string {
    return this.#reason;
  }
}

export class PromiseRejectionEvent extends Event {
  readonly #promise: unknown;
  readonly #reason: unknown;

  constructor(type: unknown, init: unknown) {
    requireArguments(arguments.length, 2, "PromiseRejectionEvent.constructor");
    super(type, init);
    const options = toDictionary(init, "PromiseRejectionEvent options");
    if (options["promise"] === undefined) {
      throw new TypeError("PromiseRejectionEvent options: 'promise' is required.");
    }
    this.#promise = options["promise"];
    this.#reason = options["reason"];
  }

  get promise(): unknown {
    return this.#promise;
  }
  get reason(): unknown {
    return this.#reason;
  }
}

defineInterface(CustomEvent, "CustomEvent");
defineInterface(ErrorEvent, "ErrorEvent");
defineInterface(MessageEvent, "MessageEvent");
defineInterface(CloseEvent, "CloseEvent");
defineInterface(PromiseRejectionEvent, "PromiseRejectionEvent");
setInspector(Event, "Event", (event) => ({
  fields: {
    type: event.type,
    defaultPrevented: event.defaultPrevented,
    cancelable: event.cancelable,
    timeStamp: event.timeStamp,
  },
}));
setInspector(CustomEvent, "CustomEvent", (event) => ({ fields: { type: event.type, detail: event.detail } }));
setInspector(ErrorEvent, "ErrorEvent", (event) => ({
  fields: { type: event.type, message: event.message, error: event.error },
}));
setInspector(MessageEvent, "MessageEvent", (event) => ({ fields: { type: event.type, data: event.data } }));
