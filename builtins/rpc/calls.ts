// Outgoing calls: RpcPromise, RpcProperty and what they settle with.

import { ops, type Cap, type Disconnect, type Settled } from "../internal/ops.ts";
import { currentInvocation } from "../internal/invocation.ts";
import { errorFromFailure, markRemote } from "./errors.ts";
import { encodeValue } from "./lower.ts";
import { notAFunction, notImplemented } from "./members.ts";
import { defineMembers, illegalInvocation, isRemoteName } from "./remote-names.ts";
import { Reviver } from "./revive.ts";
import { Session } from "./session.ts";
import { notSerializable, rememberStub, stubStateOf } from "./stub-state.ts";

/** Something whose members can be called and read from here: a stub, a Fetcher, the result of a call. */
export interface Callee {
  call(path: string[], args: unknown[]): object;
  get(path: string[]): object;
}

// As the platform counts: the first name is free.
const MAX_DEPTH = 64;

/** Starts a call on a capability of `session`. Never throws: what is wrong with the arguments rejects. */
export function startCall(session: Session, cap: () => Cap, path: string[], args: unknown[]): object {
  return start(session, () => {
    return ops.capCall(cap(), path, encodeValue(args, "arguments"));
  });
}

export function startGet(session: Session, cap: () => Cap, path: string[]): object {
  return start(session, () => {
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

const NOWHERE = new Session(null as unknown as Cap);

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
    session.goesOn(answer.afterwards);
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
  throw markRemote(ops.decode(answer.payload, reviver.revive, false));
}

/** Gives a result object its [Symbol.dispose], which lets go of every stub inside. */
function disposable(value: unknown, reviver: Reviver): unknown {
  if (typeof value !== "object" || value === null || stubStateOf(value) !== undefined) return value;
  if (!Object.isExtensible(value) || Object.hasOwn(value, Symbol.dispose)) return value;
  // In an array, so that the function has no name.
  const [dispose] = [() => reviver.disposeAll()];
  Object.defineProperty(value, Symbol.dispose, { value: dispose, writable: true, enumerable: false, configurable: true });
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
    const misfit = path.length === 0 ? notAFunction(path) : notImplemented(path[0]!);
    return this.#reach((cap) => ops.capCall(cap, path, encodeValue(args, "arguments")), path, misfit, (holder, value) => {
      if (typeof value !== "function") throw markRemote(notAFunction(path));
      return Reflect.apply(value, holder, args) as unknown;
    });
  }

  get(path: string[]): object {
    return this.#reach((cap) => ops.capGet(cap, path), path, notImplemented(path[0]!), (_holder, value) => value);
  }

  /** @param misfit  what to say if the result turns out to be a primitive */
  #reach(
    send: (cap: Cap) => { settled: Promise<Settled>; target: Cap },
    path: string[],
    misfit: TypeError,
    locally: (holder: unknown, value: unknown) => unknown,
  ): object {
    const rejected = (error: unknown) => newPromise(new PendingResult(this.session), Promise.reject(error));
    if (this.disposed) return rejected(new Error("RPC promise used after being disposed."));
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
          return markRemote(misfit);
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
    for (let i = 0; i < path.length; i++) {
      const name = path[i]!;
      holder = value;
      if (!isStub(value)) {
        if ((typeof value !== "object" && typeof value !== "function") || value === null) throw markRemote(notImplemented(path[Math.max(i - 1, 0)]!));
        if (!Object.hasOwn(value, name)) throw markRemote(notImplemented(name));
      }
      value = (value as Record<string, unknown>)[name];
    }
    return finish(holder, value);
  }
}

function isStub(value: unknown): boolean {
  return ((typeof value === "object" && value !== null) || typeof value === "function") && stubStateOf(value) !== undefined;
}

// RpcPromise -------------------------------------------------------------------------------------------

interface Awaited {
  /** Anew for each `then` on a property: it is read each time. */
  read(): Promise<unknown>;
}

interface PromiseState extends Awaited {
  pending: PendingResult;
}

const promises = new WeakMap<object, PromiseState>();

const promiseClass = ops.remoteClass({
  name: "RpcPromise",
  tag: "JsRpcPromise",
  get: (self, key) => (isRemoteName(key) ? newProperty(promiseState(self).pending, [key]) : undefined),
  apply: (self, args) => promiseState(self).pending.call([], args),
});

function promiseState(self: unknown): PromiseState {
  return promises.get(self as object) ?? illegalInvocation();
}

function newPromise(pending: PendingResult, promise: Promise<unknown>): object {
  pending.promise = promise;
  const made = promiseClass.make();
  promises.set(made, { pending, read: () => promise });
  rememberStub(made, notSerializable("RpcPromise"));
  return made;
}

// RpcProperty ------------------------------------------------------------------------------------------

interface PropertyState extends Awaited {
  callee: Callee;
  path: string[];
}

const properties = new WeakMap<object, PropertyState>();

const propertyClass = ops.remoteClass({
  name: "RpcProperty",
  tag: "JsRpcProperty",
  get(self, key) {
    if (!isRemoteName(key)) return undefined;
    const { callee, path } = propertyState(self);
    return newProperty(callee, [...path, key]);
  },
  apply(self, args) {
    const { callee, path } = propertyState(self);
    return callee.call(path, args);
  },
});

function propertyState(self: unknown): PropertyState {
  return properties.get(self as object) ?? illegalInvocation();
}

/** The member at `path` of `callee`: to be called, awaited or gone on from. */
export function newProperty(callee: Callee, path: string[]): object {
  if (path.length > MAX_DEPTH + 1) throw new TypeError(`RPC pipelined property path is too deep (max ${MAX_DEPTH}).`);
  const made = propertyClass.make();
  properties.set(made, { callee, path, read: () => Promise.resolve(callee.get(path)) });
  rememberStub(made, notSerializable("RpcProperty"));
  return made;
}

// What both have as promises ---------------------------------------------------------------------------

function thenMembers(stateOf: (self: unknown) => Awaited) {
  return {
    then(this: unknown, ...handlers: [onOk?: (value: unknown) => unknown, onError?: (error: unknown) => unknown]) {
      return stateOf(this).read().then(...handlers);
    },
    catch(this: unknown, ...handlers: [onError?: (error: unknown) => unknown]) {
      return stateOf(this).read().catch(...handlers);
    },
    finally(this: unknown, ...handlers: [onSettled?: () => void]) {
      return stateOf(this).read().finally(...handlers);
    },
  };
}

defineMembers(promiseClass.Class, thenMembers(promiseState), function (this: unknown): void {
  const { pending } = promiseState(this);
  pending.disposed = true;
  pending.promise.then(disposeResult, () => {});
});
defineMembers(propertyClass.Class, thenMembers(propertyState));

export const RpcPromise = promiseClass.Class;
export const RpcProperty = propertyClass.Class;

function disposeResult(value: unknown): void {
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const dispose = (value as Partial<Disposable>)[Symbol.dispose];
    if (typeof dispose === "function") dispose.call(value as Disposable);
  }
}
