// The built-ins: evaluated once in the zygote, inherited by every sandbox.

import { belonging, currentInvocation, inGlobalScope, requireIo } from "./internal/invocation.ts";
import { installCloudflareGlobal } from "./compatibility/cloudflare-global.ts";
import { guardWasmAtStart } from "./compatibility/wasm-at-start.ts";
import { ops } from "./internal/ops.ts";
import { formatStack } from "./internal/stack-trace.ts";
import { globalOutbound } from "./internal/outbound.ts";
import { cloneError, errorFromFailure, failureText } from "./rpc/errors.ts";
import { bodyFinished, hasSession } from "./rpc/fetcher.ts";
import { exportReadable, importReadable } from "./rpc/streams.ts";
import { installPlatform } from "./runtime/index.ts";
import { start } from "./worker/start.ts";
import { rehearse, warm } from "./worker/warm.ts";

const platform = installPlatform(globalThis, {
  requireIo,
  inGlobalScope,
  reportException(error, reported) {
    const recording = currentInvocation()?.recording;
    if (reported) recording?.report(error);
    else recording?.exception(error);
    const { stack, name, message } = failureText(error, false);
    ops.log("error", `Uncaught ${stack || `${name}: ${message}`}`);
  },
  adopt(cancel) {
    const invocation = currentInvocation();
    if (invocation === undefined) return () => {};
    const disown = invocation.own(cancel);
    const asleep = invocation.mayWake();
    return () => {
      disown();
      asleep();
    };
  },
  belonging,
  logged(level, args) {
    currentInvocation()?.recording?.log(level, args);
  },
  invocation: currentInvocation,
  outbound: globalOutbound,
  connectionOver: bodyFinished,
  bodies: {
    exportStream: (stream, length) => ({ source: exportReadable(stream), length }),
    // A body that keeps a session open is the body of an answer to a fetch: it breaks off with the reason of its sender.
    mayPassOn: (source) => !hasSession(source),
    importStream: (source) => importReadable(source, () => bodyFinished(source), hasSession(source) ? errorFromFailure : undefined),
    dropSource(source) {
      ops.capDrop(source);
      bodyFinished(source);
    },
  },
});

// What a dynamic worker must not have: shared memory is a clock.
for (const name of ["SharedArrayBuffer"]) delete (globalThis as unknown as Record<string, unknown>)[name];

installCloudflareGlobal();
guardWasmAtStart();
const { PromiseRejectionEvent } = platform.classes;

ops.provideEntry({
  warm,
  rehearse,
  start,
  dataCloneError: cloneError,
  formatStack: formatStack as (error: unknown, sites: unknown[]) => unknown,
  rejectionHandled(promise, reason) {
    platform.dispatchGlobal(new PromiseRejectionEvent("rejectionhandled", { promise, reason }));
  },
  unhandledRejection(promise, reason) {
    platform.dispatchGlobal(new PromiseRejectionEvent("unhandledrejection", { promise, reason }));
    const { stack, name, message } = failureText(reason, false);
    ops.log("error", `Uncaught (in promise) ${stack || `${name}: ${message}`}`);
  },
});
