// One worker: an evaluated program, its env, and its entrypoints as others reach them.

import { ops, type Cap, type Encoded, type WireRequest, type WireResponse } from "../internal/ops.ts";
import { DEFAULT_LIMITS, Invocation, type InvocationLimits } from "../internal/invocation.ts";
import { globalOutbound } from "../internal/outbound.ts";
import { requestState, type Request } from "../runtime/fetch/request.ts";
import { isResponse, type Response } from "../runtime/fetch/response.ts";
import { requestFromWire, wireResponse } from "../runtime/fetch/wire.ts";
import { abortSignal, createSignal } from "../runtime/events/abort.ts";
import { failureText, SystemError, systemError } from "../rpc/errors.ts";
import { newFetcher, newLoopback } from "../rpc/fetcher.ts";
import { serveConnection } from "../rpc/connect.ts";
import { encodeValue } from "../rpc/lower.ts";
import { Reviver } from "../rpc/revive.ts";
import { CapEndpoint, refuseDynamicTransfer } from "../rpc/session.ts";
import { callMember, findMember, notAFunction, type Member } from "../rpc/members.ts";
import { failedReply, replyToCall, replyWith, withAfterwards } from "../rpc/target.ts";
import { RemoteTrace, Recording } from "../trace/recording.ts";
import { requestEvent, Trace, type TraceEvent, type TraceOutput } from "../trace/trace.ts";
import { readTraceItems } from "../trace/trace-item.ts";
import { isObject } from "../loader/conversions.ts";
import { DurableObject, WorkerEntrypoint } from "./entrypoint-classes.ts";
import { ExecutionContext } from "./execution-context.ts";

const RESERVED = new Set([
  "fetch", "connect", "alarm", "webSocketMessage", "webSocketClose", "webSocketError", "dup", "constructor",
]);

type EntrypointClass = new (ctx: unknown, env: unknown) => Record<string, unknown>;

/** What one export is good for. */
type Export =
  | { kind: "class"; make: EntrypointClass }
  | { kind: "object"; object: Record<string, unknown> }
  | { kind: "none"; why: string };

export class Worker {
  /** Set when the program has been evaluated. */
  exports: Record<string, unknown> = {};
  /** Why it could not start, if so. */
  failure: Error | null = null;
  readonly env: Record<string, unknown> = {};
  readonly #loopback: Record<string, unknown> = {};

  /** How many requests one invocation may send out, unless its entrypoint was asked for with less. */
  readonly subrequests: number;

  /**
   * @param handsOut     whether stubs of its own exports may leave it: parents' may, dynamic workers' may not
   * @param tails        who hears of its invocations, unless their caller has a trace of its own
   * @param subrequests  of one invocation; negative: the default
   */
  constructor(readonly handsOut: boolean, readonly tails: readonly Cap[] = [], subrequests = -1) {
    this.subrequests = subrequests < 0 ? DEFAULT_LIMITS.subrequests : subrequests;
  }

