// Fetcher: the client-side handle of a worker's entrypoint.

import { ops, type Cap, type Disconnect, type WireRequest, type WireResponse } from "../internal/ops.ts";
import { belonging, currentInvocation } from "../internal/invocation.ts";
import type { AbortSignal } from "../runtime/events/abort.ts";
import { onAbort } from "../runtime/events/abort-hook.ts";
import { fetchThrough } from "../runtime/fetch/fetch.ts";
import type { FetchTarget } from "../runtime/fetch/fetch-target.ts";
import { failedCall, isRemoteName, newProperty, startCall, startGet, valueOf, type Callee } from "./calls.ts";
import { requestEvent } from "../trace/trace.ts";
import { Reviver } from "./revive.ts";
import type { Endpoint, Session } from "./session.ts";
import { rememberStub } from "./stub-state.ts";

/** The class of every Fetcher; `cloudflare:workers` exports it as `ServiceStub`. */
export class Fetcher {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
}

Object.defineProperty(Fetcher.prototype, Symbol.toStringTag, { value: "Fetcher", configurable: true });

/** What a Fetcher's `fetch` sends its requests to: one session for each hop. */
export function endpointTarget(endpoint: Endpoint): FetchTarget {
  return {
    async send(request: WireRequest, signal: AbortSignal | undefined): Promise<WireResponse> {
      const invocation = currentInvocation();
      invocation?.countSubrequest();
      const session = endpoint.open();
      session.begins(requestEvent(request));
      const leave = session.use();
      const { settled, cancel } = ops.capFetch(session.cap, request);
      const forget = signal === undefined ? () => {} : onAbort(signal, cancel);
      // The invocation that asked is over: nobody waits for the answer any more.
      const disown = invocation?.own(cancel);
      const asleep = invocation?.mayWake();
      try {
        let answer;
        try {
          answer = await settled;
        } catch (error) {
          throw await session.explain(error as Disconnect);
        }
        if ("failed" in answer) {
          valueOf(answer.failed, new Reviver(session, invocation));
          throw new Error("internal error: a failed fetch without its failure");
        }
        return watchBody(answer, session);
      } finally {
        asleep?.();
        disown?.();
        forget();
        leave();
      }
    },
  };
}

const bodySessions = new WeakMap<Cap, () => void>();

// A streaming body keeps its session until the stream is over; so does a WebSocket.
function watchBody(response: WireResponse, session: Session): WireResponse {
  const body = response.body;
  if (body !== null && !(body instanceof Uint8Array)) bodySessions.set(body.source, session.use());
  if (response.webSocket != null) bodySessions.set(response.webSocket, session.use());
  return response;
}

/** Called by the transport of bodies when `source` is over, and by that of WebSockets. */
export function bodyFinished(source: Cap): void {
  bodySessions.get(source)?.();
  bodySessions.delete(source);
}

export function newFetcher(endpoint: Endpoint): object {
  const requireOwner = belonging("SubrequestChannel");
  const callee: Callee = {
    call: (path, args) =>
      inSession(endpoint, requireOwner, path, (session) => startCall(session, () => session.cap, path, args)),
    get: (path) => inSession(endpoint, requireOwner, path, (session) => startGet(session, () => session.cap, path)),
  };
  const target = endpointTarget(endpoint);
  const ownTarget = () => {
    requireOwner();
    return target;
  };
  const fetch = (input: unknown, init?: unknown) => fetchThrough(ownTarget, input, init);

  const shape = Object.create(Fetcher.prototype) as object;
  const proxy = new Proxy(shape, {
    get(_, key, receiver) {
      if (key === "fetch") return fetch;
      return isRemoteName(key) ? newProperty(callee, [key]) : Reflect.get(shape, key, receiver);
    },
  });
  const transferable = () => {
    requireOwner();
    return endpoint.transferable();
  };
  rememberStub(proxy, { kind: "entrypoint", className: "Fetcher", transferable });
  rememberEndpoint(proxy, endpoint);
  return proxy;
}

const endpoints = new WeakMap<object, Endpoint>();

export function rememberEndpoint(fetcher: object, endpoint: Endpoint): void {
  endpoints.set(fetcher, endpoint);
}

export function endpointOf(fetcher: object): Endpoint | undefined {
  return endpoints.get(fetcher);
}

function inSession(
  endpoint: Endpoint,
  requireOwner: () => void,
  path: string[],
  begin: (session: Session) => object,
): object {
  try {
    requireOwner();
    currentInvocation()?.countSubrequest();
  } catch (error) {
    return failedCall(error);
  }
  const session = endpoint.open();
  session.begins({ rpcMethod: path.join(".") });
  const leave = session.use();
  try {
    return begin(session);
  } finally {
    leave();
  }
}
