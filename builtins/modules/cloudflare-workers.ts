// import … from "cloudflare:workers"

import { currentInvocation, currentOverrides, requireIo, runWithOverrides } from "../internal/invocation.ts";
import { RpcPromise, RpcProperty } from "../rpc/calls.ts";
import { ServiceStub } from "../rpc/fetcher.ts";
import { RpcStub } from "../rpc/stub.ts";
import { RpcTarget } from "../rpc/members.ts";
import { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } from "../worker/entrypoint-classes.ts";
import { ExecutionContext } from "../worker/execution-context.ts";
import type { Worker } from "../worker/worker.ts";

export function cloudflareWorkers(worker: Worker): object {
  return {
    WorkerEntrypoint,
    DurableObject,
    WorkflowEntrypoint,
    RpcTarget,
    RpcStub,
    RpcPromise,
    RpcProperty,
    ServiceStub,
    env: liveView(() => currentOverrides().env ?? worker.env),
    exports: liveView(() => currentOverrides().exports ?? worker.loopback),
    withEnv: <T>(env: object | null | undefined, body: () => T): T => runWithOverrides({ env: env ?? undefined }, body),
    withExports: <T>(exports: object | null | undefined, body: () => T): T =>
      runWithOverrides({ exports: exports ?? undefined }, body),
    withEnvAndExports: <T>(env: object | null | undefined, exports: object | null | undefined, body: () => T): T =>
      runWithOverrides({ env: env ?? undefined, exports: exports ?? undefined }, body),
    waitUntil(promise: unknown): void {
      requireIo("waitUntil()");
      const invocation = currentInvocation();
      if (invocation === undefined) throw new Error("waitUntil() needs an invocation to extend.");
      new ExecutionContext(invocation, {}, {}).waitUntil(promise);
    },
  };
}

// An object that always shows what `current` gives, without being that object.
function liveView(current: () => object): object {
  const target = {};
  return new Proxy(target, {
    get: (_, key) => Reflect.get(current(), key) as unknown,
    set: (_, key, value) => Reflect.set(current(), key, value),
    has: (_, key) => Reflect.has(current(), key),
    deleteProperty: (_, key) => Reflect.deleteProperty(current(), key),
    ownKeys: () => Reflect.ownKeys(current()),
    getOwnPropertyDescriptor: (_, key) => {
      const descriptor = Reflect.getOwnPropertyDescriptor(current(), key);
      // The invariants of Proxy want configurable what the target itself does not have.
      return descriptor === undefined ? undefined : { ...descriptor, configurable: true };
    },
  });
}
