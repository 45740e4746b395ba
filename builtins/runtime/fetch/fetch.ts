// fetch(): one front end for the global function and for every Fetcher.

import { onAbort } from "../events/abort-hook.ts";
import { abortReason, isAborted, type AbortSignal } from "../events/abort.ts";
import { ops, type WireResponse } from "../../internal/ops.ts";
import { promiseThen } from "../support/intrinsics.ts";
import { hooks, requireIo } from "../support/platform-hooks.ts";
import { Upgrade } from "../websocket/upgrade.ts";
import type { Body } from "./body.ts";
import { fetchDataUrl } from "./data-url.ts";
import type { FetchTarget } from "./fetch-target.ts";
import { isRedirect, nextHop, type Hop } from "./redirect.ts";
import { Request, requestState, throwIfAborted, type RequestState } from "./request.ts";
import { responseFromWire, withoutFragment } from "./wire.ts";
import { responseState, type Response } from "./response.ts";

const MAX_REDIRECTS = 20;

/** The global function. */
export async function fetch(input: unknown, init?: unknown): Promise<Response> {
  return fetchThrough(() => hooks().outbound(), input, init);
}

/** Sends a request through `target`, which is asked for only if something has to be sent. */
export async function fetchThrough(target: () => FetchTarget, input: unknown, init?: unknown): Promise<Response> {
  requireIo("fetch()");
  const state = requestState(new Request(input, init));
  throwIfAborted(state);
  switch (schemeOf(state.url)) {
    case "http":
    case "https":
      return followRedirects(target(), state);
    case "data": {
      const response = fetchDataUrl(state.url);
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
  let hop: Hop = { method: state.method, url: state.url, headers: state.headers, body: state.body };
  for (let redirects = 0; ; redirects++) {
    const upgrade = Upgrade.askedBy(hop.headers);
    const wire = await sendHop(target, hop, state.redirect === "follow", signal, upgrade);
    const location = state.redirect === "follow" && isRedirect(wire.status) ? headerOf(wire, "location") : null;
    if (location === null) {
      const response = responseFromWire(wire, hop.url, redirects > 0, upgrade?.answered(wire));
      if (signal !== undefined) responseState(response).body?.tieTo(signal);
      return response;
    }
    dropBody(wire);
    upgrade?.withdraw();
    if (redirects === MAX_REDIRECTS)
      throw new TypeError(`Too many redirects. Gave up after ${MAX_REDIRECTS}, at ${withoutFragment(hop.url)}`);
    hop = nextHop(hop, wire.status, location);
  }
}

async function sendHop(
  target: FetchTarget,
  hop: Hop,
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
    url: withoutFragment(hop.url),
    headers: hop.headers.toPairs(),
    body: body?.toWire() ?? null,
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
  if (body !== null && "source" in body) ops.capDrop(body.source);
}
