// Invocations: one delivery of an event to a worker, with everything it owns (the I/O context of the spec).
//
// The current invocation travels in V8's async context, so it is right after every `await`.

import type { Recording } from "../trace/recording.ts";
import { ops } from "./ops.ts";

/** What `import { env, exports }` shows instead of the real ones: set by withEnv() and its siblings. */
export interface Overrides {
  readonly env?: object | undefined;
  readonly exports?: object | undefined;
}

interface Frame extends Overrides {
  /** None: a module is being evaluated. */
  readonly invocation?: Invocation;
}

/** The async context of modules that import() evaluates later: no invocation's, as at the start. */
export const MODULE_FRAME: Frame = {};

function frame(): Frame | undefined {
  return ops.asyncFrame() as Frame | undefined;
}

export function currentInvocation(): Invocation | undefined {
  return frame()?.invocation;
}

export function currentOverrides(): Overrides {
  return frame() ?? {};
}

/** Runs `body` with the imported objects replaced, in it and in everything it starts. */
export function runWithOverrides<T>(overrides: Overrides, body: () => T): T {
  return runInFrame({ ...frame(), ...overrides }, body);
}

function runInFrame<T>(inner: Frame, body: () => T): T {
  const outer = ops.asyncFrame();
  ops.setAsyncFrame(inner);
  try {
    return body();
  } finally {
    ops.setAsyncFrame(outer);
  }
}

let globalScope = true;

/** From now on code runs for invocations; what happens outside of one is the runtime's own doing. */
export function leaveGlobalScope(): void {
  globalScope = false;
}

export function inGlobalScope(): boolean {
  if (globalScope) return true;
  const current = frame();
  return current !== undefined && current.invocation === undefined;
}

export function requireIo(what: string): void {
  if (inGlobalScope()) {
    throw new Error(
      `Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a timeout, ` +
        `and generating random values are not allowed within global scope. To fix this error, perform this operation ` +
        `within a handler (${what}).`,
    );
  }
}

/** What an invocation may use, beyond what ends its process. */
export interface InvocationLimits {
  /** Outgoing requests: fetches, their redirects, calls on bindings. */
  readonly subrequests: number;
}

export const DEFAULT_LIMITS: InvocationLimits = { subrequests: 10_000 };

const HUNG =
  "The Workers runtime canceled this request because it detected that your Worker's code had hung and would never generate " +
  "a response. (Nothing that it waits for can happen: no timer, request or stream is pending.)";

export class Invocation {
  #holds = 0;
  #ended = false;
  #subrequests = 0;
  // Answers that somebody waits for, and what could still bring them about.
  #owed = 0;
  #background = 0; // of them, those that no caller waits for
  #wakers = 0;
  #checking = false;
  readonly #cleanups = new Set<() => void>();
  #aborted: { readonly reason: unknown } | null = null;
  readonly #creditors = new Set<(reason: unknown) => void>();

  /** @param recording  what its tail workers will get to see; null if it has none */
  constructor(
    readonly limits: InvocationLimits = DEFAULT_LIMITS,
    readonly recording: Recording | null = null,
  ) {}

  get ended(): boolean {
    return this.#ended;
  }

  run<T>(body: () => T): T {
    return runInFrame({ invocation: this }, body);
  }

  /** Keeps the invocation open until the returned function is called. */
  hold(): () => void {
    this.#holds++;
    return once(() => {
      if (--this.#holds === 0) this.end();
    });
  }

  /** Registers what must be let go of when the invocation ends; the returned function takes that back. */
  own(cleanup: () => void): () => void {
    if (this.#ended) {
      cleanup();
      return () => {};
    }
    this.#cleanups.add(cleanup);
    return () => {
      this.#cleanups.delete(cleanup);
    };
  }

  /** Until the returned function is called, something outside (a timer, an answer, a caller) may wake this invocation. */
  mayWake(): () => void {
    this.#wakers++;
    return once(() => {
      if (--this.#wakers === 0 && this.#owed > 0) this.#checkSoon();
    });
  }

  /** Whether it will go on when everybody has their answers. */
  get goesOn(): boolean {
    return this.#background > 0;
  }

  /** Settles when it has ended. */
  over(): Promise<void> {
    return new Promise((resolve) => {
      this.own(resolve);
    });
  }

  /** Work that goes on after the answer; given up when nothing can bring it about any more. */
  oweInBackground<T>(promise: Promise<T>): Promise<T> {
    this.#background++;
    const settled = () => {
      this.#background--;
    };
    promise.then(settled, settled);
    return this.owe(promise);
  }

  /**
   * What the invocation owes somebody: `promise`, or the reason of abort() if that comes first. If nothing pending could
   * ever settle it, the invocation is aborted at once, as hung.
   */
  owe<T>(promise: Promise<T>): Promise<T> {
    this.#owed++;
    if (this.#wakers === 0) this.#checkSoon();
    // Not a race with a promise that lives as long as the invocation: that one would keep every answer until then.
    return new Promise<T>((resolve, reject) => {
      if (this.#aborted !== null) reject(this.#aborted.reason);
      this.#creditors.add(reject);
      const settled = () => {
        this.#owed--;
        this.#creditors.delete(reject);
      };
      promise.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(error);
        },
      );
    });
  }

  // Once the current turn is over, no microtask can help any more.
  #checkSoon(): void {
    if (this.#checking) return;
    this.#checking = true;
    ops.atTurnEnd(() => {
      this.#checking = false;
      if (this.#owed === 0 || this.#wakers > 0 || this.#ended) return;
      if (this.#owed === this.#background) this.end();
      else this.abort(Object.assign(new Error(HUNG), { code: "ERR_NEVER_SETTLES" }));
    });
  }

  /** Counts one outgoing request. Throws Error over the limit. */
  countSubrequest(): void {
    if (++this.#subrequests > this.limits.subrequests) {
      throw Object.assign(
        new Error(`Too many subrequests by a single Worker invocation: the limit is ${this.limits.subrequests}.`),
        { code: "ERR_SUBREQUEST_LIMIT" },
      );
    }
  }

  abort(reason: unknown): void {
    this.recording?.failed(reason);
    this.#aborted ??= { reason };
    for (const reject of this.#creditors) reject(reason);
    this.#creditors.clear();
    this.end();
  }

  /** Lets go of everything it owns. Called when nothing holds it any more, or when its caller went away. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cleanup of this.#cleanups) cleanup();
    this.#cleanups.clear();
    this.recording?.end();
  }
}

function once(body: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    body();
  };
}

/**
 * Remembers the invocation that makes an I/O object. The returned function throws when another one uses it; `type` is
 * how the error names the object. Objects made outside of any invocation belong to all.
 */
export function belonging(type: string): () => void {
  const owner = currentInvocation();
  return owner === undefined ? anybody : () => requireOwner(owner, type);
}

function anybody(): void {}

function requireOwner(owner: Invocation, type: string): void {
  const current = currentInvocation();
  if (current === undefined || current === owner) return;
  throw new Error(
    "Cannot perform I/O on behalf of a different request. I/O objects (such as streams, request/response bodies, and others) " +
      "created in the context of one request handler cannot be accessed from a different request's handler. " +
      `(I/O type: ${type})`,
  );
}
