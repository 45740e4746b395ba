// RpcStub: the handle of one remote object or function.

import { ops, type Cap } from "../internal/ops.ts";
import { belonging, currentInvocation, type Invocation } from "../internal/invocation.ts";
import { isRemoteName, newProperty, plainFunction, startCall, startGet, type Callee } from "./calls.ts";
import { explainPlainly, Session } from "./session.ts";
import { rememberStub } from "./stub-state.ts";
import { exportTarget, RpcTarget } from "./target.ts";

export class RpcStub {
  /** Wraps a local object so that it behaves as if it were remote. */
  constructor(target: unknown) {
    const wrappable =
      typeof target === "function" ||
      target instanceof RpcTarget ||
      (typeof target === "object" && target !== null && Object.getPrototypeOf(target) === Object.prototype);
    if (!wrappable) throw new TypeError("RpcStubs can only wrap plain objects, functions, and RpcTargets.");
    const cap = exportTarget(target as object, false);
    return newStub(cap, new Session(cap, explainPlainly, () => {}), currentInvocation()) as RpcStub;
  }
}
Object.defineProperty(RpcStub.prototype, Symbol.toStringTag, { value: "RpcStub", configurable: true });

export interface StubHandle {
  dispose(): void;
}

/** Makes the stub of a capability that arrived in `session`; it is let go of when `owner` ends, at the latest. */
export function newStub(cap: Cap, session: Session, owner: Invocation | undefined, handles?: StubHandle[]): object {
  const requireOwner = belonging("Client");
  const leave = session.use();
  let live: Cap | null = cap;
  const dispose = () => {
    if (live === null) return;
    ops.capDrop(live);
    live = null;
    disown();
    leave();
  };
  const disown = owner?.own(dispose) ?? (() => {});
  handles?.push({ dispose });

  const current = (): Cap => {
    if (live === null) throw new Error("RPC stub used after being disposed.");
    requireOwner();
    return live;
  };
  const callee: Callee = {
    call: (path, args) => startCall(session, current, path, args),
    get: (path) => startGet(session, current, path),
  };
  const dup = () => newStub(ops.capDup(current()), session, currentInvocation());

  const target = plainFunction(RpcStub.prototype);
  const proxy = new Proxy(target, {
    get(_, key, receiver) {
      if (key === Symbol.dispose) return dispose;
      if (key === "dup") return dup;
      return isRemoteName(key) ? newProperty(callee, [key]) : Reflect.get(target, key, receiver);
    },
    apply(_, _this, args) {
      return callee.call([], args);
    },
  });
  rememberStub(proxy, { kind: "stub", className: "RpcStub", transferable: () => ops.capDup(current()) });
  return proxy;
}