  /** After evaluation: reads the exports and makes `ctx.exports`. Throws TypeError for unusable exports. */
  adopt(exports: Record<string, unknown>): void {
    for (const name of Object.keys(exports)) {
      const value = exports[name];
      if ((typeof value !== "object" && typeof value !== "function") || value === null) {
        throw new TypeError(
          `Incorrect type for map entry '${name}': the provided value is not of type 'function or ExportedHandler'.`,
        );
      }
      if (!endsInObject(value)) throw new TypeError("Exported value's prototype chain does not end in Object.");
    }
    this.exports = exports;
    for (const name of Object.keys(exports)) {
      if (this.#exported(name).kind === "none") continue;
      Object.defineProperty(this.#loopback, name, { value: this.#loopbackStub(name), enumerable: true });
    }
  }

  get loopback(): Record<string, unknown> {
    return this.#loopback;
  }

  /** An entrypoint for another process. `name` empty: the default export. The rest as in WorkerHandlers. */
  entrypoint(name: string, props: Encoded | string | null, trace: Cap | null = null, subrequests = -1): Cap {
    const limits: InvocationLimits = {
      subrequests: subrequests < 0 ? this.subrequests : Math.min(subrequests, this.subrequests),
    };
    const exportName = name === "" ? "default" : name;
    // The caller's trace is for one invocation.
    let inbox = trace;
    const open = (event: TraceEvent): Invocation => {
      const output = inbox === null ? this.#ownTrace(exportName, event) : new RemoteTrace(inbox);
      inbox = null;
      return this.#open(exportName, output, limits);
    };
    return ops.exportObject("entrypoint", {
      call: (path, args) =>
        this.#invoke(() => open(rpcEvent(path)), exportName, props, (invocation, receiver, context) =>
          this.#call(invocation, receiver, context, path, args),
        ),
      get: (path) =>
        this.#invoke(() => open(rpcEvent(path)), exportName, props, async (invocation, receiver) => {
          return invocation.run(() => replyWith(() => findMember(receiver.instance, path, RESERVED, !receiver.isClass).value));
        }),
      fetch: (request, caller) => this.#fetch(() => open(requestEvent(request)), exportName, props, request, caller),
      connect: (address, secureTransport) => this.#connect(() => open({}), exportName, props, address, secureTransport),
      tail: (items) => this.#tail(exportName, props, items),
      released() {},
    });
  }

  #ownTrace(name: string, event: TraceEvent): TraceOutput | null {
    if (this.tails.length === 0) return null;
    const trace = new Trace(this.tails, name);
    trace.begin(event);
    return trace;
  }

  // Throws SystemError if nothing can be invoked.
  #open(name: string, output: TraceOutput | null, limits?: InvocationLimits): Invocation {
    try {
      if (this.failure !== null) throw new SystemError(this.failure);
      const exported = this.#exported(name);
      if (exported.kind === "none") throw new SystemError(systemError(exported.why, "ERR_NO_ENTRYPOINT"));
    } catch (error) {
      output?.discard();
      throw error;
    }
    return new Invocation(limits ?? { subrequests: this.subrequests }, output === null ? null : new Recording(output));
  }

  // One invocation -----------------------------------------------------------------------------------

  async #invoke(
    open: () => Invocation,
    name: string,
    props: Encoded | string | null,
    body: (invocation: Invocation, receiver: Receiver, ctx: ExecutionContext) => Promise<Awaited<ReturnType<typeof replyWith>>>,
  ) {
    let release = () => {};
    try {
      const invocation = open();
      release = invocation.hold();
      const { receiver, ctx } = this.#begin(invocation, name, props);
      return await invocation.owe(body(invocation, receiver, ctx)).catch((reason: unknown) => {
        throw reason instanceof SystemError ? reason : new SystemError(reason as Error);
      });
    } catch (error) {
      return failedReply(error);
    } finally {
      release();
    }
  }

  #begin(invocation: Invocation, name: string, props: Encoded | string | null): { receiver: Receiver; ctx: ExecutionContext } {
    const exported = this.#exported(name) as Exclude<Export, { kind: "none" }>;
    return invocation.run(() => {
      const ctxProps = propsValue(props);
      const ctx = new ExecutionContext(invocation, ctxProps, this.#loopback);
      if (exported.kind === "object") return { receiver: { instance: exported.object, isClass: false }, ctx };
      return { receiver: { instance: new exported.make(ctx, this.env), isClass: true }, ctx };
    });
  }

  #exported(name: string): Export {
    if (!Object.hasOwn(this.exports, name)) {
      return {
        kind: "none",
        why: name === "default" ? "Worker has no default entrypoint." : `Worker has no such entrypoint: ${name}`,
      };
    }
    const value = this.exports[name];
    if (typeof value === "object") return { kind: "object", object: value as Record<string, unknown> };
    if ((value as Function).prototype instanceof WorkerEntrypoint) return { kind: "class", make: value as EntrypointClass };
    if ((value as Function).prototype instanceof DurableObject) {
      return { kind: "none", why: `"${name}" is a DurableObject class, not an entrypoint; use getDurableObjectClass().` };
    }
    return { kind: "none", why: `"${name}" is a function, not an entrypoint: export an object or a WorkerEntrypoint class.` };
  }

  #call(invocation: Invocation, receiver: Receiver, ctx: ExecutionContext, path: string[], args: Encoded) {
    return invocation.run(() =>
      replyToCall(args, invocation, (values) =>
        recorded(invocation, () => {
          const member = findMember(receiver.instance, path, RESERVED, !receiver.isClass);
          return receiver.isClass ? callMember(member, path, values) : this.#callHandler(member, path, values, ctx);
        }),
      ),
    );
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
    return Reflect.apply(handler, holder, [values[0], this.env, ctx]);
  }

  async #fetch(
    open: () => Invocation,
    name: string,
    props: Encoded | string | null,
    wire: WireRequest,
    caller: { cancelled?: () => void },
  ) {
    let invocation: Invocation;
    try {
      invocation = open();
    } catch (error) {
      caller.cancelled = () => {};
      return { failed: failedReply(error) };
    }
    const release = invocation.hold();
    const disconnect = createSignal();
    let gone = false;
    caller.cancelled = () => {
      gone = true;
      if (invocation.recording !== null) invocation.recording.outcome = "canceled";
      abortSignal(disconnect, new Error("The client has disconnected."));
      invocation.end();
    };
    try {
      const { receiver, ctx } = this.#begin(invocation, name, props);
      const response = await invocation.owe(
        invocation.run(async (): Promise<WireResponse> => {
          const request = requestFromWire(wire);
          try {
            return await this.#answer(receiver, request, ctx, wire.webSocket ?? null);
          } catch (error) {
            const again = ExecutionContext.passesThrough(ctx) ? replayed(wire, request) : null;
            if (again === null) throw error;
            return globalOutbound().send(again, undefined);
          }
        }),
      );
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

  async #connect(open: () => Invocation, name: string, props: Encoded | string | null, address: string, secureTransport: string) {
    let release = () => {};
    try {
      const invocation = open();
      release = invocation.hold();
      const { receiver, ctx } = this.#begin(invocation, name, props);
      const handler: unknown = receiver.instance["connect"];
      if (typeof handler !== "function") throw new Error("Handler does not export a connect() function.");
      if (secureTransport === "on") throw new SystemError(new Error("Incoming CONNECT with TLS not supported"));
      const connection = serveConnection(
        invocation,
        address,
        (socket) => Reflect.apply(handler, receiver.instance, receiver.isClass ? [socket] : [socket, this.env, ctx]) as unknown,
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

  async #tail(name: string, props: Encoded | string | null, items: string): Promise<void> {
    // Not traced itself: that would never end.
    const invocation = this.#open(name, null);
    const release = invocation.hold();
    try {
      const { receiver, ctx } = this.#begin(invocation, name, props);
      const handler: unknown = receiver.instance["tail"] ?? receiver.instance["trace"];
      if (typeof handler !== "function") throw new Error(`"${name}" has no tail() handler.`);
      const events = readTraceItems(items);
      const args = receiver.isClass ? [events] : [events, this.env, ctx];
      await invocation.owe(invocation.run(async () => Reflect.apply(handler, receiver.instance, args) as unknown));
    } catch (error) {
      const { stack, name: errorName, message } = failureText(error, false);
      ops.log("error", `Uncaught (in tail) ${stack || `${errorName}: ${message}`}`);
    } finally {
      release();
    }
  }

  async #answer(receiver: Receiver, request: Request, ctx: ExecutionContext, client: Cap | null): Promise<WireResponse> {
    const handler: unknown = receiver.instance["fetch"];
    if (typeof handler !== "function") throw new Error("Handler does not export a fetch() function.");
    const answer: unknown = await Reflect.apply(handler, receiver.instance, [request, this.env, ctx]);
    if (!isResponse(answer)) {
      throw new TypeError(
        "Incorrect type for Promise: the Promise did not resolve to 'Response'. (The fetch handler must return a Response.)",
      );
    }
    return wireResponse(answer as Response, client);
  }

  // ctx.exports --------------------------------------------------------------------------------------

  // A Fetcher to one of our own exports; called with `{ props }` it gives one that may be handed out.
  #loopbackStub(name: string): object {
    const endpoint = new CapEndpoint(this.entrypoint(name, null));
    return newLoopback(endpoint, (options) => {
      if (options !== null && !isObject(options)) {
        throw new TypeError("Failed to execute '(called as function)' on 'LoopbackServiceStub': parameter 1 is not of type 'Options'.");
      }
      const props: unknown = (options as { props?: unknown } | null)?.props;
      if (props !== undefined && !isObject(props)) {
        throw new TypeError("Incorrect type for the 'props' field on 'Options': the provided value is not of type 'Object'.");
      }
      const encoded = props === undefined ? null : encodeValue(props, "env");
      const cap = this.entrypoint(name, encoded);
      return newFetcher(this.handsOut ? new CapEndpoint(cap) : new DynamicLoopback(cap));
    });
  }
}

function logUncaught(invocation: Invocation, thrown: unknown): void {
  if (!invocation.ended) invocation.recording?.failed(thrown);
  const { stack, name, message } = failureText(thrown, false);
  ops.log("error", `Uncaught ${stack || `${name}: ${message}`}`);
}

function rpcEvent(path: string[]): TraceEvent {
  return { rpcMethod: path.join(".") };
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

function endsInObject(value: object): boolean {
  for (let p: object | null = value; p !== null; p = Object.getPrototypeOf(p) as object | null) {
    if (p === Object.prototype) return true;
  }
  return false;
}

/** Decoded anew for each invocation, so that what a program does to its props stays in that invocation. */
function propsValue(props: Encoded | string | null): unknown {
  if (props === null) return {};
  if (typeof props === "string") return JSON.parse(props);
  return ops.decode(props, new Reviver(null, undefined).revive, true);
}

/** A dynamic worker calling itself. */
class DynamicLoopback extends CapEndpoint {
  override transferable(): never {
    refuseDynamicTransfer();
  }
}

interface Receiver {
  instance: Record<string, unknown>;
  isClass: boolean;
}
