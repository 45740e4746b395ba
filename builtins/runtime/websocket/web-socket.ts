// WebSocket: one end of a connection, made by a WebSocketPair, by an answered upgrade, or by dialling a URL.
//
// Its events belong to the invocation that accepted it, which stays open until both sides have closed.

import { ops, type WireRequest } from "../../internal/ops.ts";
import { createBlob } from "../blob/blob.ts";
import { DOMException } from "../errors/dom-exception.ts";
import { structuredClone } from "../errors/structured-clone.ts";
import { CloseEvent, ErrorEvent, MessageEvent } from "../events/event-kinds.ts";
import { dispatch, EventTarget } from "../events/event-target.ts";
import { Event, trusted } from "../events/event.ts";
import { setInspector } from "../support/inspectors.ts";
import { copyBytes, isBufferSource } from "../support/intrinsics.ts";
import { hooks, requireIo, type IoContext } from "../support/platform-hooks.ts";
import {
  defineConstants,
  defineInterface,
  INTERNAL,
  isObject,
  requireArguments,
  toDictionary,
  toDOMString,
  toUSVString,
} from "../support/webidl.ts";
import { MessageLink } from "./message-link.ts";
import { ABNORMAL, MAX_MESSAGE_BYTES, MessageQueue, NO_CODE, sizeOf, type Frame } from "./message-queue.ts";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const MAX_REASON_BYTES = 123;
const MAX_ATTACHMENT_BYTES = 16 * 1024;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const NOT_ACCEPTED =
  "You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.";

/** The two directions as one end sees them. */
export interface Ends {
  readonly incoming: MessageQueue;
  readonly outgoing: MessageQueue;
}

let brand: (value: object) => value is WebSocket;
let giveAway: (socket: WebSocket) => Ends;

export class WebSocket extends EventTarget {
  #incoming: MessageQueue;
  #outgoing: MessageQueue;
  #phase: "idle" | "connecting" | "accepted" | "given" = "idle";
  #closeSent = false;
  #closeReceived = false;
  #failed = false;
  #halfOpen = false;
  readonly #dialled: boolean;
  readonly #url: string | null;
  #protocol: string;
  #binaryType: "blob" | "arraybuffer" = "blob";
  #attachment: unknown = null;
  #io: IoContext | undefined;
  readonly #requireOwner = hooks().belonging?.("WebSocket") ?? (() => {});
  #giveUp = () => {};
  #over = () => {};
  #release = () => {};
  #disown = () => {};

  constructor(url: unknown, protocols?: unknown) {
    super();
    if (url === INTERNAL) {
      const { ends, protocol } = protocols as { ends: Ends; protocol: string };
      this.#incoming = ends.incoming;
      this.#outgoing = ends.outgoing;
      this.#dialled = false;
      this.#url = null;
      this.#protocol = protocol;
      return;
    }
    if (arguments.length === 0)
      throw new TypeError("Failed to construct 'WebSocket': constructor parameter 1 is not of type 'string'.");
    const { href, offered } = readTarget(url, protocols);
    requireIo("new WebSocket()");
    this.#incoming = new MessageQueue();
    this.#outgoing = new MessageQueue();
    this.#dialled = true;
    this.#url = href;
    this.#protocol = "";
    this.#dial(href, offered);
  }

