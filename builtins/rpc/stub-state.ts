// What the runtime knows about the client-side objects it made: kept beside them, out of a program's reach.

import type { Cap } from "../internal/ops.ts";
import { cloneError } from "./errors.ts";

export interface StubState {
  readonly kind: "stub" | "entrypoint" | "promise";
  /** As it appears in "Could not serialize object of type …". */
  readonly className: string;
  /**
   * A capability of its own for another process. Throws DataCloneError or the disposal error.
   * @param hold  it keeps the current invocation open, if what it leads to lives there
   */
  transferable(hold: boolean): Cap;
}

const states = new WeakMap<object, StubState>();

export function stubStateOf(object: object): StubState | undefined {
  return states.get(object);
}

export function rememberStub(object: object, state: StubState): void {
  states.set(object, state);
}

/** The state of what never leaves its process. */
export function notSerializable(className: string): StubState {
  return {
    kind: "promise",
    className,
    transferable() {
      throw cloneError(`Could not serialize object of type "${className}". This type does not support serialization.`);
    },
  };
}
