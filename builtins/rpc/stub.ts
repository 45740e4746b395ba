// RpcStub: the handle of one remote object or function.

import { ops, type Cap } from "../internal/ops.ts";
import { belonging, currentInvocation, type Invocation } from "../internal/invocation.ts";
import { newProperty, startCall, startGet, type Callee } from "./calls.ts";
import { isTarget } from "./members.ts";
import { defineMembers, illegalInvocation, isRemoteName } from "./remote-names.ts";
import { Session } from "./session.ts";
import { rememberStub } from "./stub-state.ts";
import { SharedTarget } from "./target.ts";

export interface StubHandle {
  dispose(): void;
}

/** What a stub leads to. */
interface Origin {
  session: Session;
  /** A target of our own, wrapped by `new RpcStub`; it can be handed out again under another lifetime. */
  shared?: SharedTarget | undefined;
}

class Handle implements StubHandle {
  #live: Cap | null;
  readonly #requireOwner = belonging("Client");
  readonly #leave: () => void;
  readonly #disown: () => void;

  /** @param owner  lets go of it when it ends, at the latest */
  constructor(cap: Cap, readonly origin: Origin, owner: Invocation | undefined) {
    this.#live = cap;
    this.#leave = origin.session.use();
    this.#disown = owner?.own(() => this.dispose()) ?? (() => {});
  }

  readonly cap = (): Cap => {
    if (this.#live === null) throw new Error("RPC stub used after being disposed.");
    this.#requireOwner();
    return this.#live;
  };

  dispose(): void {
    if (this.#live === null) return;
    ops.capDrop(this.#live);
    this.#live = null;
    this.#disown();
    this.#leave();
  }

  transferable(hold: boolean): Cap {
    const cap = this.cap();
    return hold && this.origin.shared !== undefined ? this.origin.shared.export(true) : ops.capDup(cap);
  }
}

interface State {
  handle: Handle;
  callee: Callee;
}

const states = new WeakMap<object, State>();

function stateOf(self: unknown): State {
  return states.get(self as object) ?? illegalInvocation();
}

const stubClass = ops.remoteClass({
  name: "RpcStub",
  tag: "JsRpcStub",
  construct: (self, [target]) => {
    const shared = new SharedTarget(wrappable(target));
    const cap = shared.export(false);
    become(self, new Handle(cap, { session: new Session(cap), shared }, currentInvocation()));
  },
  get: (self, key) => (isRemoteName(key) ? newProperty(stateOf(self).callee, [key]) : undefined),
  apply: (self, args) => stateOf(self).callee.call([], args),
});

export const RpcStub = stubClass.Class;

defineMembers(
  RpcStub,
  {
    dup(this: unknown) {
      const { handle } = stateOf(this);
      return stubOf(new Handle(ops.capDup(handle.cap()), handle.origin, currentInvocation()));
    },
  },
  function (this: unknown): void {
    stateOf(this).handle.dispose();
  },
);

function wrappable(target: unknown): object {
  if ((typeof target !== "object" && typeof target !== "function") || target === null) {
    throw new TypeError("Failed to construct 'JsRpcStub': constructor parameter 1 is not of type 'Object'.");
  }
  const isFunction = typeof target === "function" && (ops.isProxy(target) || target instanceof Function);
  if (isFunction || Object.getPrototypeOf(target) === Object.prototype || isTarget(target) || states.has(target)) return target;
  throw new TypeError("RpcStubs can only wrap plain objects, functions, and RpcTarget derivatives.");
}

function become(stub: object, handle: Handle): void {
  const { session } = handle.origin;
  const callee: Callee = {
    call: (path, args) => startCall(session, handle.cap, path, args),
    get: (path) => startGet(session, handle.cap, path),
  };
  states.set(stub, { handle, callee });
  rememberStub(stub, { kind: "stub", className: "RpcStub", transferable: (hold) => handle.transferable(hold) });
}

function stubOf(handle: Handle): object {
  const stub = stubClass.make();
  become(stub, handle);
  return stub;
}

/** Makes the stub of a capability that arrived in `session`; it is let go of when `owner` ends, at the latest. */
export function newStub(cap: Cap, session: Session, owner: Invocation | undefined, handles?: StubHandle[]): object {
  const handle = new Handle(cap, { session }, owner);
  handles?.push(handle);
  return stubOf(handle);
}
