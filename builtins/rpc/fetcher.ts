// Fetcher: the client-side handle of a worker's entrypoint.

import { ops, type Cap, type Disconnect, type WireRequest, type WireResponse } from "../internal/ops.ts";
import { belonging, currentInvocation } from "../internal/invocation.ts";
import type { AbortSignal } from "../runtime/events/abort.ts";
import { onAbort } from "../runtime/events/abort-hook.ts";
import { fetchThrough } from "../runtime/fetch/fetch.ts";
import type { FetchTarget } from "../runtime/fetch/fetch-target.ts";
import { failedCall, newProperty, startCall, startGet, valueOf, type Callee } from "./calls.ts";
import { connectThrough } from "./connect.ts";
import { requestEvent, rpcEvent } from "../trace/trace.ts";
import { defineMembers, illegalInvocation, isRemoteName } from "./remote-names.ts";
import { Reviver } from "./revive.ts";
import type { Endpoint, Session } from "./session.ts";
import { notSerializable, rememberStub } from "./stub-state.ts";

/** What a Fetcher's `fetch` sends its requests to: one session for each hop. */
export function endpointTarget(endpoint: Endpoint): FetchTarget {
  return {
    async send(request: WireRequest, signal: AbortSignal | undefined): Promise<WireResponse> {
      const invocation = currentInvocation();
      invocation?.countSubrequest();
      const session = endpoint.open();
      session.begins(() => requestEvent(request));
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
        session.goesOn(answer.afterwards);
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

/** Whether a call of ours is kept open until `source` is over. */
export function hasSession(source: Cap): boolean {
  return bodySessions.has(source);
}

/** Called by the transport of bodies when `source` is over, and by that of WebSockets. */
export function bodyFinished(source: Cap): void {
  bodySessions.get(source)?.();
  bodySessions.delete(source);
}

interface State {
  callee: Callee;
  target: FetchTarget;
  /** Throws if another invocation than its owner uses it. */
  requireOwner: () => void;
}

const states = new WeakMap<object, State>();

function stateOf(self: unknown): State {
  return states.get(self as object) ?? illegalInvocation();
}

const fetcherClass = ops.remoteClass({
  name: "ServiceStub",
  tag: "Fetcher",
  get: (self, key) => (isRemoteName(key) ? newProperty(stateOf(self).callee, [key]) : undefined),
});

/** The class of every Fetcher. */
export const ServiceStub = fetcherClass.Class;

defineMembers(ServiceStub, {
  fetch(this: unknown, ...[input, init]: unknown[]) {
    const { target, requireOwner } = stateOf(this);
    const ownTarget = () => {
      requireOwner();
      return target;
    };
    return fetchThrough(ownTarget, input, init);
  },
  connect(this: unknown, ...[address, options]: unknown[]) {
    const { requireOwner } = stateOf(this);
    requireOwner();
    return connectThrough(() => endpointOf(this as object)!, address, options);
  },
});

function become(fetcher: object, endpoint: Endpoint): State {
  const requireOwner = belonging("SubrequestChannel");
  const state: State = {
    callee: {
      call: (path, args) =>
        inSession(endpoint, requireOwner, path, (session) => startCall(session, () => session.cap, path, args)),
      get: (path) => inSession(endpoint, requireOwner, path, (session) => startGet(session, () => session.cap, path)),
    },
    target: endpointTarget(endpoint),
    requireOwner,
  };
  states.set(fetcher, state);
  rememberEndpoint(fetcher, endpoint);
  return state;
}

export function newFetcher(endpoint: Endpoint): object {
  const fetcher = fetcherClass.make();
  const { requireOwner } = become(fetcher, endpoint);
  const transferable = () => {
    requireOwner();
    return endpoint.transferable();
  };
  rememberStub(fetcher, { kind: "entrypoint", className: "ServiceStub", transferable });
  return fetcher;
}

// ctx.exports.X: a Fetcher that can be called, for one with props.
const specializers = new WeakMap<object, (options: unknown) => object>();

const loopbackClass = ops.remoteClass({
  name: "LoopbackServiceStub",
  tag: "LoopbackServiceStub",
  get: (self, key) => (isRemoteName(key) ? newProperty(stateOf(self).callee, [key]) : undefined),
  apply: (self, [options]) => (specializers.get(self) ?? illegalInvocation())(options),
});
Object.setPrototypeOf(loopbackClass.Class.prototype, ServiceStub.prototype);

/** @param specialize  makes the Fetcher that a call with options gives, which may be handed out */
export function newLoopback(endpoint: Endpoint, specialize: (options: unknown) => object): object {
  const loopback = loopbackClass.make();
  become(loopback, endpoint);
  specializers.set(loopback, specialize);
  rememberStub(loopback, { ...notSerializable("LoopbackServiceStub"), kind: "entrypoint" });
  return loopback;
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
  session.begins(() => rpcEvent(path));
  const leave = session.use();
  try {
    return begin(session);
  } finally {
    leave();
  }
}
