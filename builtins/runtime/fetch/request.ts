// Request.

import { abortReason, createSignal, isAbortSignal, type AbortSignal } from "../events/abort.ts";
import { setInspector } from "../support/inspectors.ts";
import { jsonParse, jsonStringify } from "../support/intrinsics.ts";
import { requireIo } from "../support/platform-hooks.ts";
import {
  defineInterface,
  INTERNAL,
  isObject,
  toDictionary,
  toDOMString,
  toUSVString,
  wrongType,
} from "../support/webidl.ts";
import { ops } from "../../internal/ops.ts";
import { hrefOf, invalidUrl, isURL } from "../url/url.ts";
import { addBodyMembers, type BodyMembers } from "./body-mixin.ts";
import { Body, extractBody } from "./body.ts";
import type { HeaderList } from "./header-list.ts";
import { Headers, headerListOf, headersFromList } from "./headers.ts";

export type RedirectMode = "follow" | "manual";

export interface RequestState {
  method: string;
  url: string;
  headers: HeaderList;
  body: Body | null;
  redirect: RedirectMode;
  signal: AbortSignal | null;
  cache: string | undefined;
  /** A copy in terms of JSON; undefined for none. */
  cf: unknown;
  /** True if the body of the response is to be seen as it came, in its Content-Encoding. */
  rawResponse: boolean;
  immutableHeaders: boolean;
}

let stateOf: (request: Request) => RequestState;
let brand: (value: object) => value is Request;

export interface Request extends BodyMembers {}
export class Request {
  readonly #state: RequestState;
  #headers: Headers | null = null;

  constructor(input: unknown = undefined, init: unknown = undefined) {
    if (input === INTERNAL) {
      this.#state = init as RequestState;
      return;
    }
    if (arguments.length === 0) {
      throw new TypeError("Failed to construct 'Request': constructor parameter 1 is not of type 'Request or string'.");
    }
    this.#state = buildState(input, toInit(init));
  }

  static {
    stateOf = (request) => request.#state;
    brand = (value): value is Request => #state in value;
  }

