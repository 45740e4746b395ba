// One worker: an evaluated program, its env, and its entrypoints as others reach them.

import { DEFAULT_LIMITS, type InvocationLimits } from "../internal/invocation.ts";
import { ops, type Cap, type Encoded } from "../internal/ops.ts";
import { isObject } from "../runtime/support/webidl.ts";
import { newFetcher, newLoopback } from "../rpc/fetcher.ts";
import { encodeValue } from "../rpc/lower.ts";
import { CapEndpoint, refuseDynamicTransfer } from "../rpc/session.ts";
import { DurableObject, WorkerEntrypoint } from "./entrypoint-classes.ts";
import { ServedEntrypoint } from "./served-entrypoint.ts";

type EntrypointClass = new (ctx: unknown, env: unknown) => Record<string, unknown>;

/** What one export is good for. */
export type Export =
  | { kind: "class"; make: EntrypointClass }
  | { kind: "object"; object: Record<string, unknown> }
  | { kind: "none"; why: string };

export class Worker {
  /** Set when the program has been evaluated. */
  exports: Record<string, unknown> = {};
  /** Why it could not start, if so. */
  failure: Error | null = null;
  readonly env: Record<string, unknown> = {};
  readonly #loopback: Record<string, unknown> = {};

  /** How many requests one invocation may send out, unless its entrypoint was asked for with less. */
  readonly subrequests: number;

  /**
   * @param handsOut     whether stubs of its own exports may leave it: parents' may, dynamic workers' may not
   * @param tails        who hears of its invocations, unless their caller has a trace of its own
   * @param subrequests  of one invocation; negative: the default
   */
  constructor(readonly handsOut: boolean, readonly tails: readonly Cap[] = [], subrequests = -1) {
    this.subrequests = subrequests < 0 ? DEFAULT_LIMITS.subrequests : subrequests;
  }

  /** After evaluation: reads the exports and makes `ctx.exports`. Throws TypeError for unusable exports. */
  adopt(exports: Record<string, unknown>): void {
    for (const name of Object.keys(exports)) {
      const value = exports[name];
      if ((typeof value !== "object" && typeof value !== "function") || value === null) {
        throw new TypeError(
          `Incorrect type for map entry '${name}': the provided value is not of type 'function or ExportedHandler'.`,
        );
      }
      if (!endsInObject(value)) throw new TypeError("Exported value's prototype chain does not end in Object.");
    }
    this.exports = exports;
    for (const name of Object.keys(exports)) {
      if (this.exported(name).kind === "none") continue;
      Object.defineProperty(this.#loopback, name, { value: this.#loopbackStub(name), enumerable: true });
    }
  }

  get loopback(): Record<string, unknown> {
    return this.#loopback;
  }

  /** An entrypoint for another process. `name` empty: the default export. The rest as in WorkerHandlers. */
  entrypoint(name: string, props: Encoded | string | null, trace: Cap | null = null, subrequests = -1): Cap {
    const limits: InvocationLimits = {
      subrequests: subrequests < 0 ? this.subrequests : Math.min(subrequests, this.subrequests),
    };
    return ops.exportObject("entrypoint", new ServedEntrypoint(this, name === "" ? "default" : name, props, limits, trace));
  }

  /** What the export `name` is good for. */
  exported(name: string): Export {
    if (!Object.hasOwn(this.exports, name)) {
      return {
        kind: "none",
        why: name === "default" ? "Worker has no default entrypoint." : `Worker has no such entrypoint: ${name}`,
      };
    }
    const value = this.exports[name];
    if (typeof value === "object") return { kind: "object", object: value as Record<string, unknown> };
    if ((value as Function).prototype instanceof WorkerEntrypoint) return { kind: "class", make: value as EntrypointClass };
    if ((value as Function).prototype instanceof DurableObject) {
      return { kind: "none", why: `"${name}" is a DurableObject class, not an entrypoint; use getDurableObjectClass().` };
    }
    return { kind: "none", why: `"${name}" is a function, not an entrypoint: export an object or a WorkerEntrypoint class.` };
  }

  // ctx.exports --------------------------------------------------------------------------------------

  // A Fetcher to one of our own exports; called with `{ props }` it gives one that may be handed out.
  #loopbackStub(name: string): object {
    const endpoint = new CapEndpoint(this.entrypoint(name, null));
    return newLoopback(endpoint, (options) => {
      if (options !== null && !isObject(options)) {
        throw new TypeError("Failed to execute '(called as function)' on 'LoopbackServiceStub': parameter 1 is not of type 'Options'.");
      }
      const props: unknown = (options as { props?: unknown } | null)?.props;
      if (props !== undefined && !isObject(props)) {
        throw new TypeError("Incorrect type for the 'props' field on 'Options': the provided value is not of type 'Object'.");
      }
      const encoded = props === undefined ? null : encodeValue(props, "env");
      const cap = this.entrypoint(name, encoded);
      return newFetcher(this.handsOut ? new CapEndpoint(cap) : new DynamicLoopback(cap));
    });
  }
}

function endsInObject(value: object): boolean {
  for (let p: object | null = value; p !== null; p = Object.getPrototypeOf(p) as object | null) {
    if (p === Object.prototype) return true;
  }
  return false;
}

/** A dynamic worker calling itself. */
class DynamicLoopback extends CapEndpoint {
  override transferable(): never {
    refuseDynamicTransfer();
  }
}
