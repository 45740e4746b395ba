// env.LOADER: dynamic workers.

import { ops, type Cap, type Encoded, type LeaseLimits } from "../internal/ops.ts";
import { belonging, currentInvocation, requireIo } from "../internal/invocation.ts";
import { newFetcher } from "../rpc/fetcher.ts";
import { encodeValue } from "../rpc/lower.ts";
import { explainPlainly, refuseDynamicTransfer, Session, type Endpoint } from "../rpc/session.ts";
import type { TraceEvent } from "../trace/trace.ts";
import { Instance } from "./instance.ts";
import { readLimits, readWorkerCode } from "./worker-code.ts";

const MAX_NAMED = 1000;
const IDLE_MS = 60_000;

/** A worker that is there, or will be once get()'s callback has given its code. */
type Source = { instance: Instance } | Pending;

interface Pending {
  pending: Promise<Instance>;
  instance: Instance | null;
  failed: boolean;
  failure: unknown;
}

export class WorkerLoader {
  readonly #loader: Cap;
  readonly #named = new Map<string, Source>();

  constructor(loader: Cap) {
    this.#loader = loader;
  }

  /** A fresh worker. Throws for what is wrong with `code`; failures of the program itself show on the first call. */
  load(code: unknown): WorkerStub {
    WorkerLoader.#check(this, "load");
    const instance = new Instance(this.#loader, readWorkerCode(code, "load"), "");
    currentInvocation()?.own(() => instance.release());
    instance.ensure();
    return new WorkerStub(key, { instance });
  }

  /** The worker known by `name`, loaded by `getCode` unless it is here already. */
  get(name: unknown, getCode: unknown): WorkerStub {
    WorkerLoader.#check(this, "get");
    if (typeof getCode !== "function") {
      throw new TypeError("Failed to execute 'get' on 'WorkerLoader': parameter 2 is not of type 'function'.");
    }
    if (name === null || name === undefined) return new WorkerStub(key, this.#fromCallback(getCode, "", true));
    const id = String(name);
    const known = this.#named.get(id);
    if (known !== undefined) {
      // Most recently used last.
      this.#named.delete(id);
      this.#named.set(id, known);
      return new WorkerStub(key, known);
    }
    const source = this.#fromCallback(getCode, id, false);
    this.#named.set(id, source);
    this.#evict();
    return new WorkerStub(key, source);
  }

  static #check(self: unknown, method: string): void {
    if (typeof self !== "object" || self === null || !(#loader in self)) {
      throw new TypeError("Illegal invocation: function called with incorrect `this` reference.");
    }
    requireIo(`WorkerLoader.${method}()`);
  }

  #fromCallback(getCode: Function, id: string, anonymous: boolean): Source {
    const invocation = currentInvocation();
    const release = invocation?.hold() ?? (() => {});
    const source: Pending = { instance: null, failed: false, failure: undefined, pending: null as never };
    // The callback runs soon, but not before get() has returned.
    source.pending = Promise.resolve()
      .then(() => Reflect.apply(getCode, undefined, []) as unknown)
      .then((code) => {
        const instance = new Instance(this.#loader, readWorkerCode(code, "get"), id);
        if (anonymous) invocation?.own(() => instance.release());
        instance.ensure();
        source.instance = instance;
        return instance;
      })
      .catch((error: unknown) => {
        // A failure is not kept: the next get() of this name asks its own callback.
        if (this.#named.get(id) === source) this.#named.delete(id);
        source.failed = true;
        source.failure = typeof error === "object" && error !== null ? error : new Error(String(error));
        throw source.failure;
      })
      .finally(release);
    source.pending.catch(() => {});
    return source;
  }

  #evict(): void {
    for (const [id, source] of this.#named) {
      const idle = source.instance !== null && !source.instance.busy;
      const old = idle && source.instance!.idleMs > IDLE_MS;
      if (old) source.instance!.release(true);
      if (this.#named.size > MAX_NAMED && idle) {
        source.instance!.release(true);
        this.#named.delete(id);
      }
    }
  }
}

Object.defineProperty(WorkerLoader.prototype, Symbol.toStringTag, { value: "WorkerLoader", configurable: true });

const key = Symbol("WorkerStub");

interface EntrypointOptions {
  props?: unknown;
  limits?: unknown;
}

/** A dynamic worker. */
export class WorkerStub {
  readonly #source: Source;
  readonly #requireOwner = belonging("WorkerStubChannel");

  constructor(secret: symbol, source: Source) {
    if (secret !== key) throw new TypeError("Illegal constructor");
    this.#source = source;
  }

  /** The Fetcher of an export; `null` or nothing: the default export. Problems show on the first call. */
  getEntrypoint(name?: unknown, options?: EntrypointOptions): object {
    this.#requireOwner();
    const exportName = name === undefined || name === null || name === "default" ? "default" : String(name);
    const props: unknown = options?.props;
    if (props !== undefined && (typeof props !== "object" || props === null)) {
      throw new TypeError("Incorrect type for the 'props' field on 'EntrypointOptions': the provided value is not of type 'object'.");
    }
    const encoded = props === undefined ? null : encodeValue(props, "env");
    return newFetcher(new DynamicEndpoint(this.#source, exportName, encoded, readLimits(options?.limits)));
  }

  getDurableObjectClass(): never {
    throw Object.assign(new Error("Durable Object classes of dynamic workers are not supported yet."), { code: "ERR_UNSUPPORTED" });
  }
}

Object.defineProperty(WorkerStub.prototype, Symbol.toStringTag, { value: "WorkerStub", configurable: true });

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
    if (source.instance !== null) return source.instance.open(wireName, this.props, this.limits);
    const { pending } = source as Pending;
    let inner: Session | null = null;
    let event: TraceEvent | null = null;
    let leave = () => {};
    const cap = ops.capFromPromise(
      pending.then((instance) => {
        inner = instance.open(wireName, this.props, this.limits);
        if (event !== null) inner.begins(event);
        leave = inner.use();
        return inner.cap;
      }),
    );
    return new Session(
      cap,
      async (disconnect) => {
        if ((source as Pending).failed) return (source as Pending).failure;
        return (inner ?? { explain: explainPlainly }).explain(disconnect);
      },
      () => leave(),
      pending.then(
        () => {},
        () => {},
      ),
      (first) => {
        event ??= first;
      },
    );
  }

  transferable(): Cap {
    refuseDynamicTransfer();
  }
}
