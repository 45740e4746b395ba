// What the classes of stubs have in common: which names are remote, and how their own members look.

/** Whether `key` names a remote member. `then` does not, so that stubs can be awaited and returned as they are. */
export function isRemoteName(key: string): boolean {
  return key !== "then";
}

export function illegalInvocation(): never {
  throw new TypeError("Illegal invocation: function called with incorrect `this` reference.");
}

/** Gives a remote class its local members, enumerable as the platform has them. */
export function defineMembers(cls: Function, members: Record<string, Function>, dispose?: Function): void {
  const prototype = cls.prototype as object;
  // V8 gives it a nameless one of its own.
  Object.setPrototypeOf(prototype, Object.prototype);
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: true, configurable: true });
  }
  if (dispose === undefined) return;
  Object.defineProperty(prototype, Symbol.dispose, { value: dispose, writable: true, enumerable: false, configurable: true });
}
