// Which members of a value others may reach: the visibility rules of RPC receivers.

import { ops } from "../internal/ops.ts";
import { stubStateOf } from "./stub-state.ts";

let isMade: (value: object) => boolean;

/** Base class of what is passed by reference. */
export class RpcTarget {
  // Marks what the constructor made: what merely inherits from the prototype is no target.
  readonly #made = true;

  static {
    isMade = (value) => #made in value && value.#made;
  }
}

Object.defineProperty(RpcTarget.prototype, Symbol.toStringTag, { value: "JsRpcTarget", writable: true, configurable: true });

/** A target, or a Proxy that stands for one. */
export function isTarget(value: object): boolean {
  return ops.isProxy(value) ? value instanceof RpcTarget : isMade(value);
}

/** Classes whose instances expose their prototype chain: RpcTarget here, the entrypoint classes elsewhere. */
const exposing: (new (...args: never[]) => object)[] = [RpcTarget];

export function exposePrototypeOf(base: new (...args: never[]) => object): void {
  exposing.push(base);
}

export const RESERVED: ReadonlySet<string> = new Set(["dup", "constructor"]);

export interface Member {
  holder: unknown;
  value: unknown;
}

export function notImplemented(name: string): TypeError {
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

export function notAFunction(path: string[]): TypeError {
  return new TypeError(`"${path.length === 0 ? "(this)" : path.join(".")}" is not a function.`);
}

/** Whether the own properties of `value` are what it exposes. */
export function isTraversable(value: unknown): value is object {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null) return false;
  return ops.isProxy(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Finds the member at `path`, under the visibility rules of the value that each step reaches.
 * @param ownOnly  of `root` only own properties are visible, whatever its class (an exported object)
 */
export function findMember(root: unknown, path: string[], reserved: ReadonlySet<string> = RESERVED, ownOnly = false): Member {
  let holder: unknown = undefined;
  let value: unknown = root;
  for (let i = 0; i < path.length; i++) {
    const name = path[i]!;
    holder = value;
    // What cannot be entered is blamed on the name that led there.
    if ((typeof value !== "object" && typeof value !== "function") || value === null) throw notImplemented(path[Math.max(i - 1, 0)]!);
    if (stubStateOf(value) === undefined) {
      if ((i === 0 ? reserved : RESERVED).has(name)) throw new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
      if (i === 0 && ownOnly ? !Object.hasOwn(value, name) : !isVisible(value, name, path[Math.max(i - 1, 0)]!)) throw notImplemented(name);
    }
    value = (value as Record<string, unknown>)[name];
  }
  return { holder, value };
}

function isVisible(value: object, name: string, leading: string): boolean {
  if (exposing.some((base) => value instanceof base)) {
    // A Proxy over a target answers for any name; otherwise only what the classes define is visible.
    if (ops.isProxy(value)) return true;
    if (Object.hasOwn(value, name)) return false;
    for (let p = Object.getPrototypeOf(value) as object | null; p !== null && p !== Object.prototype; p = Object.getPrototypeOf(p)) {
      if (Object.hasOwn(p, name)) return true;
    }
    return false;
  }
  if (!isTraversable(value)) throw notImplemented(leading);
  return Object.hasOwn(value, name);
}

export function callMember({ holder, value }: Member, path: string[], args: unknown[]): unknown {
  if (typeof value !== "function") throw notAFunction(path);
  return Reflect.apply(value, holder, args);
}
