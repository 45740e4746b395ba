// ctx: what a handler gets to know of its invocation.

import { enabled } from "../compatibility/compatibility.ts";
import { Invocation } from "../internal/invocation.ts";
import { ops } from "../internal/ops.ts";
import { illegalInvocation } from "../rpc/remote-names.ts";
import { failureText, systemError } from "../rpc/errors.ts";

const WAIT_UNTIL_MS = 30_000;

export class ExecutionContext {
  readonly #invocation: Invocation;
  #passThrough = false;
  readonly props: unknown;
  declare readonly exports?: unknown;

  constructor(invocation: Invocation, props: unknown, exports: unknown) {
    // Programs can name this class, as `ctx.constructor`, but have no invocation to give.
    if (!(invocation instanceof Invocation)) throw new TypeError("Illegal constructor");
    this.#invocation = invocation;
    this.props = props;
    if (enabled("enable_ctx_exports")) this.exports = exports;
  }

  static #check(self: unknown): void {
    if (typeof self !== "object" || self === null || !(#invocation in self)) {
      illegalInvocation();
    }
  }

  /** Keeps the invocation alive until `promise` settles, at most 30 s beyond its answer. */
  waitUntil(promise: unknown): void {
    ExecutionContext.#check(this);
    if (arguments.length === 0) {
      throw new TypeError("Failed to execute 'waitUntil' on 'ExecutionContext': parameter 1 is not of type 'Promise'.");
    }
    const release = this.#invocation.hold();
    const timer = ops.startTimer(WAIT_UNTIL_MS, release);
    this.#invocation.own(() => {
      ops.cancelTimer(timer);
    });
    this.#invocation
      .oweInBackground(Promise.resolve(promise))
      .catch((error: unknown) => {
        this.#invocation.recording?.exception(error);
        const { stack, name, message } = failureText(error, false);
        ops.log("error", `Uncaught (in waitUntil) ${stack || `${name}: ${message}`}`);
      })
      .finally(() => {
        ops.cancelTimer(timer);
        release();
      });
  }

  /** From now on an exception in this fetch sends the request on to the global outbound instead of failing. */
  passThroughOnException(): void {
    ExecutionContext.#check(this);
    this.#passThrough = true;
  }

  static passesThrough(ctx: ExecutionContext): boolean {
    return ctx.#passThrough;
  }

  /** Ends this invocation at once. Throws, so that the code after it does not run. */
  abort(reason?: unknown): never {
    ExecutionContext.#check(this);
    let error = reason;
    if (reason === undefined) error = systemError("Worker execution was aborted due to call to ctx.abort().");
    else if (reason === null || (typeof reason !== "object" && typeof reason !== "function")) error = new Error(String(reason));
    this.#invocation.abort(error);
    throw error;
  }
}

Object.defineProperty(ExecutionContext.prototype, Symbol.toStringTag, { value: "ExecutionContext", configurable: true });
