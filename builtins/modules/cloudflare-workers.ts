// import … from "cloudflare:workers"

import { enabled } from "../compatibility/compatibility.ts";
import { currentInvocation, currentOverrides, inGlobalScope, requireIo, runWithOverrides } from "../internal/invocation.ts";
import { ops } from "../internal/ops.ts";
import { isObject } from "../runtime/support/webidl.ts";
import { failureText } from "../rpc/errors.ts";
import { RpcPromise, RpcProperty } from "../rpc/calls.ts";
import { ServiceStub } from "../rpc/fetcher.ts";
import { RpcStub } from "../rpc/stub.ts";
import { RpcTarget } from "../rpc/members.ts";
import { Tracing } from "./tracing.ts";
import { DurableObject, WorkerEntrypoint, WorkflowEntrypoint } from "../worker/entrypoint-classes.ts";
import { ExecutionContext } from "../worker/execution-context.ts";
import type { Worker } from "../worker/worker.ts";

export function cloudflareWorkers(worker: Worker): object {
  // Without them, the modules of a program see only what withEnv() and its siblings set.
  const importable = !enabled("disallow_importable_env");
  const nothing = {};
  return {
    WorkerEntrypoint,
    DurableObject,
    WorkflowEntrypoint,
    RpcTarget,
    RpcStub,
    RpcPromise,
    RpcProperty,
    ServiceStub,
    env: liveView(() => currentOverrides().env ?? (importable ? worker.env : nothing)),
    exports: liveView(() => currentOverrides().exports ?? (importable ? worker.loopback : nothing)),
    withEnv: <T>(env: unknown, body: () => T): T => runWith("withEnv", { env }, body, 2),
    withExports: <T>(exports: unknown, body: () => T): T => runWith("withExports", { exports }, body, 2),
    withEnvAndExports: <T>(env: unknown, exports: unknown, body: () => T): T =>
      runWith("withEnvAndExports", { env, exports }, body, 3),
    waitUntil(promise: unknown): void {
      requireIo("waitUntil()");
      const invocation = currentInvocation();
      if (invocation === undefined) throw new Error("waitUntil() needs an invocation to extend.");
      new ExecutionContext(invocation, {}, {}).waitUntil(promise);
    },
    /** Ends this isolate: what runs in it fails, and the next get() of its name asks for the code again. */
    abortIsolate(reason?: unknown): never {
      if (inGlobalScope()) throw new Error(String(reason ?? "abortIsolate() was called at the top level."));
      if (worker.handsOut) throw new Error("abortIsolate() is for dynamic workers: this one would end for all its clients.");
      if (reason !== undefined) ops.log("warn", `abortIsolate(): ${failureText(reason, false).message}`);
      ops.abortIsolate();
    },
    tracing: new Tracing(),
    cache: {},
    restore: Symbol("cloudflare:workers:restore"),
  };
}

function runWith<T>(name: string, given: { env?: unknown; exports?: unknown }, body: () => T, index: number): T {
  if (typeof body !== "function") {
    throw new TypeError(`Failed to execute '${name}' on 'EnvModule': parameter ${index} is not of type 'function'.`);
  }
  const overrides: { env?: object; exports?: object } = {};
  if (isObject(given.env)) overrides.env = given.env;
  if (isObject(given.exports)) overrides.exports = given.exports;
  return runWithOverrides(overrides, () => body());
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
