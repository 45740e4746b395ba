// fetch() of data: URLs.

import { ops } from "../../internal/ops.ts";
import { latin1Of } from "../support/intrinsics.ts";
import { percentDecode } from "../url/form-urlencoded.ts";
import { Body } from "./body.ts";
import { HeaderList } from "./header-list.ts";
import { parseMimeType } from "./mime-type.ts";
import { createResponse, emptyState, type Response } from "./response.ts";
import { withoutFragment } from "./wire.ts";

const DEFAULT_TYPE = "text/plain;charset=US-ASCII";

/** Null if the URL is malformed. Only GET gets to see the content. */
export function fetchDataUrl(url: string, method: string): Response | null {
  const content = withoutFragment(url).slice("data:".length);
  const comma = content.indexOf(",");
  if (comma < 0) return null;
  let type = content.slice(0, comma).trim();
  let bytes = percentDecode(ops.utf8Encode(content.slice(comma + 1)));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    type = type.slice(0, base64.index).trimEnd();
    bytes = ops.base64Decode(latin1Of(bytes)) ?? new Uint8Array(0);
  }
  if (type.startsWith(";")) type = `text/plain${type}`;
  const headers = new HeaderList();
  headers.set("Content-Type", parseMimeType(type) === null ? DEFAULT_TYPE : type);
  const body = Body.ofBytes(method === "GET" ? bytes : new Uint8Array(0));
  return createResponse({ ...emptyState(), statusText: "OK", headers, body });
}
