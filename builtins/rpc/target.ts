// Exported objects: local functions, RpcTargets and results as other processes may call them.

import { ops, type Cap, type Encoded, type Reply } from "../internal/ops.ts";
import { currentInvocation, type Invocation } from "../internal/invocation.ts";
import { failureText, SystemError } from "./errors.ts";
import { encodeValue } from "./lower.ts";
import { Reviver } from "./revive.ts";
import { explainPlainly, Session } from "./session.ts";
import { stubStateOf } from "./stub-state.ts";

/** Base class of what is passed by reference. */
export class RpcTarget {}

/** Classes whose instances expose their prototype chain: RpcTarget here, the entrypoint classes elsewhere. */
const exposing: (new (...args: never[]) => object)[] = [RpcTarget];

export function exposePrototypeOf(base: new (...args: never[]) => object): void {
  exposing.push(base);
}

const RESERVED = new Set(["dup", "constructor"]);

interface Member {
  holder: unknown;
  value: unknown;
}

function notImplemented(name: string): TypeError {
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

/** Finds the member at `path`, under the visibility rules of the value that each step reaches. */
export function findMember(root: unknown, path: string[], reserved: ReadonlySet<string> = RESERVED): Member {
  let holder: unknown = undefined;
  let value: unknown = root;
  for (let i = 0; i < path.length; i++) {
    const name = path[i]!;
    holder = value;
    value = stepInto(value, name, i === 0 ? reserved : RESERVED);
  }
  return { holder, value };
}

function stepInto(value: unknown, name: string, reserved: ReadonlySet<string>): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) throw notImplemented(name);
  if (stubStateOf(value) !== undefined) return (value as Record<string, unknown>)[name];
  if (reserved.has(name)) throw new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
  if (exposing.some((base) => value instanceof base)) {
    // A Proxy over a target answers for any name; otherwise only what the classes define is visible.
    if (ops.isProxy(value)) return (value as Record<string, unknown>)[name];
    if (Object.hasOwn(value, name)) throw notImplemented(name);
    for (let p = Object.getPrototypeOf(value) as object | null; p !== null && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
      if (Object.hasOwn(p, name)) return (value as Record<string, unknown>)[name];
    }
    throw notImplemented(name);
  }
  if (typeof value === "function" || ops.isProxy(value) || Object.getPrototypeOf(value) === Object.prototype) {
    if (!Object.hasOwn(value, name)) throw notImplemented(name);
    return (value as Record<string, unknown>)[name];
  }
  throw notImplemented(name);
}

export function callMember({ holder, value }: Member, path: string[], args: unknown[]): unknown {
  if (typeof value !== "function") throw new TypeError(`"${path.join(".")}" is not a function.`);
  return Reflect.apply(value, holder, args);
}

/** The arguments of a call: an array, with stubs that last as long as the call unless it dups them. */
function decodeArguments(args: Encoded, owner: Invocation | undefined): { values: unknown[]; release: () => void } {
  const reviver = new Reviver(new Session(null as unknown as Cap, explainPlainly, () => {}), owner);
  const values = ops.decode(args, reviver.revive, false);
  if (!Array.isArray(values)) throw new TypeError("Unable to deserialize cloned data.");
  return { values, release: () => reviver.disposeAll() };
}

/** Runs `produce` and makes the reply of what it returns or throws; `finished` is called when that has been encoded. */
export async function replyWith(produce: () => unknown, finished: () => void = () => {}): Promise<Reply> {
  try {
    const value = await produce();
    const invocation = currentInvocation();
    const payload = encodeValue(value, "result");
    const reply: Reply = { ok: true, payload };
    if ((typeof value === "object" && value !== null) || typeof value === "function") {
      reply.target = exportResult(value, invocation);
      disposeReturned(value);
    }
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
  const value = isObject ? thrown : new Error(String(thrown));
  let payload: Encoded;
  try {
    payload = encodeValue(value, "result");
  } catch (error) {
    payload = encodeValue(error, "result");
  }
  return { ok: false, payload, failure: failureText(thrown, false) };
}

// A stub that is returned is given away.
function disposeReturned(value: unknown): void {
  if (stubStateOf(value as object)?.kind === "stub") (value as Disposable)[Symbol.dispose]();
}

/** `target` for one receiver; calls run in the invocation that exports it, and keep it open if `hold`. */
export function exportTarget(target: object, hold: boolean): Cap {
  const invocation = currentInvocation();
  const release = hold ? invocation?.hold() : undefined;
  return exportMembers(target, invocation, () => {
    release?.();
    const dispose: unknown = (target as Partial<Disposable>)[Symbol.dispose];
    if (target instanceof RpcTarget && typeof dispose === "function") Reflect.apply(dispose, target, []);
  });
}

/** `target` for one receiver, beyond any invocation. */
export function exportDetached(target: object): Cap {
  return exportMembers(target, undefined, () => {});
}

// The result itself, for calls pipelined on it.
function exportResult(value: object, invocation: Invocation | undefined): Cap {
  const release = invocation?.hold();
  return exportMembers(value, invocation, () => release?.());
}

function exportMembers(target: object, invocation: Invocation | undefined, released: () => void): Cap {
  const asleep = invocation?.mayWake();
  const run = (reply: () => Promise<Reply>): Promise<Reply> => {
    if (invocation === undefined) return reply();
    if (invocation.ended) {
      return Promise.resolve(
        failedReply(new SystemError(new Error("The execution context responding to this call was canceled."))),
      );
    }
    return invocation.owe(invocation.run(reply)).catch((reason: unknown) => failedReply(new SystemError(reason as Error)));
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