  get method(): string {
    return this.#state.method;
  }
  get url(): string {
    return this.#state.url;
  }
  get headers(): Headers {
    return (this.#headers ??= headersFromList(this.#state.headers, this.#state.immutableHeaders));
  }
  get redirect(): string {
    return this.#state.redirect;
  }
  get signal(): AbortSignal {
    return (this.#state.signal ??= createSignal());
  }
  get cf(): unknown {
    return this.#state.cf;
  }
  get cache(): string | undefined {
    return this.#state.cache;
  }
  /** Where the platform would send it by itself; there is no such place here. */
  get fetcher(): null {
    void this.#state;
    return null;
  }
  get integrity(): string {
    void this.#state;
    return "";
  }
  get keepalive(): boolean {
    void this.#state;
    return false;
  }

  clone(): Request {
    const { headers, body, cf, ...rest } = this.#state;
    return createRequest({ ...rest, headers: headers.clone(), body: body?.clone() ?? null, cf: copyOfCf(cf) });
  }
}

// What Mayfly's HTTP knows; CONNECT is no request.
const METHODS: ReadonlySet<string> = new Set(
  (
    "GET HEAD POST PUT DELETE PATCH PURGE OPTIONS TRACE COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK ACL " +
    "REPORT MKACTIVITY CHECKOUT MERGE MSEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE"
  ).split(" "),
);
const CACHE_MODES: ReadonlySet<string> = new Set(["no-store", "no-cache"]);

function buildState(input: unknown, init: Record<string, unknown>): RequestState {
  const source = isRequest(input) ? stateOf(input) : null;
  const url = source !== null ? source.url : absoluteUrl(isURL(input) ? hrefOf(input) : toUSVString(input));
  const method = init["method"] === undefined ? (source?.method ?? "GET") : checkMethod(init["method"]);
  const redirect = init["redirect"] === undefined ? (source?.redirect ?? "follow") : checkRedirect(init["redirect"]);
  const cache = init["cache"] === undefined ? source?.cache : checkCache(init["cache"]);
  const { integrity, signal, headers: headersInit, body: bodyInit, cf, encodeResponseBody } = init;
  if (cf !== undefined && !isObject(cf)) throw wrongType("cf", "RequestInitializerDict", "Object");
  if (encodeResponseBody !== undefined && encodeResponseBody !== "automatic" && encodeResponseBody !== "manual") {
    throw new TypeError(`encodeResponseBody: unexpected value: ${toDOMString(encodeResponseBody)}`);
  }
  if (integrity !== undefined && toDOMString(integrity) !== "") {
    throw new TypeError(
      "Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.",
    );
  }
  if (signal !== undefined && signal !== null && !isAbortSignal(signal)) {
    throw wrongType("signal", "RequestInitializerDict", "AbortSignal");
  }
  const headers =
    headersInit !== undefined
      ? headerListOf(isObject(headersInit) ? new Headers(headersInit) : refuseHeaders())
      : source !== null
        ? source.headers.clone()
        : headerListOf(new Headers());

  let body: Body | null = null;
  if (bodyInit !== undefined && bodyInit !== null) {
    requireIo("a Request with a body");
    if (method === "GET" || method === "HEAD")
      throw new TypeError("Request with a GET or HEAD method cannot have a body.");
    const extracted = extractBody(bodyInit);
    body = extracted.body;
    if (extracted.contentType !== null && !headers.has("content-type"))
      headers.set("Content-Type", extracted.contentType);
  } else if (bodyInit === undefined && source !== null && source.body !== null) {
    if (source.body.used) throw new TypeError("Cannot reconstruct a Request with a used body.");
    if (method === "GET" || method === "HEAD")
      throw new TypeError("Request with a GET or HEAD method cannot have a body.");
    body = source.body.move();
  }
  return {
    method,
    url,
    headers,
    body,
    redirect,
    signal: signal === undefined ? (source?.signal ?? null) : (signal as AbortSignal | null),
    cache,
    cf: copyOfCf(cf === undefined ? source?.cf : cf),
    rawResponse: encodeResponseBody === "manual",
    immutableHeaders: false,
  };
}

function toInit(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null || isObject(value)) return toDictionary(value, "Request init");
  throw new TypeError(
    "Failed to construct 'Request': constructor parameter 2 is not of type 'RequestInitializerDict or Request'.",
  );
}

function refuseHeaders(): never {
  throw wrongType("headers", "RequestInitializerDict", "Headers or Sequence or object");
}

function copyOfCf(cf: unknown): unknown {
  return cf === undefined ? undefined : jsonParse(jsonStringify(cf) as string);
}

function absoluteUrl(input: string): string {
  const parts = ops.parseUrl(input, undefined);
  if (parts === null) throw invalidUrl(input);
  return parts.href;
}

function checkMethod(value: unknown): string {
  const text = toDOMString(value);
  const method = text.toUpperCase();
  if (!METHODS.has(method)) throw new TypeError(`Invalid HTTP method string: ${text}`);
  return method;
}

function checkRedirect(value: unknown): RedirectMode {
  const mode = toDOMString(value);
  if (mode !== "follow" && mode !== "manual") {
    throw new TypeError(
      'Invalid redirect value, must be one of "follow" or "manual" ("error" does not exist here; use "manual" and look at the status code).',
    );
  }
  return mode;
}

function checkCache(value: unknown): string {
  const mode = toDOMString(value);
  if (!CACHE_MODES.has(mode)) throw new TypeError(`Unsupported cache mode: ${mode}`);
  return mode;
}

export function isRequest(value: unknown): value is Request {
  return isObject(value) && brand(value);
}

export function requestState(request: Request): RequestState {
  return stateOf(request);
}

export function createRequest(state: RequestState): Request {
  return new Request(INTERNAL, state);
}

/** Throws the signal's reason if the request has been aborted. */
export function throwIfAborted(state: RequestState): void {
  if (state.signal?.aborted) throw abortReason(state.signal);
}

addBodyMembers(Request.prototype, (request) => stateOf(request));
defineInterface(Request, "Request");
setInspector(Request, "Request", (request) => {
  const { method, url, redirect, body } = stateOf(request);
  return { fields: { method, url, headers: request.headers, redirect, bodyUsed: body?.used ?? false } };
});
