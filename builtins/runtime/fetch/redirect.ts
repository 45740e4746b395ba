// Following one redirect, as the platform does: mostly the Fetch standard, but headers stay, even those of a body
// that is left behind.

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

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The request that follows `hop`. Throws TypeError for a redirect that cannot be followed. */
export function nextHop(hop: Hop, status: number, location: string): Hop {
  const target = ops.parseUrl(location, hop.url);
  if (target === null || (target.protocol !== "http:" && target.protocol !== "https:")) {
    throw new TypeError(`Invalid Location header; unable to follow redirect. (${location})`);
  }
  const current = ops.parseUrl(hop.url, undefined)!;
  // A fragment stays unless the redirect brings its own.
  const url = target.hash === "" && current.hash !== "" ? target.href + current.hash : target.href;
  const headers = hop.headers.clone();
  let { method, body } = hop;
  if ((status === 303 && method !== "GET" && method !== "HEAD") || (status <= 302 && method === "POST")) {
    method = "GET";
    body = null;
  }
  if (body !== null && !body.replayable) {
    throw new TypeError(
      'A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect requiring the body to be retransmitted. Use a buffer as body, or redirect: "manual".',
    );
  }
  // Meant for the first host only. Cookies stay: they are the program's own here, no browser's.
  if (target.origin !== current.origin) headers.delete("authorization");
  return { method, url, headers, body };
}
