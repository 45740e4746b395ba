// An outgoing request that asks for a WebSocket, and what becomes of it; and the answer to such a request.

import { ops, type Cap, type WireResponse } from "../../internal/ops.ts";
import type { HeaderList } from "../fetch/header-list.ts";
import { hooks } from "../support/platform-hooks.ts";
import { MessageLink } from "./message-link.ts";
import { MessageQueue } from "./message-queue.ts";
import { createWebSocket, giveAwayWebSocket, type WebSocket } from "./web-socket.ts";

/** The offer that goes with a request. */
export class Upgrade {
  readonly #incoming = new MessageQueue();
  readonly #outgoing = new MessageQueue();
  readonly #link = new MessageLink(this.#incoming, this.#outgoing, hooks().invocation?.(), false);

  /** Null if the request does not ask. */
  static askedBy(headers: HeaderList): Upgrade | null {
    return headers.get("upgrade")?.toLowerCase() === "websocket" ? new Upgrade() : null;
  }

  /** Takes the server's messages. */
  get cap(): Cap {
    return this.#link.cap;
  }

  /** The socket of an answer; null if the answer is an ordinary one. */
  answered(wire: WireResponse): WebSocket | null {
    if (wire.webSocket == null) {
      this.withdraw();
      return null;
    }
    this.#link.connect(wire.webSocket, wire.maxMessageBytes);
    return createWebSocket({ incoming: this.#incoming, outgoing: this.#outgoing });
  }

  withdraw(): void {
    this.#link.end();
  }
}

/**
 * Connects the socket of a response to the client that asked, whose messages the answered capability takes. Throws
 * TypeError if `client` is null (nobody asked) or the socket is in use. Keeps the invocation open.
 */
export function connectToClient(socket: WebSocket, client: Cap | null | undefined): Cap {
  if (client == null) {
    throw new TypeError(
      'Worker tried to return a WebSocket in a response to a request which did not contain the header "Upgrade: websocket".',
    );
  }
  const { incoming, outgoing } = giveAwayWebSocket(socket);
  // What the program's own end sends goes to the client, and the reverse.
  const link = new MessageLink(outgoing, incoming, hooks().invocation?.(), true);
  link.connect(client);
  return link.cap;
}

/** For a request that is answered without a socket. */
export function declineUpgrade(client: Cap | null | undefined): void {
  if (client != null) ops.capDrop(client);
}
