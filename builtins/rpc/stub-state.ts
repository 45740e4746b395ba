// What the runtime knows about the client-side objects it made: kept beside them, out of a program's reach.

import type { Cap } from "../internal/ops.ts";

export interface StubState {
  readonly kind: "stub" | "entrypoint" | "promise";
  /** As it appears in "Could not serialize object of type …". */
  readonly className: string;
  /** A capability of its own for another process. Throws DataCloneError or the disposal error. */
  transferable(): Cap;
}

const states = new WeakMap<object, StubState>();

export function stubStateOf(object: object): StubState | undefined {
  return states.get(object);
}

export function rememberStub(object: object, state: StubState): void {
  states.set(object, state);
}
