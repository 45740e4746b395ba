// What one invocation did, as its tail workers get to hear of it: put together where it was called from, since the process
// that runs it may be killed at any time.

import { ops, type Cap, type WireRequest } from "../internal/ops.ts";
import { RpcTarget } from "../rpc/members.ts";

export type Outcome =
  | "ok" | "exception" | "exceededCpu" | "exceededMemory" | "exceededWallTime" | "canceled" | "internalError";

/** What set the invocation off. */
export type TraceEvent =
  | { request: { method: string; url: string; headers: Record<string, string> }; response?: { status: number } }
  | { rpcMethod: string }
  | Record<string, never>; // a byte connection

export function rpcEvent(path: string[]): TraceEvent {
  return { rpcMethod: path.join(".") };
}

export function requestEvent({ method, url, headers }: WireRequest): TraceEvent {
  const combined: Record<string, string> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    combined[key] = key in combined ? `${combined[key]}, ${value}` : value;
  }
  return { request: { method, url, headers: combined } };
}

/** A trace item on the wire, as JSON; before redaction. */
export interface TraceContent {
  entrypoint?: string;
  outcome: Outcome;
  event: TraceEvent | null;
  eventTimestamp: number;
  logs: object[];
  exceptions: object[];
  wallTime: number;
  truncated: boolean;
}

/** Where a Recording goes. Every text is JSON of one entry. */
export interface TraceOutput {
  log(entry: string): void;
  exception(entry: string): void;
  /** Once, after the invocation and its waitUntil work. */
  end(summary: string): void;
  /** There is nothing to tell: the invocation did not begin. */
  discard(): void;
}

export interface TraceSummary {
  outcome: Outcome;
  /** Of the response, if there was one. */
  status?: number;
  truncated: boolean;
}

// What a Recording keeps to by itself, plus room for what surrounds the entries: the other side may be hostile.
const MAX_TEXT = 512 * 1024;
const MAX_ENTRIES = 20_000;

export class Trace implements TraceOutput {
  readonly #tails: readonly Cap[];
  readonly #content: TraceContent;
  readonly #ended: () => void;
  #text = 0;
  #entries = 0;
  #done = false;

  /** @param tails  the tail workers' entrypoints; borrowed */
  constructor(tails: readonly Cap[], entrypoint: string, ended: () => void = () => {}) {
    this.#tails = tails;
    this.#ended = ended;
    this.#content = {
      ...(entrypoint === "default" ? {} : { entrypoint }),
      outcome: "ok", event: null, eventTimestamp: Date.now(), logs: [], exceptions: [], wallTime: 0, truncated: false,
    };
  }

  /** The first event counts: what was called, before anything was called on its result. */
  begin(event: TraceEvent): void {
    this.#content.event ??= event;
  }

  log(entry: string): void {
    this.#add(this.#content.logs, entry);
  }

  exception(entry: string): void {
    this.#add(this.#content.exceptions, entry);
  }

  end(summary: string): void {
    const { outcome, status, truncated } = JSON.parse(summary) as TraceSummary;
    const { event } = this.#content;
    if (event !== null && "request" in event && typeof status === "number") event.response = { status };
    this.#content.truncated ||= truncated === true;
    this.finish(outcome === "exception" || outcome === "canceled" ? outcome : "ok");
  }

  /** Delivers it, unless that has been done. */
  finish(outcome: Outcome): void {
    if (this.#done) return;
    this.#content.outcome = outcome;
    this.#content.wallTime = Date.now() - this.#content.eventTimestamp;
    this.discard();
    const items = JSON.stringify([this.#content]);
    for (const tail of this.#tails) {
      ops.capTail(tail, items).catch((error: unknown) => {
        ops.log("warn", `a tail worker was not reached: ${String(error)}`);
      });
    }
  }

  /** Nothing is delivered: the invocation never began. */
  discard(): void {
    if (this.#done) return;
    this.#done = true;
    this.#ended();
  }

  #add(entries: object[], entry: string): void {
    if (this.#done) return;
    this.#text += entry.length;
    if (this.#text > MAX_TEXT || ++this.#entries > MAX_ENTRIES) {
      this.#content.truncated = true;
      return;
    }
    const value: unknown = JSON.parse(entry);
    if (typeof value === "object" && value !== null) entries.push(value);
  }
}

/** What the process that runs the invocation may do with its trace: add to it, and end it. */
export class TraceInbox extends RpcTarget {
  readonly #trace: Trace;

  constructor(trace: Trace) {
    super();
    this.#trace = trace;
  }

  log(entry: unknown): void {
    this.#trace.log(String(entry));
  }

  exception(entry: unknown): void {
    this.#trace.exception(String(entry));
  }

  end(summary: unknown): void {
    this.#trace.end(String(summary));
  }

  /** There was no invocation: the program did not start, or has no such entrypoint. */
  discard(): void {
    this.#trace.discard();
  }
}
