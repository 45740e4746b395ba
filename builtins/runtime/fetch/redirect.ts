// Following one redirect, as the Fetch standard has it.

import { ops } from "../../internal/ops.ts";
import type { Body } from "./body.ts";
import type { HeaderList } from "./header-list.ts";

export interface Hop {
  method: string;
  url: string;
  headers: HeaderList;
  /** Kept to be sent again, if it can be. */
  body: Body | null;
}

// What describes the body, and so goes with it.
const BODY_HEADERS = ["content-encoding", "content-language", "content-length", "content-location", "content-type"];
// What was meant for the first host only.
const CREDENTIAL_HEADERS = ["authorization", "proxy-authorization", "cookie", "host"];

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The request that follows `hop`. Throws TypeError for a redirect that cannot be followed. */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  const target = ops.parseUrl(location, hop.url);
  if (target === null) throw new TypeError(`Invalid Location header; unable to follow redirect: ${location}`);
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    throw new TypeError(`Fetch API cannot load: ${target.href} (a redirect must lead to http or https)`);
  }
  const current = ops.parseUrl(hop.url, undefined)!;
  // A fragment stays unless the redirect brings its own.
  const url = target.hash === "" && current.hash !== "" ? target.href + current.hash : target.href;
  const headers = hop.headers.clone();
  let { method, body } = hop;
  if ((status === 303 && method !== "GET" && method !== "HEAD") || (status <= 302 && method === "POST")) {
    method = "GET";
    body = null;
    for (const name of BODY_HEADERS) headers.delete(name);
  }
  if (body !== null && !body.replayable) {
    throw new TypeError(
      'A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect that needs the body again. Use a buffer as body, or redirect: "manual".',
    );
  }
  if (target.origin !== current.origin) for (const name of CREDENTIAL_HEADERS) headers.delete(name);
  return { method, url, headers, body };
}
