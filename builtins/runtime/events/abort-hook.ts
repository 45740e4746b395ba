// How other parts of the runtime hear of an abort, apart from listeners that the program could see or stop.
// Separate from abort.ts because EventTarget needs it and AbortSignal is an EventTarget.

import type { AbortSignal } from "./abort.ts";

export type { AbortSignal };

interface SignalAccess {
  isSignal(value: unknown): value is AbortSignal;
  algorithms(signal: AbortSignal): Set<() => void>;
}

let access: SignalAccess | undefined;

/** Called once, by abort.ts. */
export function provideSignalAccess(given: SignalAccess): void {
  access = given;
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  return access!.isSignal(value);
}

/** Runs `algorithm` when the signal aborts, before its listeners. The answer takes it back. */
export function onAbort(signal: AbortSignal, algorithm: () => void): () => void {
  const algorithms = access!.algorithms(signal);
  algorithms.add(algorithm);
  return () => algorithms.delete(algorithm);
}
