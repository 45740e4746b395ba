// Request.

import { abortReason, createSignal, isAbortSignal, type AbortSignal } from "../events/abort.ts";
import { setInspector } from "../support/inspectors.ts";
import { requireIo } from "../support/platform-hooks.ts";
import {
  defineInterface,
  INTERNAL,
  isObject,
  requireArguments,
  toByteString,
  toDictionary,
  toDOMString,
  toUSVString,
} from "../support/webidl.ts";
import { ops } from "../../internal/ops.ts";
import { hrefOf, invalidUrl, isURL } from "../url/url.ts";
import { addBodyMembers, type BodyMembers } from "./body-mixin.ts";
import { Body, extractBody } from "./body.ts";
import type { HeaderList } from "./header-list.ts";
import { Headers, headerListOf, headersFromList, isHeaders } from "./headers.ts";

export type RedirectMode = "follow" | "manual";

export interface RequestState {
  method: string;
  url: string;
  headers: HeaderList;
  body: Body | null;
  redirect: RedirectMode;
  signal: AbortSignal | null;
  cache: string | undefined;
  cf: unknown;
}

let stateOf: (request: Request) => RequestState;
let brand: (value: object) => value is Request;

export interface Request extends BodyMembers {}
export class Request {
  readonly #state: RequestState;
  #headers: Headers | null = null;

  constructor(input: unknown, init?: unknown) {
    if (input === INTERNAL) {
      this.#state = init as RequestState;
      return;
    }
    requireArguments(arguments.length, 1, "Request.constructor");
    this.#state = buildState(input, toDictionary(init, "Request init"));
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
    return (this.#headers ??= headersFromList(this.#state.headers));
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
  get integrity(): string {
    void this.#state;
    return "";
  }
  get keepalive(): boolean {
    void this.#state;
    return false;
  }

  clone(): Request {
    const { headers, body, ...rest } = this.#state;
    return createRequest({ ...rest, headers: headers.clone(), body: body?.clone() ?? null });
  }
}

const METHODS_TO_UPPERCASE: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);
const CACHE_MODES: ReadonlySet<string> = new Set(["no-store", "no-cache"]);

function buildState(input: unknown, init: Record<string, unknown>): RequestState {
  const source = isRequest(input) ? stateOf(input) : null;
  const url = source !== null ? source.url : absoluteUrl(isURL(input) ? hrefOf(input) : toUSVString(input));
  const method = init["method"] === undefined ? (source?.method ?? "GET") : checkMethod(init["method"]);
  const redirect = init["redirect"] === undefined ? (source?.redirect ?? "follow") : checkRedirect(init["redirect"]);
  const cache = init["cache"] === undefined ? source?.cache : checkCache(init["cache"]);
  const { integrity, signal, headers: headersInit, body: bodyInit } = init;
  if (integrity !== undefined && toDOMString(integrity) !== "") {
    throw new TypeError(
      "Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.",
    );
  }
  if (signal !== undefined && signal !== null && !isAbortSignal(signal)) {
    throw new TypeError("Failed to construct 'Request': option 'signal' is not an AbortSignal.");
  }
  const headers =
    headersInit !== undefined
      ? headerListOf(isHeaders(headersInit) ? new Headers(headersInit) : new Headers(headersInit ?? {}))
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
    cf: init["cf"] === undefined ? source?.cf : init["cf"],
  };
}

function absoluteUrl(input: string): string {
  const parts = ops.parseUrl(input, undefined);
  if (parts === null) throw invalidUrl(input);
  if (parts.username !== "" || parts.password !== "") {
    throw new TypeError(
      "A URL with a user name or password in it cannot be fetched; send an Authorization header instead.",
    );
  }
  return parts.href;
}

function checkMethod(value: unknown): string {
  const method = toByteString(value, "A method");
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)) throw new TypeError(`Invalid HTTP method string: ${method}`);
  const upper = method.toUpperCase();
  if (FORBIDDEN_METHODS.has(upper)) throw new TypeError(`HTTP method ${upper} is not allowed.`);
  return METHODS_TO_UPPERCASE.has(upper) ? upper : method;
}

function checkRedirect(value: unknown): RedirectMode {
  const mode = toDOMString(value);
  if (mode !== "follow" && mode !== "manual") {
    throw new TypeError(
      'Invalid redirect value, must be one of "follow" or "manual" (for "error", use "manual" and look at the status code).',
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
