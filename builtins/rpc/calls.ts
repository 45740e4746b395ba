// Outgoing calls: RpcPromise, RpcProperty and what they settle with.

import { ops, type Cap, type Disconnect, type Settled } from "../internal/ops.ts";
import { currentInvocation } from "../internal/invocation.ts";
import { cloneError, errorFromFailure } from "./errors.ts";
import { encodeValue } from "./lower.ts";
import { Reviver } from "./revive.ts";
import { explainPlainly, Session } from "./session.ts";
import { rememberStub, stubStateOf } from "./stub-state.ts";

export class RpcPromise {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
}
export class RpcProperty {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
}
Object.defineProperty(RpcPromise.prototype, Symbol.toStringTag, { value: "JsRpcPromise", configurable: true });
Object.defineProperty(RpcProperty.prototype, Symbol.toStringTag, { value: "JsRpcProperty", configurable: true });

/** Something whose members can be called and read from here: a stub, a Fetcher, the result of a call. */
export interface Callee {
  call(path: string[], args: unknown[]): object;
  get(path: string[]): object;
}

const MAX_PATH = 64;

function checkPath(path: string[]): void {
  if (path.length > MAX_PATH) throw new TypeError(`RPC pipelined property path is too deep (more than ${MAX_PATH} names).`);
}

/** Whether `key` names a remote member: any string but `then`, array indices and what Object.prototype has. */
export function isRemoteName(key: PropertyKey): key is string {
  return typeof key === "string" && key !== "then" && !(key in Object.prototype) && !/^(?:0|[1-9][0-9]*)$/.test(key);
}

/** Starts a call on a capability of `session`. Never throws: what is wrong with the arguments rejects. */
export function startCall(session: Session, cap: () => Cap, path: string[], args: unknown[]): object {
  return start(session, () => {
    checkPath(path);
    return ops.capCall(cap(), path, encodeValue(args, "arguments"));
  });
}

export function startGet(session: Session, cap: () => Cap, path: string[]): object {
  return start(session, () => {
    checkPath(path);
    return ops.capGet(cap(), path);
  });
}

function start(session: Session, send: () => { settled: Promise<Settled>; target: Cap }): object {
  const leave = session.use();
  const pending = new PendingResult(session);
  let promise: Promise<unknown>;
  try {
    const { settled, target } = send();
    pending.target = target;
    promise = settle(session, settled, pending, leave);
  } catch (error) {
    leave();
    promise = Promise.reject(error);
    pending.settle();
  }
  return newPromise(pending, promise);
}

/** A call that did not get as far as being sent. */
export function failedCall(error: unknown): object {
  return newPromise(new PendingResult(NOWHERE), Promise.reject(error));
}

const NOWHERE = new Session(null as unknown as Cap, explainPlainly, () => {});

type Explain = Session["explain"];

async function settle(
  session: Session,
  settled: Promise<Settled>,
  pending: PendingResult,
  leave: () => void,
  explain: Explain = session.explain,
): Promise<unknown> {
  const invocation = currentInvocation();
  try {
    if (session.arrival !== null) await session.arrival;
    const asleep = invocation?.mayWake();
    let answer: Settled;
    try {
      answer = await settled;
    } catch (error) {
      throw await explain(error as Disconnect);
    } finally {
      asleep?.();
    }
    return valueOf(answer, new Reviver(session, invocation));
  } finally {
    pending.settle();
    leave();
  }
}

/** The value of an answer, or throws what was thrown over there, marked `remote`. */
export function valueOf(answer: Settled, reviver: Reviver): unknown {
  if (answer.ok) return disposable(ops.decode(answer.payload!, reviver.revive, false), reviver);
  if (answer.payload === null) throw errorFromFailure(answer.failure!);
  const thrown = ops.decode(answer.payload, reviver.revive, false);
  if (typeof thrown === "object" && thrown !== null) {
    Object.defineProperty(thrown, "remote", { value: true, writable: true, enumerable: true, configurable: true });
  }
  throw thrown;
}

/** Gives a result object its [Symbol.dispose], which lets go of every stub inside. */
function disposable(value: unknown, reviver: Reviver): unknown {
  if (typeof value !== "object" || value === null || stubStateOf(value) !== undefined) return value;
  if (!Object.isExtensible(value) || Object.hasOwn(value, Symbol.dispose)) return value;
  Object.defineProperty(value, Symbol.dispose, {
    value: () => reviver.disposeAll(), writable: true, enumerable: false, configurable: true,
  });
  return value;
}

/** The result of a call on its way: calls on it go out at once, and run when it is there. */
class PendingResult implements Callee {
  target: Cap | null = null;
  disposed = false;
  #settled = false;
  /** Set right after construction. */
  promise!: Promise<unknown>;

  constructor(readonly session: Session) {}

  settle(): void {
    this.#settled = true;
    if (this.target !== null) ops.capDrop(this.target);
    this.target = null;
  }

