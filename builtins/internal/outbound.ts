// Where the global fetch() of this worker leads.

import { ops, type Cap } from "./ops.ts";
import type { FetchTarget } from "../runtime/fetch/fetch-target.ts";
import { endpointTarget } from "../rpc/fetcher.ts";
import { CapEndpoint, type Endpoint } from "../rpc/session.ts";

const BLOCKED =
  "This worker is not permitted to access the internet via global functions like fetch(). It must use capabilities " +
  "(such as bindings in 'env') to talk to the outside world.";

let outbound: null | "host" | Cap = null;
let endpoint: Endpoint | null = null;
let target: FetchTarget | null = null;

export function setOutbound(given: null | "host" | Cap): void {
  outbound = given;
}

/** What a dynamic worker that names no outbound inherits: ours, as a program's field. */
export function inheritedOutbound(): null | "host" | Cap {
  return outbound === null || outbound === "host" ? outbound : ops.capDup(outbound);
}

/** Where the global fetch() and connect() lead. Throws if they lead nowhere. */
export function outboundEndpoint(): Endpoint {
  if (outbound === null) throw new Error(BLOCKED);
  return (endpoint ??= new CapEndpoint(outbound === "host" ? ops.hostOutbound() : outbound));
}

/** The target of the global fetch(). Throws if there is none. */
export function globalOutbound(): FetchTarget {
  return (target ??= endpointTarget(outboundEndpoint()));
}
