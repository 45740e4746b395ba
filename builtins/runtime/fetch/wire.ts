// Requests and responses on their way between processes: those of fetch(), and those inside RPC values.

import { ops, type Cap, type WireBody, type WireRequest, type WireResponse } from "../../internal/ops.ts";
import type { AbortSignal } from "../events/abort.ts";
import { jsonParse, jsonStringify } from "../support/intrinsics.ts";
import { connectToClient, declineUpgrade } from "../websocket/upgrade.ts";
import type { WebSocket } from "../websocket/web-socket.ts";
import { Body } from "./body.ts";
import { codingOf } from "./content-coding.ts";
import { HeaderList } from "./header-list.ts";
import { reasonPhrase } from "./reason-phrase.ts";
import { createRequest, requestState, type Request, type RequestState } from "./request.ts";
import { createResponse, emptyState, responseState, type Response, type ResponseState } from "./response.ts";

/** A request that arrived: a handler sees redirects, it does not follow them by accident. */
export function requestFromWire(wire: WireRequest, signal: AbortSignal | null = null): Request {
  return createRequest({
    method: wire.method,
    url: wire.url,
    headers: HeaderList.fromPairs(wire.headers),
    body: Body.fromWire(wire.body),
    redirect: "manual",
    signal,
    cache: undefined,
    cf: parseCf(wire.cf),
    rawResponse: false,
    immutableHeaders: true,
  });
}

/**
 * The response as the answer to a fetch; its body counts as used. Throws TypeError if that was so before. `client` takes
 * the messages for whoever asked for a WebSocket; null if nobody did.
 */
export function wireResponse(response: Response, client: Cap | null = null): WireResponse {
  const state = responseState(response);
  const { status, headers, type, webSocket } = state;
  if (type === "error") {
    throw new TypeError("Return value from serve handler must not be an error response (like Response.error())");
  }
  const statusText = state.statusText === "" ? reasonPhrase(status) : state.statusText;
  const head = { status, statusText, headers: headers.toPairs() };
  if (webSocket !== null) return { ...head, body: null, webSocket: connectToClient(webSocket, client) };
  declineUpgrade(client);
  return { ...head, body: codedBody(state) };
}

export interface Arrival {
  url: string;
  redirected: boolean;
  /** The program asked for the body as it came. */
  raw: boolean;
  webSocket: WebSocket | null;
}

const PLAIN_ARRIVAL: Arrival = { url: "", redirected: false, raw: false, webSocket: null };

export function responseFromWire(wire: WireResponse, arrival: Arrival = PLAIN_ARRIVAL): Response {
  const { url, redirected, raw, webSocket } = arrival;
  const headers = HeaderList.fromPairs(wire.headers);
  return createResponse({
    ...emptyState(),
    status: wire.status,
    statusText: wire.statusText,
    headers,
    body: Body.fromWire(wire.body, raw ? null : codingOf(headers)),
    url,
    redirected,
    webSocket,
    rawBody: raw,
    immutableHeaders: true,
  });
}

/** The URL as it leaves: without what is only for the one who asks. */
export function wireUrl(url: string): string {
  const plain = withoutFragment(url);
  if (!plain.includes("@")) return plain;
  return ops.setUrlPart(ops.setUrlPart(plain, "username", "")!.href, "password", "")!.href;
}

export function withoutFragment(url: string): string {
  const at = url.indexOf("#");
  return at < 0 ? url : url.slice(0, at);
}

export function wireCf(cf: unknown): string {
  return cf === undefined ? "" : (jsonStringify(cf) as string);
}

function parseCf(json: string): unknown {
  if (json === "") return undefined;
  try {
    return jsonParse(json);
  } catch {
    return undefined; // whoever sent it does not keep the rules
  }
}

function codedBody({ body, headers, rawBody }: ResponseState): WireBody {
  return body?.toWire(rawBody ? null : codingOf(headers)) ?? null;
}

// Inside RPC values: all that the object shows travels, and it is the receiver's to change. -----------

export interface RequestContent extends WireRequest {
  redirect: RequestState["redirect"];
  cache: string | undefined;
}

export function requestContent(request: Request): RequestContent {
  const { method, url, headers, body, redirect, cache, cf } = requestState(request);
  return { method, url, headers: headers.toPairs(), body: body?.toWire() ?? null, redirect, cache, cf: wireCf(cf) };
}

export function requestFromContent(content: RequestContent): Request {
  const state = requestState(requestFromWire(content));
  return createRequest({ ...state, redirect: content.redirect, cache: content.cache, immutableHeaders: false });
}

export interface ResponseContent extends WireResponse {
  type: ResponseState["type"];
  cf: string;
}

export function responseContent(response: Response): ResponseContent {
  const state = responseState(response);
  const { status, statusText, headers, type, cf } = state;
  return { status, statusText, headers: headers.toPairs(), body: codedBody(state), type, cf: wireCf(cf) };
}

export function responseFromContent(content: ResponseContent): Response {
  const state = responseState(responseFromWire(content));
  return createResponse({ ...state, type: content.type, cf: parseCf(content.cf), immutableHeaders: false });
}
