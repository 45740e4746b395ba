// One export of a worker as other processes reach it: each delivery to it is an invocation of its own.

import { enabled } from "../compatibility/compatibility.ts";
import { Invocation, type InvocationLimits } from "../internal/invocation.ts";
import {
  ops, type Cap, type Encoded, type ObjectHandlers, type Reply, type WireRequest, type WireResponse,
} from "../internal/ops.ts";
import { globalOutbound } from "../internal/outbound.ts";
import { serveConnection } from "../rpc/connect.ts";
import { failureText, SystemError, systemError } from "../rpc/errors.ts";
import { callMember, findMember, notAFunction, type Member } from "../rpc/members.ts";
import { Reviver } from "../rpc/revive.ts";
import { failedReply, replyToCall, replyWith, withAfterwards } from "../rpc/target.ts";
import { DOMException } from "../runtime/errors/dom-exception.ts";
import { abortSignal, createSignal, type AbortSignal } from "../runtime/events/abort.ts";
import { requestState, type Request } from "../runtime/fetch/request.ts";
import { isResponse, type Response } from "../runtime/fetch/response.ts";
import { requestFromWire, wireResponse } from "../runtime/fetch/wire.ts";
import { RemoteTrace, Recording } from "../trace/recording.ts";
import { readTraceItems } from "../trace/trace-item.ts";
import { requestEvent, rpcEvent, Trace, type TraceEvent, type TraceOutput } from "../trace/trace.ts";
import { ExecutionContext } from "./execution-context.ts";
import type { Export, Worker } from "./worker.ts";

const RESERVED = new Set([
  "fetch", "connect", "alarm", "webSocketMessage", "webSocketClose", "webSocketError", "dup", "constructor",
]);

/** One invocation and who handles it: an instance of the exported class, or the exported object itself. */
interface Delivery {
  invocation: Invocation;
  ctx: ExecutionContext;
  handler: Record<string, unknown>;
  isClass: boolean;
}

export class ServedEntrypoint implements ObjectHandlers {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #props: Encoded | string | null;
  readonly #limits: InvocationLimits;
  // The caller's trace is for one invocation.
  #inbox: Cap | null;

  /**
   * @param props  as in WorkerHandlers
   * @param trace  who hears of the first invocation, instead of the worker's own tails
   */
  constructor(worker: Worker, name: string, props: Encoded | string | null, limits: InvocationLimits, trace: Cap | null) {
    this.#worker = worker;
    this.#name = name;
    this.#props = props;
    this.#limits = limits;
    this.#inbox = trace;
  }

