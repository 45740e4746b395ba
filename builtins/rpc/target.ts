// Exported objects: local functions, RpcTargets and results as other processes may call them.

import { ops, type Cap, type Encoded, type Reply } from "../internal/ops.ts";
import { currentInvocation, type Invocation } from "../internal/invocation.ts";
import { cloneError, describeThrown, failureText, SystemError, thrownObject } from "./errors.ts";
import { encodeValue } from "./lower.ts";
import { callMember, findMember, isTarget } from "./members.ts";
import { Reviver } from "./revive.ts";
import { Session } from "./session.ts";
import { stubStateOf } from "./stub-state.ts";

/** The arguments of a call: an array, with stubs that last as long as the call unless it dups them. */
function decodeArguments(args: Encoded, owner: Invocation | undefined): { values: unknown[]; release: () => void } {
  const reviver = new Reviver(new Session(null as unknown as Cap), owner);
  const values = ops.decode(args, reviver.revive, false);
  if (!Array.isArray(values)) throw new TypeError("Unable to deserialize cloned data.");
  return { values, release: () => reviver.disposeAll() };
}

/** Runs `produce` and makes the reply of what it returns or throws; `finished` is called when that has been encoded. */
export async function replyWith(produce: () => unknown, finished?: () => void): Promise<Reply> {
  const invocation = currentInvocation();
  return withAfterwards(await settledReply(produce, finished), invocation);
}

/** `answer`, with a capability that tells its receiver when the invocation is over, if that goes on. */
export function withAfterwards<T extends object>(answer: T, invocation: Invocation | undefined): T & { afterwards?: Cap } {
  if (invocation?.goesOn !== true) return answer;
  const over = async (): Promise<Reply> => {
    await invocation.over();
    return { ok: true, payload: encodeValue(undefined, "result") };
  };
  return Object.assign(answer, { afterwards: ops.exportObject("object", { call: over, get: over, released() {} }) });
}

async function settledReply(produce: () => unknown, finished: () => void = () => {}): Promise<Reply> {
  try {
    const value = await produce();
    const payload = encodeValue(value, "result");
    const reply: Reply = { ok: true, payload };
    if ((typeof value === "object" && value !== null) || typeof value === "function") reply.target = resultTarget(value);
    return reply;
  } catch (thrown) {
    return failedReply(thrown);
  } finally {
    finished();
  }
}

/** Answers a call: `call` gets the decoded arguments, whose stubs last until the reply has been encoded. */
export function replyToCall(args: Encoded, owner: Invocation | undefined, call: (values: unknown[]) => unknown): Promise<Reply> {
  let release = () => {};
  return replyWith(
    () => {
      const decoded = decodeArguments(args, owner);
      release = decoded.release;
      return call(decoded.values);
    },
    () => release(),
  );
}

export function failedReply(thrown: unknown): Reply {
  if (thrown instanceof SystemError) {
    return { ok: false, payload: null as unknown as Encoded, failure: failureText(thrown.error, true) };
  }
  const isObject = (typeof thrown === "object" && thrown !== null) || typeof thrown === "function";
  let payload: Encoded;
  try {
    payload = encodeValue(isObject ? thrownObject(thrown) : describeThrown(thrown), "thrown");
  } catch {
    // Something in it cannot be copied: what happened still gets through.
    payload = encodeValue(describeThrown(thrown), "thrown");
  }
  return { ok: false, payload, failure: failureText(thrown, false) };
}

// The result itself, for calls pipelined on it. A stub that is returned is given away.
function resultTarget(value: object): Cap {
  const state = stubStateOf(value);
  if (state === undefined) {
    const invocation = currentInvocation();
    const release = invocation?.hold();
    return exportMembers(value, invocation, () => release?.());
  }
  const cap = state.transferable(true);
  if (state.kind === "stub") (value as Disposable)[Symbol.dispose]();
  return cap;
}

/** A local target, and the handles of it that are out: its own disposer runs when the last of them is gone. */
export class SharedTarget {
  #handles = 0;

  constructor(readonly target: object) {}

  /** A handle for one receiver; calls run in the invocation that exports it, and keep it open if `hold`. */
  export(hold: boolean): Cap {
    const invocation = currentInvocation();
    const release = hold ? invocation?.hold() : undefined;
    this.#handles++;
    return exportMembers(this.target, invocation, () => {
      release?.();
      if (--this.#handles === 0) runDisposer(this.target);
    });
  }
}

function runDisposer(target: object): void {
  const dispose: unknown = (target as Partial<Disposable>)[Symbol.dispose];
  if (typeof dispose === "function") Reflect.apply(dispose, target, []);
}

/** `target` as a result, which keeps the invocation open. */
export function exportResult(target: object): Cap {
  return new SharedTarget(target).export(true);
}

/** `target` as an argument. Throws DataCloneError if its dup() does not give another of its kind. */
export function exportArgument(target: object): Cap {
  return new SharedTarget(ownHandle(target)).export(false);
}

// A target that defines dup() says itself what is lent.
function ownHandle(target: object): object {
  const isFunction = typeof target === "function";
  if (!isFunction && !isTarget(target)) return target;
  const dup: unknown = (target as { dup?: unknown }).dup;
  if (typeof dup !== "function") return target;
  const given: unknown = Reflect.apply(dup, target, []);
  if (isFunction ? typeof given === "function" : typeof given === "object" && given !== null && isTarget(given)) return given as object;
  const [what, wanted] = isFunction ? ["function", "a function"] : ["RpcTarget", "an RpcTarget"];
  throw cloneError(
    `Couldn't create a stub for the ${what} because it has a dup() method which did not return another ${what}. ` +
      `Either remove the dup() method or make sure it returns ${wanted}.`,
  );
}

/** `target` for one receiver, beyond any invocation. */
export function exportDetached(target: object): Cap {
  return exportMembers(target, undefined, () => {});
}

/** The disposer that a returned plain object brought along, to run when its receiver has disposed of it. */
export function exportDisposer(object: object): Cap {
  const invocation = currentInvocation();
  const release = invocation?.hold();
  return exportMembers(NOTHING, invocation, () => {
    release?.();
    runDisposer(object);
  });
}

const NOTHING = Object.freeze({});

function exportMembers(target: object, invocation: Invocation | undefined, released: () => void): Cap {
  const asleep = invocation?.mayWake();
  const run = (reply: () => Promise<Reply>): Promise<Reply> => {
    if (invocation === undefined) return reply();
    if (invocation.ended) {
      return Promise.resolve(
        failedReply(new SystemError(new Error("The execution context which hosts this callback is no longer running."))),
      );
    }
    return invocation.owe(invocation.run(reply)).catch(failedReply);
  };
  return ops.exportObject("object", {
    call: (path, args) =>
      run(() => replyToCall(args, invocation, (values) => callMember(findMember(target, path), path, values))),
    get: (path) => run(() => replyWith(() => findMember(target, path).value)),
    released() {
      asleep?.();
      try {
        if (invocation === undefined || invocation.ended) released();
        else invocation.run(released);
      } catch (error) {
        ops.log("error", `a disposer threw: ${failureText(error, false).message}`);
      }
    },
  });
}
