// import … from "cloudflare:sockets"

import { requireIo } from "../internal/invocation.ts";
import { outboundEndpoint } from "../internal/outbound.ts";
import { connectThrough } from "../rpc/connect.ts";
import type { Socket } from "../runtime/sockets/socket.ts";

export function cloudflareSockets(): object {
  return {
    /** A byte connection through the worker's outbound. Throws, at once, if there is none. */
    connect(address: unknown, options?: unknown): Socket {
      requireIo("connect()");
      return connectThrough(outboundEndpoint, address, options);
    },
  };
}
