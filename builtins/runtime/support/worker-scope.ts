// The classes that say "this is a worker": programs test `self instanceof WorkerGlobalScope`.

import { defineProperty } from "./intrinsics.ts";
import { defineInterface, illegalConstructor } from "./webidl.ts";

export class WorkerGlobalScope {
  constructor() {
    illegalConstructor();
  }
}

export class ServiceWorkerGlobalScope extends WorkerGlobalScope {}

/** Makes `global` an instance of both, without a longer prototype chain for every look-up of a global. */
export function adoptGlobal(global: object): void {
  for (const cls of [WorkerGlobalScope, ServiceWorkerGlobalScope]) {
    defineProperty(cls, Symbol.hasInstance, { value: (value: unknown) => value === global, configurable: true });
  }
}

defineInterface(WorkerGlobalScope, "WorkerGlobalScope");
defineInterface(ServiceWorkerGlobalScope, "ServiceWorkerGlobalScope");
