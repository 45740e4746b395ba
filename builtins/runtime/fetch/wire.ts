// Requests and responses on their way between processes.

import type { Cap, WireRequest, WireResponse } from "../../internal/ops.ts";
import type { AbortSignal } from "../events/abort.ts";
import { connectToClient, declineUpgrade } from "../websocket/upgrade.ts";
import type { WebSocket } from "../websocket/web-socket.ts";
import { Body } from "./body.ts";
import { HeaderList } from "./header-list.ts";
import { createRequest, requestState, type RedirectMode, type Request } from "./request.ts";
import { createResponse, emptyState, responseState, type Response } from "./response.ts";

/** The request as it is sent; its body counts as used. Throws TypeError if that was so before. */
export function wireRequest(request: Request): WireRequest {
  const { method, url, headers, body } = requestState(request);
  return { method, url: withoutFragment(url), headers: headers.toPairs(), body: body?.toWire() ?? null };
}

/** A request that arrived: a handler sees redirects, it does not follow them by accident. */
export function requestFromWire(
  wire: WireRequest,
  signal: AbortSignal | null = null,
  redirect: RedirectMode = "manual",
): Request {
  return createRequest({
    method: wire.method,
    url: wire.url,
    headers: HeaderList.fromPairs(wire.headers),
    body: Body.fromWire(wire.body),
    redirect,
    signal,
    cache: undefined,
    cf: undefined,
  });
}

/**
 * The response as it is sent; its body counts as used. Throws TypeError if that was so before. `client` takes the
 * messages for whoever asked for a WebSocket; null if nobody did.
 */
export function wireResponse(response: Response, client: Cap | null = null): WireResponse {
  const { status, statusText, headers, body, type, webSocket } = responseState(response);
  if (type === "error") throw new TypeError("Response.error() stands for a failed fetch and cannot be sent.");
  if (webSocket !== null) {
    return { status, statusText, headers: headers.toPairs(), body: null, webSocket: connectToClient(webSocket, client) };
  }
  declineUpgrade(client);
  return { status, statusText, headers: headers.toPairs(), body: body?.toWire() ?? null };
}

export function responseFromWire(
  wire: WireResponse,
  url = "",
  redirected = false,
  webSocket: WebSocket | null = null,
): Response {
  return createResponse({
    ...emptyState(),
    status: wire.status,
    statusText: wire.statusText,
    headers: HeaderList.fromPairs(wire.headers),
    body: Body.fromWire(wire.body),
    url,
    redirected,
    webSocket,
  });
}

export function withoutFragment(url: string): string {
  const at = url.indexOf("#");
  return at < 0 ? url : url.slice(0, at);
}
