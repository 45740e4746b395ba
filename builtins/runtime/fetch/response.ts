// Response.

import { ops } from "../../internal/ops.ts";
import { setInspector } from "../support/inspectors.ts";
import { jsonParse, jsonStringify } from "../support/intrinsics.ts";
import { requireIo } from "../support/platform-hooks.ts";
import {
  defineInterface,
  INTERNAL,
  isObject,
  requireArguments,
  toDictionary,
  toDOMString,
  toUSVString,
  wrongType,
} from "../support/webidl.ts";
import { hrefOf, isURL } from "../url/url.ts";
import { isWebSocket, type WebSocket } from "../websocket/web-socket.ts";
import { addBodyMembers, type BodyMembers } from "./body-mixin.ts";
import { Body, extractBody } from "./body.ts";
import { HeaderList } from "./header-list.ts";
import { Headers, headerListOf, headersFromList } from "./headers.ts";

export interface ResponseState {
  status: number;
  statusText: string;
  headers: HeaderList;
  body: Body | null;
  url: string;
  redirected: boolean;
  type: "default" | "error";
  /** A copy in terms of JSON; undefined for none. */
  cf: unknown;
  webSocket: WebSocket | null;
  /** True if the body is already in the Content-Encoding that the headers name. */
  rawBody: boolean;
  immutableHeaders: boolean;
}

const NULL_BODY_STATUS: ReadonlySet<number> = new Set([101, 204, 205, 304]);
const REDIRECT_STATUS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

let stateOf: (response: Response) => ResponseState;
let brand: (value: object) => value is Response;

export interface Response extends BodyMembers {}
export class Response {
  readonly #state: ResponseState;
  #headers: Headers | null = null;

  constructor(body: unknown = undefined, init: unknown = undefined) {
    this.#state = body === INTERNAL ? (init as ResponseState) : buildState(body, toInit(init), null);
  }

  static {
    stateOf = (response) => response.#state;
    brand = (value): value is Response => #state in value;
  }

  static json(data: unknown, init?: unknown): Response {
    requireArguments(arguments.length, 1, "Response.json");
    const text = jsonStringify(data) as string | undefined;
    if (text === undefined)
      throw new TypeError("Failed to execute 'Response.json': the value cannot be written as JSON.");
    return createResponse(buildState(text, toInit(init), "application/json"));
  }

  static redirect(url: unknown, status: unknown = 302): Response {
    requireArguments(arguments.length, 1, "Response.redirect");
    const input = isURL(url) ? hrefOf(url) : toUSVString(url);
    const parts = ops.parseUrl(input, undefined);
    if (parts === null) throw new TypeError(`Unable to parse URL: ${input}`);
    const code = Math.trunc(Number(status));
    if (!REDIRECT_STATUS.has(code)) {
      throw new RangeError(
        `${toDOMString(status)} is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`,
      );
    }
    const headers = new HeaderList();
    headers.set("Location", parts.href);
    return createResponse({ ...emptyState(), status: code, headers, immutableHeaders: true });
  }

  static error(): Response {
    return createResponse({ ...emptyState(), status: 0, type: "error" });
  }