  call(path: string[], args: Encoded): Promise<Reply> {
    return this.#answer(path, ({ invocation, handler, isClass, ctx }) =>
      replyToCall(args, invocation, (values) =>
        recorded(invocation, () => {
          const member = findMember(handler, path, RESERVED, !isClass);
          return isClass ? callMember(member, path, values) : this.#callHandler(member, path, values, ctx);
        }),
      ),
    );
  }

  get(path: string[]): Promise<Reply> {
    return this.#answer(path, ({ handler, isClass }) => replyWith(() => findMember(handler, path, RESERVED, !isClass).value));
  }

  async fetch(wire: WireRequest, caller: { cancelled?: () => void }) {
    let invocation: Invocation;
    try {
      invocation = this.#open(this.#trace(() => requestEvent(wire)));
    } catch (error) {
      caller.cancelled = () => {};
      return { failed: failedReply(error) };
    }
    const release = invocation.hold();
    const signal = enabled("enable_request_signal") ? createSignal() : null;
    let gone = false;
    caller.cancelled = () => {
      gone = true;
      if (invocation.recording !== null) invocation.recording.outcome = "canceled";
      if (signal !== null) {
        const reason = new DOMException("The client has disconnected", "AbortError");
        invocation.run(() => abortSignal(signal, reason));
      }
      // What was promised to waitUntil is still done.
      if (invocation.goesOn) release();
      else invocation.end();
    };
    try {
      const delivery = this.#begin(invocation);
      const response = await invocation.owe(invocation.run(() => this.#respond(delivery, wire, signal)));
      if (invocation.recording !== null) invocation.recording.status = response.status;
      return withAfterwards({ response }, invocation);
    } catch (error) {
      // When the client has gone, what the handler then runs into is of no interest.
      if (!gone) logUncaught(invocation, error);
      return withAfterwards({ failed: failedReply(error) }, invocation);
    } finally {
      release();
    }
  }

  async connect(address: string, secureTransport: string) {
    let release = () => {};
    try {
      const invocation = this.#open(this.#trace(() => ({})));
      release = invocation.hold();
      const delivery = this.#begin(invocation);
      const connect = delivery.handler["connect"];
      if (typeof connect !== "function") throw new Error("Handler does not export a connect() function.");
      if (secureTransport === "on") throw new SystemError(new Error("Incoming CONNECT with TLS not supported"));
      const connection = serveConnection(
        invocation,
        address,
        (socket) => this.#deliver(delivery, connect, socket),
        (thrown) => {
          if (thrown !== undefined) logUncaught(invocation, thrown);
          release();
        },
      );
      return { connection };
    } catch (error) {
      release();
      return { failed: failedReply(error) };
    }
  }

  async tail(items: string): Promise<void> {
    // Not traced itself: that would never end.
    const invocation = this.#open(null);
    const release = invocation.hold();
    try {
      const delivery = this.#begin(invocation);
      const tail = delivery.handler["tail"] ?? delivery.handler["trace"];
      if (typeof tail !== "function") throw new Error(`"${this.#name}" has no tail() handler.`);
      const events = readTraceItems(items);
      await invocation.owe(invocation.run(async () => this.#deliver(delivery, tail, events)));
    } catch (error) {
      const { stack, name, message } = failureText(error, false);
      ops.log("error", `Uncaught (in tail) ${stack || `${name}: ${message}`}`);
    } finally {
      release();
    }
  }

  released(): void {}

  // One invocation -----------------------------------------------------------------------------------

  async #answer(path: string[], body: (delivery: Delivery) => Promise<Reply>): Promise<Reply> {
    let release = () => {};
    try {
      const invocation = this.#open(this.#trace(() => rpcEvent(path)));
      release = invocation.hold();
      const delivery = this.#begin(invocation);
      return await invocation.owe(invocation.run(() => body(delivery))).catch((reason: unknown) => {
        throw reason instanceof SystemError ? reason : new SystemError(reason as Error);
      });
    } catch (error) {
      return failedReply(error);
    } finally {
      release();
    }
  }

  #trace(event: () => TraceEvent): TraceOutput | null {
    const inbox = this.#inbox;
    this.#inbox = null;
    if (inbox !== null) return new RemoteTrace(inbox);
    const { tails } = this.#worker;
    if (tails.length === 0) return null;
    const trace = new Trace(tails, this.#name);
    trace.begin(event());
    return trace;
  }

  // Throws SystemError if nothing can be invoked.
  #open(output: TraceOutput | null): Invocation {
    try {
      if (this.#worker.failure !== null) throw new SystemError(this.#worker.failure);
      const exported = this.#worker.exported(this.#name);
      if (exported.kind === "none") throw new SystemError(systemError(exported.why, "ERR_NO_ENTRYPOINT"));
    } catch (error) {
      output?.discard();
      throw error;
    }
    return new Invocation(this.#limits, output === null ? null : new Recording(output));
  }

  #begin(invocation: Invocation): Delivery {
    const exported = this.#worker.exported(this.#name) as Exclude<Export, { kind: "none" }>;
    return invocation.run(() => {
      const ctx = new ExecutionContext(invocation, propsValue(this.#props), this.#worker.loopback);
      if (exported.kind === "object") return { invocation, ctx, handler: exported.object, isClass: false };
      return { invocation, ctx, handler: new exported.make(ctx, this.#worker.env), isClass: true };
    });
  }

  #deliver({ handler, isClass, ctx }: Delivery, method: Function, event: unknown): unknown {
    return Reflect.apply(method, handler, isClass ? [event] : [event, this.#worker.env, ctx]);
  }

  async #respond(delivery: Delivery, wire: WireRequest, signal: AbortSignal | null): Promise<WireResponse> {
    const request = requestFromWire(wire, signal);
    try {
      const { handler, ctx } = delivery;
      const fetch = handler["fetch"];
      if (typeof fetch !== "function") throw new Error("Handler does not export a fetch() function.");
      const answer: unknown = await Reflect.apply(fetch, handler, [request, this.#worker.env, ctx]);
      if (!isResponse(answer)) {
        throw new TypeError(
          "Incorrect type for Promise: the Promise did not resolve to 'Response'. (The fetch handler must return a Response.)",
        );
      }
      return wireResponse(answer as Response, wire.webSocket ?? null);
    } catch (error) {
      const again = ExecutionContext.passesThrough(delivery.ctx) ? replayed(wire, request) : null;
      if (again === null) throw error;
      return globalOutbound().send(again, undefined);
    }
  }

  // Object style: `name(arg, env, ctx)`, with exactly one argument from the caller.
  #callHandler({ holder, value: handler }: Member, path: string[], values: unknown[], ctx: ExecutionContext): unknown {
    if (typeof handler !== "function") throw notAFunction(path);
    const name = path.join(".");
    if (handler.length > 3) {
      throw new TypeError(
        `Cannot call handler function "${name}" over RPC because it has the wrong number of arguments. A simple function ` +
          "handler can only be called over RPC if it has exactly the arguments (arg, env, ctx), where only the first argument comes from the client. " +
          "To support multi-argument RPC functions, use class-based syntax (extending WorkerEntrypoint) instead.",
      );
    }
    if (values.length !== 1) {
      throw new TypeError(
        `Attempted to call RPC function "${name}" with the wrong number of arguments. When calling a top-level handler ` +
          "function that is not declared as part of a class, you must always send exactly one argument. " +
          "In order to support variable numbers of arguments, the server must use class-based syntax (extending WorkerEntrypoint) instead.",
      );
    }
    return Reflect.apply(handler, holder, [values[0], this.#worker.env, ctx]);
  }
}

function logUncaught(invocation: Invocation, thrown: unknown): void {
  if (!invocation.ended) invocation.recording?.failed(thrown);
  const { stack, name, message } = failureText(thrown, false);
  ops.log("error", `Uncaught ${stack || `${name}: ${message}`}`);
}

/** What `body` returns; what it throws is recorded as the end of the invocation. */
function recorded(invocation: Invocation, body: () => unknown): unknown {
  const { recording } = invocation;
  if (recording === null) return body();
  return (async () => body())().catch((error: unknown) => {
    if (!invocation.ended) recording.failed(error);
    throw error;
  });
}

/** The request as it came, for another try. Null if its body was read and cannot be had again. */
function replayed(wire: WireRequest, request: Request): WireRequest | null {
  if (wire.body === null || wire.body instanceof Uint8Array) return wire;
  return request.bodyUsed ? null : { ...wire, body: requestState(request).body!.toWire() };
}

/** Decoded anew for each invocation, so that what a program does to its props stays in that invocation. */
function propsValue(props: Encoded | string | null): unknown {
  if (props === null) return {};
  if (typeof props === "string") return JSON.parse(props);
  return ops.decode(props, new Reviver(null, undefined).revive, true);
}