  call(path: string[], args: unknown[]): object {
    return this.#reach((cap) => ops.capCall(cap, path, encodeValue(args, "arguments")), path, (holder, value) => {
      if (typeof value !== "function") throw new TypeError(`"${path.join(".")}" is not a function.`);
      return Reflect.apply(value, holder, args) as unknown;
    });
  }

  get(path: string[]): object {
    return this.#reach((cap) => ops.capGet(cap, path), path, (_holder, value) => value);
  }

  #reach(
    send: (cap: Cap) => { settled: Promise<Settled>; target: Cap },
    path: string[],
    locally: (holder: unknown, value: unknown) => unknown,
  ): object {
    const rejected = (error: unknown) => newPromise(new PendingResult(this.session), Promise.reject(error));
    if (this.disposed) return rejected(new Error("RPC promise used after being disposed."));
    if (path.length > MAX_PATH) return rejected(new TypeError(`RPC pipelined property path is too deep (more than ${MAX_PATH} names).`));
    const target = this.target;
    if (!this.#settled && target !== null) {
      const parent = this.promise;
      parent.catch(() => {}); // whoever pipelines hears of the failure through what was pipelined
      const leave = this.session.use();
      const next = new PendingResult(this.session);
      let promise: Promise<unknown>;
      try {
        const started = send(target);
        next.target = started.target;
        promise = settle(this.session, started.settled, next, leave, async (disconnect) => {
          // When the first call fails, what was pipelined on it fails with the same error.
          await parent;
          if (disconnect.disconnect !== "failed") return this.session.explain(disconnect);
          return new TypeError(`The RPC receiver does not implement the method "${path[0] ?? ""}".`);
        });
      } catch (error) {
        leave();
        next.settle();
        promise = Promise.reject(error);
      }
      return newPromise(next, promise);
    }
    return newPromise(new PendingResult(this.session), this.#walk(path, locally));
  }

  // The value is here already: the rest happens on our side of the wire, until a stub takes it over.
  async #walk(path: string[], finish: (holder: unknown, value: unknown) => unknown): Promise<unknown> {
    let value = await this.promise;
    let holder: unknown = undefined;
    if ((typeof value !== "object" && typeof value !== "function") || value === null) {
      throw new TypeError("Can't pipeline on RPC that did not return an object.");
    }
    for (const name of path) {
      holder = value;
      const isStub = typeof value === "object" || typeof value === "function" ? value !== null && stubStateOf(value) !== undefined : false;
      if (!isStub && !(typeof value === "object" && value !== null && Object.hasOwn(value, name))) {
        throw new TypeError(`The RPC receiver does not implement the method "${name}".`);
      }
      value = (value as Record<string, unknown>)[name];
    }
    return finish(holder, value);
  }
}

const inner = new WeakMap<object, Promise<unknown>>();

function newPromise(pending: PendingResult, promise: Promise<unknown>): object {
  pending.promise = promise;
  const target = plainFunction(RpcPromise.prototype);
  const proxy: object = new Proxy(target, {
    get(_, key, receiver) {
      switch (key) {
        case "then":
          return (onOk?: (value: unknown) => unknown, onError?: (error: unknown) => unknown) => promise.then(onOk, onError);
        case "catch":
          return (onError?: (error: unknown) => unknown) => promise.catch(onError);
        case "finally":
          return (onSettled?: () => void) => promise.finally(onSettled);
        case Symbol.dispose:
          return () => {
            pending.disposed = true;
            promise.then((value) => disposeResult(value), () => {});
          };
      }
      return isRemoteName(key) ? newProperty(pending, [key]) : Reflect.get(target, key, receiver);
    },
    apply(_, _this, args) {
      return pending.call([], args);
    },
  });
  inner.set(proxy, promise);
  rememberStub(proxy, unserializable("JsRpcPromise"));
  return proxy;
}

export function newProperty(callee: Callee, path: string[]): object {
  const target = plainFunction(RpcProperty.prototype);
  const read = () => callee.get(path) as unknown as Promise<unknown>;
  const proxy: object = new Proxy(target, {
    get(_, key, receiver) {
      switch (key) {
        case "then":
          return (onOk?: (value: unknown) => unknown, onError?: (error: unknown) => unknown) => read().then(onOk, onError);
        case "catch":
          return (onError?: (error: unknown) => unknown) => read().catch(onError);
        case "finally":
          return (onSettled?: () => void) => read().finally(onSettled);
      }
      return isRemoteName(key) ? newProperty(callee, [...path, key]) : Reflect.get(target, key, receiver);
    },
    apply(_, _this, args) {
      return callee.call(path, args);
    },
  });
  rememberStub(proxy, unserializable("JsRpcProperty"));
  return proxy;
}

function unserializable(className: string) {
  return {
    kind: "promise" as const,
    className,
    transferable(): Cap {
      throw cloneError(`Could not serialize object of type "${className}". This type does not support serialization.`);
    },
  };
}

function disposeResult(value: unknown): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const dispose = (value as Partial<Disposable>)[Symbol.dispose];
    if (typeof dispose === "function") dispose.call(value as Disposable);
  }
}

/** A callable without properties of its own, as the target of a proxy. */
export function plainFunction(prototype: object): Function {
  const target = () => {};
  delete (target as { name?: string }).name;
  delete (target as { length?: number }).length;
  return Object.setPrototypeOf(target, prototype) as Function;
}
