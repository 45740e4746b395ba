// Sessions: one use of another worker, from its first message until nothing of it is left here.

import { ops, type Cap, type Disconnect } from "../internal/ops.ts";
import type { TraceEvent } from "../trace/trace.ts";
import { cloneError, systemError } from "./errors.ts";

/** Where a Fetcher's calls go. */
export interface Endpoint {
  /** Begins one invocation over there. */
  open(): Session;
  /** A capability that may be handed to another process. Throws DataCloneError if it may not leave. */
  transferable(): Cap;
}

export interface SessionOptions {
  /** Turns "no answer came" into the error to reject with. */
  explain?: (disconnect: Disconnect) => Promise<unknown>;
  /** Called once, when the last user is gone. */
  done?: () => void;
  /** Settles when there is somebody to talk to at all, if that depends on the program itself; never rejects. */
  arrival?: Promise<void>;
  /** Told what the invocation is about. */
  begins?: (event: () => TraceEvent) => void;
  /** Told that the invocation goes on after an answer; `over` settles with its end. */
  goesOn?: (over: Promise<void>) => void;
}

export class Session {
  #users = 0;
  #done = false;

  readonly explain: NonNullable<SessionOptions["explain"]>;
  readonly arrival: Promise<void> | null;

  /** @param cap  the entrypoint */
  constructor(readonly cap: Cap, readonly options: SessionOptions = {}) {
    this.explain = options.explain ?? explainPlainly;
    this.arrival = options.arrival ?? null;
  }

  /** Tells what the invocation is about, before it is sent there. */
  begins(event: () => TraceEvent): void {
    this.options.begins?.(event);
  }

  /** The invocation goes on after its answer; the session lasts until `afterwards` answers that it is over. */
  goesOn(afterwards: Cap | undefined): void {
    if (afterwards === undefined) return;
    const { goesOn } = this.options;
    if (goesOn === undefined) return ops.capDrop(afterwards);
    const leave = this.use();
    const { settled, target } = ops.capGet(afterwards, []);
    ops.capDrop(target);
    const finish = () => {
      ops.capDrop(afterwards);
      leave();
    };
    goesOn(settled.then(finish, finish));
  }

  /** Counts one user in; the returned function counts it out again. */
  use(): () => void {
    this.#users++;
    let using = true;
    return () => {
      if (!using) return;
      using = false;
      if (--this.#users === 0 && !this.#done) {
        this.#done = true;
        this.options.done?.();
      }
    };
  }
}

/** For endpoints of processes that come and go without us knowing why. */
export function explainPlainly(disconnect: Disconnect): Promise<unknown> {
  switch (disconnect.disconnect) {
    case "disconnected":
      return Promise.resolve(systemError("Network connection lost.", undefined, { retryable: true }));
    case "overloaded": {
      // The supervisor's refusals begin with a code of their own.
      const [, code, message] = /^(?:remote exception: )?(ERR_[A-Z_]+): (.*)$/s.exec(disconnect.message) ?? [];
      return Promise.resolve(systemError(message ?? disconnect.message, code ?? "ERR_OVERLOADED", { overloaded: true }));
    }
    default:
      return Promise.resolve(systemError(`internal error: ${disconnect.message}`));
  }
}

/** A Fetcher's endpoint that is simply a capability, such as a service binding. */
export class CapEndpoint implements Endpoint {
  constructor(readonly cap: Cap, readonly explain = explainPlainly) {}

  open(): Session {
    return new Session(this.cap, { explain: this.explain });
  }

  transferable(): Cap {
    return ops.capDup(this.cap);
  }
}

/** What handing on an entrypoint of a dynamic worker throws, by whatever road. */
export function refuseDynamicTransfer(): never {
  throw cloneError(
    "Entrypoints to dynamically-loaded workers cannot be transferred to other Workers, because the system does not know how to reload this Worker from scratch. " +
      "Instead, have the parent Worker expose an entrypoint which constructs the dynamic worker and forwards to it.",
  );
}
