// A WebSocket's two directions between this process and another one: messages that arrive go into one queue, what is
// in the other queue is sent.
//
// Trust  The other process is not trusted to wait for answers: what it sends while nobody takes it is bounded by the
//        queue, and exceeding that ends the connection.

import { ops, type Cap } from "../../internal/ops.ts";
import { hooks, type IoContext } from "../support/platform-hooks.ts";
import { MAX_MESSAGE_BYTES, sizeOf, type Frame, type MessageQueue } from "./message-queue.ts";

/** Sent and not answered yet, at most; then a sender waits. */
const WINDOW_BYTES = 1 << 20;
const WINDOW_MESSAGES = 64;

export class MessageLink {
  /** For the other process: takes the messages it sends here. Sending it hands it over. */
  readonly cap: Cap;
  readonly #received: MessageQueue;
  readonly #sending: MessageQueue;
  #sink: Cap | null = null;
  #closeReceived = false;
  #closeSent = false;
  #over = false;
  #unansweredBytes = 0;
  #unanswered = 0;
  #room: (() => void) | null = null;
  readonly #disown: () => void;
  readonly #release: () => void;
  readonly #asleep: () => void;
  #maxBytes = MAX_MESSAGE_BYTES;

  /**
   * @param io    the invocation that the link belongs to: it ends with it
   * @param hold  whether the link keeps that invocation open
   */
  constructor(received: MessageQueue, sending: MessageQueue, io: IoContext | undefined, hold: boolean) {
    this.#received = received;
    this.#sending = sending;
    this.#release = (hold ? io?.hold() : undefined) ?? (() => {});
    // The other process may speak at any time.
    this.#asleep = io?.mayWake() ?? (() => {});
    this.#disown = io?.own(() => this.end()) ?? (() => {});
    this.cap = ops.exportMessages({
      message: (data) => this.#arrived({ kind: "message", data }),
      close: (code, reason) => {
        this.#closeReceived = true;
        const taken = this.#arrived({ kind: "close", code, reason });
        this.#endIfClosed();
        return taken;
      },
      gone: () => this.end(),
    });
  }

  /** Begins to send, now that the other process has said where to. `maxBytes`: the longest message it takes. */
  connect(sink: Cap, maxBytes = MAX_MESSAGE_BYTES): void {
    if (this.#over) return ops.capDrop(sink);
    this.#sink = sink;
    this.#maxBytes = maxBytes;
    this.#sending.consume({ take: (frame) => this.#send(frame), gone: () => this.end() });
  }

  /** Lets go of the other process; whoever still waits for messages here learns that the connection is gone. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#disown();
    this.#received.abort();
    this.#sending.refuse();
    this.#room?.();
    if (this.#sink !== null) {
      hooks().connectionOver?.(this.#sink);
      ops.capDrop(this.#sink);
    }
    this.#asleep();
    this.#release();
  }

  async #arrived(frame: Frame): Promise<void> {
    if (this.#over || !this.#received.hasRoom(sizeOf(frame))) {
      this.end();
      throw new Error("The WebSocket is gone.");
    }
    return this.#received.push(frame);
  }

  async #send(frame: Frame): Promise<void> {
    const sink = this.#sink!;
    if (frame.kind === "close") {
      this.#closeSent = true;
      await ops.capCloseMessages(sink, frame.code, frame.reason).catch(() => this.end());
      this.#endIfClosed();
      return;
    }
    const bytes = sizeOf(frame);
    if (bytes > this.#maxBytes) return this.end();
    this.#unanswered++;
    this.#unansweredBytes += bytes;
    ops.capSendMessage(sink, frame.data).then(
      () => {
        this.#unanswered--;
        this.#unansweredBytes -= bytes;
        this.#room?.();
      },
      () => this.end(),
    );
    while (!this.#over && (this.#unansweredBytes > WINDOW_BYTES || this.#unanswered > WINDOW_MESSAGES)) {
      await new Promise<void>((room) => (this.#room = room));
    }
  }

  #endIfClosed(): void {
    if (this.#closeReceived && this.#closeSent) this.end();
  }
}
