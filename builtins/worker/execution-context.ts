// ctx: what a handler gets to know of its invocation.

import type { Invocation } from "../internal/invocation.ts";
import { ops } from "../internal/ops.ts";
import { failureText, systemError } from "../rpc/errors.ts";

const WAIT_UNTIL_MS = 30_000;

export class ExecutionContext {
  readonly #invocation: Invocation;
  #passThrough = false;
  readonly props: unknown;
  readonly exports: unknown;

  constructor(invocation: Invocation, props: unknown, exports: unknown) {
    this.#invocation = invocation;
    this.props = props;
    this.exports = exports;
  }

  static #check(self: unknown): void {
    if (typeof self !== "object" || self === null || !(#invocation in self)) {
      throw new TypeError("Illegal invocation: function called with incorrect `this` reference.");
    }
  }

  /** Keeps the invocation alive until `promise` settles, at most 30 s beyond its answer. */
  waitUntil(promise: unknown): void {
    ExecutionContext.#check(this);
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

  /** Ends this invocation at once. */
  abort(reason?: unknown): void {
    ExecutionContext.#check(this);
    this.#invocation.abort(reason ?? systemError("This invocation was ended by ctx.abort()."));
  }
}

Object.defineProperty(ExecutionContext.prototype, Symbol.toStringTag, { value: "ExecutionContext", configurable: true });
