// WebSocketPair: two ends of one connection, usually one to return in a Response and one to keep.

import { defineProperty } from "../support/intrinsics.ts";
import { requireIo } from "../support/platform-hooks.ts";
import { defineInterface } from "../support/webidl.ts";
import { MessageQueue } from "./message-queue.ts";
import { createWebSocket, type WebSocket } from "./web-socket.ts";

export class WebSocketPair {
  readonly #ends: readonly [WebSocket, WebSocket];

  constructor() {
    requireIo("new WebSocketPair()");
    const there = new MessageQueue();
    const back = new MessageQueue();
    this.#ends = [
      createWebSocket({ incoming: back, outgoing: there }),
      createWebSocket({ incoming: there, outgoing: back }),
    ];
    this.#ends.forEach((end, index) => {
      defineProperty(this, index, { value: end, enumerable: true, configurable: true, writable: true });
    });
  }

  *[Symbol.iterator](): IterableIterator<WebSocket> {
    yield* this.#ends;
  }
}

defineInterface(WebSocketPair, "WebSocketPair");
