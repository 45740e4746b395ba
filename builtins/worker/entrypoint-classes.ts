// The base classes that a program's entrypoints extend.

import { exposePrototypeOf } from "../rpc/members.ts";

function requireObject(value: unknown, what: string, index: number, type: string): void {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    throw new TypeError(`Failed to construct '${what}': constructor parameter ${index} is not of type '${type}'.`);
  }
}

export class WorkerEntrypoint {
  ctx: unknown;
  env: unknown;
  constructor(ctx: unknown, env: unknown) {
    requireObject(ctx, "WorkerEntrypoint", 1, "Object");
    requireObject(env, "WorkerEntrypoint", 2, "Object");
    this.ctx = ctx;
    this.env = env;
  }
}

export class DurableObject {
  ctx: unknown;
  env: unknown;
  constructor(ctx: unknown, env: unknown) {
    requireObject(ctx, "DurableObject", 1, "DurableObjectState");
    this.ctx = ctx;
    this.env = env;
  }
}

export class WorkflowEntrypoint {
  ctx: unknown;
  env: unknown;
  constructor(ctx: unknown, env: unknown) {
    requireObject(ctx, "WorkflowEntrypoint", 1, "ExecutionContext");
    this.ctx = ctx;
    this.env = env;
  }
}

for (const Class of [WorkerEntrypoint, DurableObject, WorkflowEntrypoint]) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true });
}

exposePrototypeOf(WorkerEntrypoint as unknown as new (...args: never[]) => object);
exposePrototypeOf(DurableObject as unknown as new (...args: never[]) => object);
