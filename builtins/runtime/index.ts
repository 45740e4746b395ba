// The web platform of a sandbox.
//
// Contract   installPlatform() runs once, in the zygote, before any program. It defines the globals and computes
//            nothing that depends on time, randomness or the process; such state comes into being when first used.
// Trust      Programs get the globals, never the Platform or the hooks.

import { platformClasses, type PlatformClasses } from "./classes.ts";
import { createConsole } from "./console/console.ts";
import { inspect } from "./console/inspect.ts";
import { createCrypto } from "./crypto/crypto.ts";
import { atob, btoa } from "./encoding/base64.ts";
import { domExceptionWithStack, isDOMException, stackOf } from "./errors/dom-exception.ts";
import { structuredClone } from "./errors/structured-clone.ts";
import { onAbort } from "./events/abort-hook.ts";
import { abortSignal, createSignal, isAbortSignal } from "./events/abort.ts";
import { dispatchGlobal, globalEventFunctions, hasGlobalListeners, reportUncaught } from "./events/global-events.ts";
import { fetch, fetchThrough } from "./fetch/fetch.ts";
import { HeaderList } from "./fetch/header-list.ts";
import { headerListOf, headersFromList, isHeaders } from "./fetch/headers.ts";
import { createRequest, isRequest, requestState } from "./fetch/request.ts";
import { createResponse, isResponse, responseState } from "./fetch/response.ts";
import { requestFromWire, responseFromWire, wireResponse } from "./fetch/wire.ts";
import { blobBytes, createBlob, isBlob } from "./blob/blob.ts";
import { isFile } from "./blob/file.ts";
import { createNavigator } from "./navigator/navigator.ts";
import { createPerformance } from "./performance/performance.ts";
import {
  ByteReader,
  isDisturbed,
  isLocked,
  isReadableStream,
  isWritableStream,
  knownLength,
  setKnownLength,
} from "./streams/stream-access.ts";
import { setInspector } from "./support/inspectors.ts";
import { defineProperty } from "./support/intrinsics.ts";
import { setHooks, type PlatformHooks } from "./support/platform-hooks.ts";
import { INTERNAL } from "./support/webidl.ts";
import { adoptGlobal } from "./support/worker-scope.ts";
import { Scheduler } from "./timers/scheduler.ts";
import { startTimer } from "./timers/timer-wheel.ts";
import { queueMicrotask } from "./timers/queue-microtask.ts";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "./timers/timers.ts";

export type { PlatformHooks } from "./support/platform-hooks.ts";
export type { FetchTarget } from "./fetch/fetch-target.ts";
export type { BodyTransport } from "./fetch/body-transport.ts";

/** What the rest of the built-ins uses of the platform. Nothing here depends on the global object any more. */
const platform = {
  classes: platformClasses,

  // fetch
  fetchThrough,
  requestFromWire,
  responseFromWire,
  wireResponse,

  // Brand checks: true for genuine instances only, whatever their prototype.
  isAbortSignal,
  isBlob,
  isDOMException,
  isFile,
  isHeaders,
  isReadableStream,
  isRequest,
  isResponse,
  isWritableStream,

  // Inner state, for sending values to other processes and making them anew.
  requestState,
  createRequest,
  responseState,
  createResponse,
  headerListOf,
  headersFromList,
  HeaderList,
  blobBytes,
  createBlob,
  domExceptionWithStack,
  stackOf,

  // Streams
  ByteReader,
  isDisturbed,
  isLocked,
  knownLength,
  setKnownLength,

  // Signals and events
  createSignal,
  abortSignal,
  onAbort,
  dispatchGlobal,
  hasGlobalListeners,
  reportUncaught,

  startTimer,
  inspect,
  setInspector,
};

export type Platform = typeof platform;
export type { PlatformClasses };

const functions = {
  atob,
  btoa,
  clearInterval,
  clearTimeout,
  fetch,
  setInterval,
  setTimeout,
  structuredClone,
};

/** Defines the globals on `global` and returns what the rest of the built-ins needs. */
export function installPlatform(global: object, hooks: PlatformHooks): Platform {
  setHooks(hooks);
  for (const [name, value] of Object.entries(platformClasses)) defineHidden(global, name, value);
  for (const [name, value] of Object.entries({ ...functions, ...globalEventFunctions(global) })) {
    defineProperty(value, "name", { value: name, configurable: true });
    // Operations of a global scope are enumerable, its classes are not.
    defineProperty(global, name, { value, writable: true, enumerable: true, configurable: true });
  }
  if (!("queueMicrotask" in global)) {
    defineProperty(global, "queueMicrotask", {
      value: queueMicrotask,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  adoptGlobal(global);
  defineHidden(global, "console", createConsole());
  defineAttribute(global, "crypto", createCrypto());
  defineAttribute(global, "navigator", createNavigator());
  defineAttribute(global, "origin", "null");
  defineAttribute(global, "performance", createPerformance());
  defineAttribute(global, "scheduler", new Scheduler(INTERNAL));
  defineAttribute(global, "self", global);
  return platform;
}

function defineHidden(global: object, name: string, value: unknown): void {
  defineProperty(global, name, { value, writable: true, enumerable: false, configurable: true });
}

function defineAttribute(global: object, name: string, value: unknown): void {
  defineProperty(global, name, { value, writable: true, enumerable: true, configurable: true });
}
