// fetch(): one front end for the global function and for every Fetcher.

import { onAbort } from "../events/abort-hook.ts";
import { abortReason, isAborted, type AbortSignal } from "../events/abort.ts";
import type { HeaderPairs, WireResponse } from "../../internal/ops.ts";
import { promiseThen } from "../support/intrinsics.ts";
import { hooks, requireIo } from "../support/platform-hooks.ts";
import { Upgrade } from "../websocket/upgrade.ts";
import type { Body } from "./body.ts";
import { fetchDataUrl } from "./data-url.ts";
import type { FetchTarget } from "./fetch-target.ts";
import type { HeaderList } from "./header-list.ts";
import { isRedirect, nextHop, type Hop } from "./redirect.ts";
import { Request, requestState, throwIfAborted, type RequestState } from "./request.ts";
import { responseFromWire, wireCf, wireUrl } from "./wire.ts";
import { responseState, type Response } from "./response.ts";

const MAX_REDIRECTS = 20;

/** The global function. */
export async function fetch(input: unknown, init?: unknown): Promise<Response> {
  if (arguments.length === 0) {
    throw new TypeError(
      "Failed to execute 'fetch' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Request or string'.",
    );
  }
  return fetchThrough(() => hooks().outbound(), input, init);
}

/** Sends a request through `target`, which is asked for only if something has to be sent. */
export async function fetchThrough(target: () => FetchTarget, input: unknown, init?: unknown): Promise<Response> {
  requireIo("fetch()");
  const state = requestState(new Request(input, init));
  switch (schemeOf(state.url)) {
    case "http":
    case "https":
      throwIfAborted(state);
      return followRedirects(target(), state);
    case "data": {
      const response = fetchDataUrl(state.url, state.method);
      if (response !== null) return response;
    }
  }
  throw new TypeError(`Fetch API cannot load: ${state.url}`);
}

function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(":"));
}

async function followRedirects(target: FetchTarget, state: RequestState): Promise<Response> {
  const signal = state.signal ?? undefined;
  const cf = wireCf(state.cf);
  let hop: Hop = { method: state.method, url: state.url, headers: sentHeaders(state), body: state.body };
  for (let redirects = 0; ; redirects++) {
    const upgrade = Upgrade.askedBy(hop.headers);
    const wire = await sendHop(target, hop, cf, state.redirect === "follow", signal, upgrade);
    const location = state.redirect === "follow" && isRedirect(wire.status) ? headerOf(wire, "location") : null;
    if (location === null || location === "") {
      if (hop.method === "HEAD" && wire.body !== null) {
        dropBody(wire);
        wire.body = null;
      }
      const response = responseFromWire(wire, {
        url: hop.url,
        redirected: redirects > 0,
        raw: state.rawResponse,
        webSocket: upgrade?.answered(wire) ?? null,
      });
      if (signal !== undefined) responseState(response).body?.tieTo(signal);
      return response;
    }
    dropBody(wire);
    upgrade?.withdraw();
    if (redirects === MAX_REDIRECTS)
      throw new TypeError(`Too many redirects. Gave up after ${MAX_REDIRECTS}, at ${wireUrl(hop.url)}`);
    hop = nextHop(hop, wire.status, location);
  }
}

// What was asked of caches goes into headers: nobody but the other end has one.
function sentHeaders({ headers, cache }: RequestState): HeaderList {
  if (cache === undefined) return headers;
  const sent = headers.clone();
  if (!sent.has("cache-control")) sent.set("Cache-Control", "no-cache");
  if (!sent.has("pragma")) sent.set("Pragma", "no-cache");
  return sent;
}

// Says how long the body is, for interceptors; a network connection says it in its own way.
function framedHeaders(headers: HeaderList, body: Body | null): HeaderPairs {
  const pairs = headers.toPairs();
  if (body === null || headers.has("content-length") || headers.has("transfer-encoding")) return pairs;
  const { length } = body;
  pairs.push(length >= 0 ? ["Content-Length", String(length)] : ["Transfer-Encoding", "chunked"]);
  return pairs;
}

async function sendHop(
  target: FetchTarget,
  hop: Hop,
  cf: string,
  mayRedirect: boolean,
  signal: AbortSignal | undefined,
  upgrade: Upgrade | null,
): Promise<WireResponse> {
  if (signal !== undefined && isAborted(signal)) throw abortReason(signal);
  let body: Body | null = hop.body;
  // A body at hand is kept for the case that a redirect wants it again.
  if (body !== null && mayRedirect && body.replayable) body = body.replay();
  const wire = {
    method: hop.method,
    url: wireUrl(hop.url),
    headers: framedHeaders(hop.headers, body),
    body: body?.toWire() ?? null,
    cf,
    webSocket: upgrade?.cap ?? null,
  };
  if (signal === undefined) return target.send(wire, undefined);
  return new Promise<WireResponse>((resolve, reject) => {
    const forget = onAbort(signal, () => {
      reject(abortReason(signal));
    });
    promiseThen(
      target.send(wire, signal),
      (response) => {
        forget();
        if (isAborted(signal)) dropBody(response);
        resolve(response);
      },
      (error: unknown) => {
        forget();
        reject(error as Error);
      },
    );
  });
}

function headerOf(wire: WireResponse, name: string): string | null {
  for (const [key, value] of wire.headers) if (key.toLowerCase() === name) return value;
  return null;
}

function dropBody(wire: WireResponse): void {
  const { body } = wire;
  if (body !== null && "source" in body) hooks().bodies.dropSource(body.source);
}