  get status(): number {
    return this.#state.status;
  }
  get statusText(): string {
    return this.#state.statusText;
  }
  get ok(): boolean {
    const { status } = this.#state;
    return status >= 200 && status <= 299;
  }
  get headers(): Headers {
    return (this.#headers ??= headersFromList(this.#state.headers, this.#state.immutableHeaders));
  }
  get url(): string {
    const { url } = this.#state;
    const hash = url.indexOf("#");
    return hash < 0 ? url : url.slice(0, hash);
  }
  get redirected(): boolean {
    return this.#state.redirected;
  }
  get type(): string {
    return this.#state.type;
  }
  get cf(): unknown {
    return this.#state.cf;
  }
  get webSocket(): WebSocket | null {
    return this.#state.webSocket;
  }

  clone(): Response {
    const { headers, body, ...rest } = this.#state;
    if (rest.webSocket !== null) throw new TypeError("Cannot clone a response to a WebSocket handshake.");
    return createResponse({ ...rest, headers: headers.clone(), body: body?.clone() ?? null });
  }
}

export function emptyState(): ResponseState {
  return {
    status: 200,
    statusText: "",
    headers: new HeaderList(),
    body: null,
    url: "",
    redirected: false,
    type: "default",
    cf: undefined,
    webSocket: null,
    rawBody: false,
    immutableHeaders: false,
  };
}

function buildState(bodyInit: unknown, init: Record<string, unknown>, contentType: string | null): ResponseState {
  const { status: statusInit, statusText, headers: headersInit, cf, webSocket: socketInit, encodeBody } = init;
  const webSocket = checkWebSocket(socketInit);
  const status = statusInit === undefined ? 200 : Math.trunc(Number(statusInit));
  if (webSocket !== null && status !== 101)
    throw new RangeError("Responses with a WebSocket must have status code 101.");
  if (!((status >= 200 && status <= 599) || webSocket !== null)) {
    throw new RangeError("Responses may only be constructed with status codes in the range 200 to 599, inclusive.");
  }
  if (headersInit !== undefined && !isObject(headersInit)) throw wrongType("headers", "InitializerDict", "Headers or Sequence or object");
  if (cf !== undefined && !isObject(cf)) throw wrongType("cf", "InitializerDict", "Object");
  if (encodeBody !== undefined && encodeBody !== "automatic" && encodeBody !== "manual") {
    throw new TypeError(`encodeBody: unexpected value: ${toDOMString(encodeBody)}`);
  }
  const state: ResponseState = {
    ...emptyState(),
    status,
    statusText: statusText === undefined ? "" : checkStatusText(statusText),
    headers: headersInit === undefined ? new HeaderList() : headerListOf(new Headers(headersInit)),
    cf: cf === undefined ? undefined : jsonParse(jsonStringify(cf) as string),
    webSocket,
    rawBody: encodeBody === "manual",
  };
  if (bodyInit === undefined || bodyInit === null) return state;
  requireIo("a Response with a body");
  const extracted = extractBody(bodyInit);
  if (NULL_BODY_STATUS.has(status)) {
    // An empty string is what many programs write for "no body".
    if (extracted.body.empty) return state;
    throw new TypeError("Response with null body status (101, 204, 205, or 304) cannot have a body.");
  }
  state.body = extracted.body;
  const type = contentType ?? extracted.contentType;
  if (type !== null && !state.headers.has("content-type")) state.headers.set("Content-Type", type);
  return state;
}

function toInit(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null || isObject(value)) return toDictionary(value, "Response init");
  throw new TypeError(
    "Failed to construct 'Response': constructor parameter 2 is not of type 'InitializerDict or Response'.",
  );
}

function checkWebSocket(value: unknown): WebSocket | null {
  if (value === undefined || value === null) return null;
  if (isWebSocket(value)) return value;
  throw new TypeError(
    "Incorrect type for the 'webSocket' field on 'ResponseInit': the provided value is not of type 'WebSocket'.",
  );
}

function checkStatusText(value: unknown): string {
  const text = toUSVString(value);
  if (/[\0-\x1f\x7f]/.test(text)) throw new TypeError("Invalid statusText");
  return text;
}

export function isResponse(value: unknown): value is Response {
  return isObject(value) && brand(value);
}

export function responseState(response: Response): ResponseState {
  return stateOf(response);
}

export function createResponse(state: ResponseState): Response {
  return new Response(INTERNAL, state);
}

addBodyMembers(Response.prototype, (response) => stateOf(response));
defineInterface(Response, "Response");
setInspector(Response, "Response", (response) => {
  const { status, statusText, redirected, body } = stateOf(response);
  return {
    fields: {
      status,
      statusText,
      headers: response.headers,
      ok: response.ok,
      redirected,
      url: response.url,
      bodyUsed: body?.used ?? false,
    },
  };
});
