// Where a WorkerStub gets its worker: it is there, or will be once get()'s callback has given its code.

import { ops, type Encoded } from "../internal/ops.ts";
import { currentInvocation } from "../internal/invocation.ts";
import { failureText, systemError } from "../rpc/errors.ts";
import { encodeValue } from "../rpc/lower.ts";
import { Reviver } from "../rpc/revive.ts";
import { isObject } from "../runtime/support/webidl.ts";
import type { Instance } from "./instance.ts";

export type Source = Instance | Pending;

const HOST_IS_GONE = "The execution context which hosts this callback is no longer running.";

/**
 * The code is being asked for. The callback runs soon, but not before get() has returned, in the invocation that
 * called get(); it does not keep that invocation open.
 */
export class Pending {
  /** Null until the code has come. */
  instance: Instance | null = null;
  failed = false;
  readonly loaded: Promise<Instance>;
  #failure: Encoded | null = null;

  constructor(getCode: Function, load: (code: object) => Instance) {
    let disown = () => {};
    const hostEnded = new Promise<never>((_, reject) => {
      disown = currentInvocation()?.own(() => reject(systemError(HOST_IS_GONE))) ?? disown;
    });
    const code = Promise.resolve().then(() => Reflect.apply(getCode, undefined, []) as unknown);
    this.loaded = Promise.race([code, hostEnded])
      .then((value) => {
        if (!isObject(value)) {
          throw new TypeError("Incorrect type for Promise: the Promise did not resolve to 'WorkerCode'.");
        }
        return (this.instance = load(value));
      })
      .catch((error: unknown) => {
        this.failed = true;
        this.#failure = encodeFailure(error);
        throw error;
      })
      .finally(disown);
    this.loaded.catch(() => {});
    code.catch(() => {});
  }

  /** What each call rejects with: every time a new copy. */
  failure(): unknown {
    return ops.decode(this.#failure!, new Reviver(null, undefined).revive, true);
  }
}

// What is thrown travels as if from another worker: name, message, and own properties if all of them can be copied.
function encodeFailure(error: unknown): Encoded {
  try {
    return encodeValue(isObject(error) ? error : new Error(String(error)), "env");
  } catch {
    const { name, message } = failureText(error, false);
    return encodeValue(new Error(message === "" ? name : message), "env");
  }
}