  static {
    brand = (value): value is WebSocket => #closeSent in value;
    giveAway = (socket) => {
      if (socket.#dialled || socket.#phase === "accepted")
        throw new TypeError("Can't return WebSocket in a Response after calling accept().");
      if (socket.#phase === "given")
        throw new TypeError("Can't return WebSocket that was already used in a response.");
      socket.#phase = "given";
      return { incoming: socket.#incoming, outgoing: socket.#outgoing };
    };
  }

  get readyState(): number {
    if (this.#phase === "connecting") return CONNECTING;
    if (this.#failed || (this.#closeSent && this.#closeReceived)) return CLOSED;
    return this.#closeSent || this.#closeReceived ? CLOSING : OPEN;
  }

  get bufferedAmount(): number {
    return this.#outgoing.waitingBytes;
  }

  get url(): string | null {
    return this.#url;
  }

  get protocol(): string {
    return this.#protocol;
  }

  get extensions(): string {
    void this.#closeSent;
    return "";
  }

  get binaryType(): string {
    return this.#binaryType;
  }
  set binaryType(value: unknown) {
    const type = toDOMString(value);
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  /** Begins to deliver messages, to the invocation that calls this. */
  accept(options?: unknown): void {
    this.#requireOwner();
    const { allowHalfOpen } = toDictionary(options, "AcceptOptions");
    if (this.#dialled)
      throw new TypeError("Websockets obtained from the 'new WebSocket()' constructor cannot call accept");
    if (this.#phase === "given") throw new TypeError("Can't accept() WebSocket that was already used in a response.");
    if (this.#phase === "accepted") return;
    this.#halfOpen = Boolean(allowHalfOpen);
    this.#phase = "accepted";
    this.#join();
    this.#receive();
  }

  send(message: unknown): void {
    this.#requireOwner();
    if (arguments.length === 0) {
      throw new TypeError(
        "Failed to execute 'send' on 'WebSocket': parameter 1 is not of type 'ArrayBuffer or ArrayBufferView or string'.",
      );
    }
    if (this.#phase !== "accepted") throw new TypeError(NOT_ACCEPTED);
    if (this.#closeSent) throw new TypeError("Can't call WebSocket send() after close().");
    const data = isBufferSource(message) ? copyBytes(message) : toUSVString(message);
    const frame: Frame = { kind: "message", data };
    const size = sizeOf(frame);
    if (size > MAX_MESSAGE_BYTES) {
      throw new RangeError(`A WebSocket message may have at most ${MAX_MESSAGE_BYTES} bytes; this one has ${size}.`);
    }
    this.#push(frame);
  }

  close(code?: unknown, reason?: unknown): void {
    this.#requireOwner();
    const text = reason === undefined ? "" : toUSVString(reason);
    const number = code === undefined ? NO_CODE : toCloseCode(code);
    if (code === undefined && reason !== undefined)
      throw invalidAccess("If you specify a WebSocket close reason, you must also specify a code.");
    if (ops.utf8Encode(text).byteLength > MAX_REASON_BYTES) {
      throw new DOMException(
        `WebSocket close reason must not be longer than ${MAX_REASON_BYTES} bytes when UTF-8 encoded.`,
        "SyntaxError",
      );
    }
    if (this.#phase === "connecting") {
      this.#giveUp();
      return;
    }
    if (this.#phase !== "accepted") {
      if (this.#dialled) return;
      throw new TypeError(NOT_ACCEPTED);
    }
    if (this.#closeSent) return;
    this.#sendClose(number, text);
    this.#leaveIfOver();
  }

  /** Kept with the socket for a program that finds it again. */
  serializeAttachment(value: unknown): void {
    requireArguments(arguments.length, 1, "WebSocket.serializeAttachment");
    const copy = structuredClone(value);
    if (ops.encodedSize(ops.encode(copy, [], [])) > MAX_ATTACHMENT_BYTES) {
      throw new Error(`A WebSocket 'attachment' cannot be larger than ${MAX_ATTACHMENT_BYTES} bytes.`);
    }
    this.#attachment = copy;
  }

  deserializeAttachment(): unknown {
    return structuredClone(this.#attachment);
  }

  // Dialling ------------------------------------------------------------------------------------------

  #dial(url: string, offered: readonly string[]): void {
    // Throws here and now if this worker may not reach the network.
    const target = hooks().outbound();
    this.#phase = "connecting";
    this.#join();
    const link = new MessageLink(this.#incoming, this.#outgoing, this.#io, false);
    const request: WireRequest = {
      method: "GET",
      url: `http${url.slice(2)}`,
      headers: [["upgrade", "websocket"]],
      body: null,
      webSocket: link.cap,
      cf: "",
    };
    if (offered.length > 0) request.headers.push(["sec-websocket-protocol", offered.join(", ")]);

    let given = false;
    const fail = (error: unknown): void => {
      if (given) return;
      given = true;
      link.end();
      this.#phase = "accepted";
      this.#failed = true;
      this.#fire(errorEvent(error));
      this.#fire(closeEvent(ABNORMAL, "Failed to establish websocket connection", false));
      this.#leave();
    };
    this.#giveUp = () => void Promise.resolve().then(() => fail(networkConnectionLost()));
    target.send(request, undefined).then((response) => {
      const { webSocket, status } = response;
      if (given) {
        if (webSocket != null) ops.capDrop(webSocket);
        return;
      }
      if (status !== 101 || webSocket == null) {
        if (response.body !== null && "source" in response.body) ops.capDrop(response.body.source);
        return fail(
          new TypeError(
            "Failed to establish the WebSocket connection: expected server to reply with HTTP status code 101 " +
              `(switching protocols), but received ${status} instead.`,
          ),
        );
      }
      given = true;
      this.#phase = "accepted";
      this.#protocol = response.headers.find(([name]) => name.toLowerCase() === "sec-websocket-protocol")?.[1] ?? "";
      this.#fire(new Event("open"));
      link.connect(webSocket, response.maxMessageBytes);
      this.#receive();
    }, fail);
  }

  // Sending and receiving -------------------------------------------------------------------------------

  #push(frame: Frame): void {
    this.#outgoing.push(frame).catch(() => {});
  }

  #sendClose(code: number, reason: string): void {
    this.#closeSent = true;
    this.#push({ kind: "close", code, reason });
  }

  #receive(): void {
    this.#incoming.consume({ take: (frame) => this.#arrived(frame), gone: () => this.#gone() });
  }

  #arrived(frame: Frame): void {
    if (frame.kind === "message") {
      const { data } = frame;
      const shown =
        typeof data === "string" ? data : this.#binaryType === "blob" ? createBlob(data, "") : data.buffer;
      this.#fire(new MessageEvent("message", { data: shown }));
      return;
    }
    this.#closeReceived = true;
    if (!this.#closeSent && !this.#halfOpen) this.#sendClose(frame.code, frame.reason);
    this.#fire(closeEvent(frame.code, frame.reason, true));
    this.#leaveIfOver();
  }

  #gone(): void {
    if (this.#failed || this.#closeReceived) return;
    this.#failed = true;
    this.#outgoing.refuse();
    this.#fire(closeEvent(ABNORMAL, "WebSocket disconnected without sending Close frame.", false));
    this.#fire(errorEvent(networkConnectionLost()));
    this.#leave();
  }

  #fire(event: Event): void {
    const io = this.#io;
    trusted(event);
    const deliver = (): unknown => dispatch(this, event, this, (error) => this.#broken(error));
    if (io === undefined) deliver();
    else if (!io.ended) io.run(deliver);
  }

  // A listener threw: the program has lost track of this conversation, and the other side shall know.
  #broken(error: unknown): void {
    hooks().reportException(error);
    if (this.#closeSent && this.#closeReceived) return;
    this.#failed = true;
    this.#outgoing.abort();
    this.#incoming.refuse();
    this.#leave();
  }

  // The invocation ---------------------------------------------------------------------------------------

  #join(): void {
    const io = hooks().invocation?.();
    if (io === undefined) return;
    this.#io = io;
    // Two ends of one invocation that wait for each other do not keep it.
    void io.oweInBackground(new Promise<void>((over) => (this.#over = over))).catch(() => {});
    this.#release = io.hold();
    this.#disown = io.own(() => {
      this.#failed = true;
      this.#outgoing.abort();
      this.#incoming.refuse();
    });
  }

  #leaveIfOver(): void {
    if (this.#closeSent && this.#closeReceived) this.#leave();
  }

  #leave(): void {
    this.#disown();
    this.#over();
    this.#release();
  }
}

function toCloseCode(value: unknown): number {
  const code = Math.trunc(Number(value)) & 0xffff;
  const reserved = code === 1004 || code === NO_CODE || code === ABNORMAL || code === 1015;
  if (code < 1000 || code > 4999 || reserved) throw invalidAccess(`Invalid WebSocket close code: ${code}.`);
  return code;
}

function invalidAccess(message: string): DOMException {
  return new DOMException(message, "InvalidAccessError");
}

function badTarget(problem: string): DOMException {
  return new DOMException(`WebSocket Constructor: ${problem}`, "SyntaxError");
}

function readTarget(url: unknown, protocols: unknown): { href: string; offered: readonly string[] } {
  const parts = ops.parseUrl(toUSVString(url), undefined);
  if (parts === null) throw badTarget("The url is invalid.");
  if (parts.protocol !== "ws:" && parts.protocol !== "wss:") throw badTarget("The url scheme must be ws or wss.");
  if (parts.href.includes("#")) throw badTarget("The url fragment must be empty.");
  const offered: string[] = [];
  if (protocols !== undefined) {
    const list = isObject(protocols) ? [...(protocols as Iterable<unknown>)] : [protocols];
    for (const entry of list) {
      const token = toDOMString(entry);
      if (!TOKEN.test(token)) throw badTarget("The protocol header token is invalid.");
      if (offered.includes(token)) throw badTarget("The protocols header cannot have repeating values.");
      offered.push(token);
    }
  }
  return { href: parts.href, offered };
}

function networkConnectionLost(): Error {
  return new Error("Network connection lost.");
}

function errorEvent(error: unknown): ErrorEvent {
  return new ErrorEvent("error", { error, message: `Uncaught ${String(error)}` });
}

function closeEvent(code: number, reason: string, wasClean: boolean): CloseEvent {
  return new CloseEvent("close", { code, reason, wasClean });
}

export function isWebSocket(value: unknown): value is WebSocket {
  return isObject(value) && brand(value);
}

export function createWebSocket(ends: Ends, protocol = ""): WebSocket {
  return new WebSocket(INTERNAL, { ends, protocol });
}

/** The ends of a socket that leaves in a response. It cannot be used here any more. Throws TypeError if it is in use. */
export function giveAwayWebSocket(socket: WebSocket): Ends {
  return giveAway(socket);
}

defineInterface(WebSocket, "WebSocket");
defineConstants(WebSocket, {
  READY_STATE_CONNECTING: CONNECTING,
  CONNECTING,
  READY_STATE_OPEN: OPEN,
  OPEN,
  READY_STATE_CLOSING: CLOSING,
  CLOSING,
  READY_STATE_CLOSED: CLOSED,
  CLOSED,
});
setInspector(WebSocket, "WebSocket", (socket) => ({
  fields: { readyState: socket.readyState, url: socket.url, protocol: socket.protocol },
}));
