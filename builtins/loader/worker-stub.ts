// What load() and get() give: a dynamic worker, and its entrypoints.

import { belonging } from "../internal/invocation.ts";
import { ops, type Cap, type Encoded, type LeaseLimits } from "../internal/ops.ts";
import { newFetcher } from "../rpc/fetcher.ts";
import { illegalInvocation } from "../rpc/remote-names.ts";
import { encodeValue } from "../rpc/lower.ts";
import { explainPlainly, refuseDynamicTransfer, Session, type Endpoint } from "../rpc/session.ts";
import { toText, wrongParameter, type Dictionary } from "./conversions.ts";
import { isObject, wrongType } from "../runtime/support/webidl.ts";
import type { TraceEvent } from "../trace/trace.ts";
import { Instance } from "./instance.ts";
import { Pending, type Source } from "./source.ts";
import { readLimits } from "./worker-code.ts";

const key = Symbol("WorkerStub");

export function newWorkerStub(source: Source): WorkerStub {
  return new WorkerStub(key, source);
}

export class WorkerStub {
  readonly #source: Source;
  readonly #requireOwner = belonging("WorkerStubChannel");

  constructor(secret: symbol, source: Source) {
    if (secret !== key) throw new TypeError("Illegal constructor");
    this.#source = source;
  }

  /** The Fetcher of an export; `null` or nothing: the default export. Problems show on the first call. */
  getEntrypoint(name?: unknown, options?: unknown): object {
    WorkerStub.#check(this);
    this.#requireOwner();
    const exportName = name === undefined || name === null ? "default" : toText(name);
    const { props, limits } = readOptions("getEntrypoint", options);
    return newFetcher(new DynamicEndpoint(this.#source, exportName, props, limits));
  }

  getDurableObjectClass(name?: unknown, options?: unknown): never {
    WorkerStub.#check(this);
    if (name !== undefined && name !== null) toText(name);
    readOptions("getDurableObjectClass", options);
    throw Object.assign(new Error("Durable Object classes of dynamic workers are not supported yet."), { code: "ERR_UNSUPPORTED" });
  }

  static #check(self: unknown): void {
    if (!isObject(self) || !(#source in self)) illegalInvocation();
  }
}

Object.defineProperty(WorkerStub.prototype, Symbol.toStringTag, { value: "WorkerStub", configurable: true });

function readOptions(method: string, options: unknown): { props: Encoded | null; limits: LeaseLimits } {
  if (options === undefined || options === null) return { props: null, limits: {} };
  if (!isObject(options)) throw wrongParameter(method, "WorkerStub", 2, "EntrypointOptions");
  const props = (options as Dictionary)["props"];
  if (props !== undefined && !isObject(props)) throw wrongType("props", "EntrypointOptions", "Object");
  const limits = readLimits((options as Dictionary)["limits"], "EntrypointOptions");
  return { props: props === undefined ? null : encodeValue(props, "env"), limits };
}

class DynamicEndpoint implements Endpoint {
  constructor(
    readonly source: Source,
    readonly name: string,
    readonly props: Encoded | null,
    readonly limits: LeaseLimits,
  ) {}

  open(): Session {
    // The export named "" is not the default one; on the wire the empty name is.
    const wireName = this.name === "default" ? "" : this.name === "" ? "\u0000" : this.name;
    const { source } = this;
    const instance = source instanceof Instance ? source : source.instance;
    if (instance !== null) return instance.open(wireName, this.props, this.limits);
    return this.#openLater(source as Pending, wireName);
  }

  #openLater(source: Pending, wireName: string): Session {
    let inner: Session | null = null;
    let event: (() => TraceEvent) | null = null;
    let leave = () => {};
    const cap = ops.capFromPromise(
      source.loaded.then((instance) => {
        inner = instance.open(wireName, this.props, this.limits);
        if (event !== null) inner.begins(event);
        leave = inner.use();
        return inner.cap;
      }),
    );
    return new Session(cap, {
      explain: async (disconnect) =>
        source.failed ? source.failure() : (inner ?? { explain: explainPlainly }).explain(disconnect),
      done: () => leave(),
      arrival: source.loaded.then(
        () => {},
        () => {},
      ),
      begins(first) {
        event ??= first;
      },
      goesOn: (over) => inner?.options.goesOn?.(over),
    });
  }

  transferable(): Cap {
    refuseDynamicTransfer();
  }
}
