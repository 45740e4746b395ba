// What the platform asks of the code around it: the I/O contexts, the network, the transport of bodies.
//
// The classes of the platform are module-level, since programs see one of each; so are the hooks they call. They
// are set once, by installPlatform(), before any program runs.

import type { Cap } from "../../internal/ops.ts";
import type { FetchTarget } from "../fetch/fetch-target.ts";
import type { BodyTransport } from "../fetch/body-transport.ts";

/** One invocation, as far as what it owns needs to know it. */
export interface IoContext {
  readonly ended: boolean;
  run<T>(body: () => T): T;
  /** Keeps it open until the returned function is called. */
  hold(): () => void;
  /** Registers what to do when it ends; the returned function takes that back. */
  own(cleanup: () => void): () => void;
  /** Until the returned function is called, something outside may wake it. */
  mayWake(): () => void;
  /** Work without which it is not done, but which it does not outlive when nothing can bring it about any more. */
  oweInBackground<T>(promise: Promise<T>): Promise<T>;
}

export type LogLevel = "debug" | "info" | "log" | "warn" | "error";

export interface PlatformHooks {
  /** Throws "Disallowed operation called within global scope. …" while modules are being evaluated. */
  requireIo(what: string): void;
  /** True while modules are being evaluated: clocks then read 0. */
  inGlobalScope?(): boolean;
  /** An exception that no program code can catch, from a timer or an event listener; `reported` if through reportError(). */
  reportException(error: unknown, reported?: boolean): void;
  /** Ties something cancellable (a timer) to the current invocation. The answer unties it. */
  adopt?(cancel: () => void): () => void;
  /** For an I/O object that is being made: the answer throws when another invocation than the maker's uses it. */
  belonging?(type: string): () => void;
  /** The current invocation; undefined outside of any. */
  invocation?(): IoContext | undefined;
  /** Where the global fetch() sends its requests. Throwing rejects the fetch. */
  outbound(): FetchTarget;
  /** How bodies enter and leave this process. */
  bodies: BodyTransport;
  /** The connection of an upgraded request, named by the capability that came with its answer, is over. */
  connectionOver?(sink: Cap): void;
  /** Sees the arguments of console.debug/info/log/warn/error, for tail recordings. */
  logged?(level: LogLevel, args: unknown[]): void;
}

let installed: PlatformHooks | undefined;

export function setHooks(hooks: PlatformHooks): void {
  installed = hooks;
}

export function hooks(): PlatformHooks {
  if (installed === undefined) throw new Error("error[runtime.not-installed]: installPlatform() has not been called");
  return installed;
}

export function requireIo(what: string): void {
  hooks().requireIo(what);
}
