// The iterators of Headers, URLSearchParams and FormData: live over a list that may change while they run.

import { defineProperty, getPrototypeOf, objectCreate } from "./intrinsics.ts";

export type IterationKind = "entries" | "keys" | "values";

interface IteratorState {
  pairs: () => readonly (readonly [string, unknown])[];
  kind: IterationKind;
  next: number;
}

const IteratorPrototype = getPrototypeOf(getPrototypeOf([][Symbol.iterator]())) as object;

/**
 * Makes the function that makes iterators of one interface. `pairs` is asked again at each step, so that the
 * iterator sees changes as the standards prescribe.
 */
export function pairIterators(
  interfaceName: string,
): <V>(pairs: () => readonly (readonly [string, V])[], kind: IterationKind) => IterableIterator<unknown> {
  const states = new WeakMap<object, IteratorState>();
  const prototype = objectCreate(IteratorPrototype) as object;
  const next = {
    next(this: object): IteratorResult<unknown> {
      const state = states.get(this);
      if (state === undefined)
        throw new TypeError(`next() called on something that is not a ${interfaceName} Iterator`);
      const pairs = state.pairs();
      if (state.next >= pairs.length) return { value: undefined, done: true };
      const pair = pairs[state.next++]!;
      const value = state.kind === "keys" ? pair[0] : state.kind === "values" ? pair[1] : [pair[0], pair[1]];
      return { value, done: false };
    },
  }.next;
  defineProperty(prototype, "next", { value: next, writable: true, enumerable: true, configurable: true });
  defineProperty(prototype, Symbol.toStringTag, { value: `${interfaceName} Iterator`, configurable: true });
  return (pairs, kind) => {
    const iterator = objectCreate(prototype) as IterableIterator<unknown>;
    states.set(iterator, { pairs, kind, next: 0 });
    return iterator;
  };
}
