// Where a request goes: the network through the supervisor, an interceptor, another worker.

import type { WireRequest, WireResponse } from "../../internal/ops.ts";
import type { AbortSignal } from "../events/abort.ts";

export interface FetchTarget {
  /**
   * Sends one request, without following redirects. When `signal` aborts, the answer is no longer wanted: the
   * target should cancel, and need not settle the promise.
   */
  send(request: WireRequest, signal: AbortSignal | undefined): Promise<WireResponse>;
}
