// env.LOADER: dynamic workers.

import type { Cap } from "../internal/ops.ts";
import { currentInvocation, requireIo } from "../internal/invocation.ts";
import { toText, wrongParameter } from "./conversions.ts";
import { illegalInvocation } from "../rpc/remote-names.ts";
import { isObject } from "../runtime/support/webidl.ts";
import { Instance } from "./instance.ts";
import { NamedWorkers } from "./named-workers.ts";
import { Pending, type Source } from "./source.ts";
import { readWorkerCode } from "./worker-code.ts";
import { newWorkerStub } from "./worker-stub.ts";

const key = Symbol("WorkerLoader");

/** @param idleMs  how long a named worker keeps its sandbox without a call */
export function newWorkerLoader(loader: Cap, idleMs: number): WorkerLoader {
  return new WorkerLoader(key, loader, idleMs);
}

export class WorkerLoader {
  readonly #loader: Cap;
  readonly #named: NamedWorkers;

  constructor(secret: symbol, loader: Cap, idleMs: number) {
    if (secret !== key) throw new TypeError("Illegal constructor");
    this.#loader = loader;
    this.#named = new NamedWorkers(idleMs);
  }

  /** A fresh worker. Throws for what is wrong with `code`; failures of the program itself show on the first call. */
  load(code: unknown): object {
    WorkerLoader.#check(this, "load");
    if (!isObject(code)) throw wrongParameter("load", "WorkerLoader", 1, "WorkerCode");
    const instance = new Instance(this.#loader, readWorkerCode(code), "");
    currentInvocation()?.own(() => instance.release());
    instance.ensure();
    return newWorkerStub(instance);
  }

  /** The worker known by `name`, loaded by `getCode` unless it is here already. */
  get(name: unknown, getCode: unknown): object {
    WorkerLoader.#check(this, "get");
    if (arguments.length === 0) throw wrongParameter("get", "WorkerLoader", 1, "string");
    const id = name === null || name === undefined ? null : toText(name);
    if (typeof getCode !== "function") throw wrongParameter("get", "WorkerLoader", 2, "function");
    if (id === null) return newWorkerStub(this.#fromCallback(getCode, "", true));
    return newWorkerStub(this.#named.get(id, () => this.#fromCallback(getCode, id, false)));
  }

  static #check(self: unknown, method: string): void {
    if (!isObject(self) || !(#loader in self)) illegalInvocation();
    requireIo(`WorkerLoader.${method}()`);
  }

  #fromCallback(getCode: Function, id: string, anonymous: boolean): Source {
    const invocation = currentInvocation();
    return new Pending(getCode, (code) => {
      const instance = new Instance(this.#loader, readWorkerCode(code), id);
      if (anonymous) invocation?.own(() => instance.release());
      instance.ensure();
      return instance;
    });
  }
}

Object.defineProperty(WorkerLoader.prototype, Symbol.toStringTag, { value: "WorkerLoader", configurable: true });
