// The base classes that a program's entrypoints extend.

import { exposePrototypeOf } from "../rpc/members.ts";

function requireObject(value: unknown, what: string): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`Failed to construct '${what}': constructor parameter 1 is not of type 'ExecutionContext'.`);
  }
}

export class WorkerEntrypoint {
  ctx: unknown;
  env: unknown;
  constructor(ctx: unknown, env: unknown) {
    requireObject(ctx, "WorkerEntrypoint");
    this.ctx = ctx;
    this.env = env;
  }
}

export class DurableObject {
  ctx: unknown;
  env: unknown;
  constructor(ctx: unknown, env: unknown) {
    requireObject(ctx, "DurableObject");
    this.ctx = ctx;
    this.env = env;
  }
}

export class WorkflowEntrypoint {
  ctx: unknown;
  env: unknown;
  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

exposePrototypeOf(WorkerEntrypoint as unknown as new (...args: never[]) => object);
exposePrototypeOf(DurableObject as unknown as new (...args: never[]) => object);
