// Invocations: one delivery of an event to a worker, with everything it owns (the I/O context of the spec).
//
// The current invocation travels in V8's async context, so it is right after every `await`.

import { ops } from "./ops.ts";

/** What `import { env, exports }` shows instead of the real ones: set by withEnv() and its siblings. */
export interface Overrides {
  readonly env?: object | undefined;
  readonly exports?: object | undefined;
}

interface Frame extends Overrides {
  readonly invocation: Invocation;
}

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
  const outer = frame();
  if (outer === undefined) return body();
  return runInFrame({ ...outer, ...overrides }, body);
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
  return globalScope;
}

export function requireIo(what: string): void {
  if (globalScope) {
    throw new Error(
      `Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a timeout, ` +
        `and generating random values are not allowed within global scope. To fix this error, perform this operation ` +
        `within a handler (${what}).`,
    );
  }
}

export class Invocation {
  #holds = 0;
  #ended = false;
  readonly #cleanups = new Set<() => void>();
  readonly #aborted: Promise<never>;
  #abort!: (reason: unknown) => void;

  constructor() {
    this.#aborted = new Promise<never>((_, reject) => {
      this.#abort = reject;
    });
    this.#aborted.catch(() => {});
  }

  get ended(): boolean {
    return this.#ended;
  }

  run<T>(body: () => T): T {
    return runInFrame({ invocation: this }, body);
  }

  /** Keeps the invocation open until the returned function is called. */
  hold(): () => void {
    this.#holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holds === 0) this.end();
    };
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

  /** `promise`, or the reason of abort() if that comes first. */
  orAborted<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#aborted]);
  }

  abort(reason: unknown): void {
    this.#abort(reason);
    this.end();
  }

  /** Lets go of everything it owns. Called when nothing holds it any more, or when its caller went away. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cleanup of this.#cleanups) cleanup();
    this.#cleanups.clear();
  }
}
