// One direction of a WebSocket: messages between the one who sends them and whoever takes them, in order.

import { ops } from "../../internal/ops.ts";

/** A message, or the Close frame that ends the direction. */
export type Frame =
  | { readonly kind: "message"; readonly data: string | Uint8Array<ArrayBuffer> }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

export interface FrameConsumer {
  /** Takes one frame; the next one comes when the promise is fulfilled. A rejection means: takes no more. */
  take(frame: Frame): Promise<void> | void;
  /** The sender is gone, without a Close frame. */
  gone(): void;
}

/** The longest message, in bytes: schema/value.capnp's maxMessageBytes. */
export const MAX_MESSAGE_BYTES = 33554432;
/** What may wait for a consumer; a sender from another process that exceeds this is cut off. */
const MAX_WAITING_BYTES = 2 * MAX_MESSAGE_BYTES;

const COUNTED_FROM = 64 * 1024;

/** No Close frame carries this code: it stands for a connection that just ended. */
export const ABNORMAL = 1006;
/** Stands for a Close frame without a code. */
export const NO_CODE = 1005;

interface Waiting {
  readonly frame: Frame;
  readonly bytes: number;
  readonly taken: () => void;
  readonly refused: (error: Error) => void;
}

export class MessageQueue {
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #consumer: FrameConsumer | null = null;
  #delivering = false;
  #over: "no" | "closed" | "gone" | "refused" = "no";

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether there is room for `bytes` more from a sender we do not trust to wait. */
  hasRoom(bytes: number): boolean {
    return bytes <= MAX_MESSAGE_BYTES && this.#waitingBytes + bytes <= MAX_WAITING_BYTES;
  }

  /** Resolves when the frame has been taken; rejects when nobody takes any more. After a close there is nothing to push. */
  push(frame: Frame): Promise<void> {
    if (this.#over !== "no") return Promise.reject(new Error("The WebSocket takes no more messages."));
    if (frame.kind === "close") this.#over = "closed";
    const bytes = sizeOf(frame);
    return new Promise((taken, refused) => {
      this.#waiting.push({ frame, bytes, taken, refused });
      this.#waitingBytes += bytes;
      void this.#deliver();
    });
  }

  /** The sender goes without a Close frame. */
  abort(): void {
    if (this.#over !== "no") return;
    this.#over = "gone";
    void this.#deliver();
  }

  /** Nobody will take what is here, or comes. */
  refuse(): void {
    this.#over = "refused";
    this.#consumer = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { refused } of waiting) refused(new Error("The WebSocket takes no more messages."));
  }

  /** From now on `consumer` takes the frames, those that wait here first. One consumer at most. */
  consume(consumer: FrameConsumer): void {
    if (this.#over === "refused") return;
    this.#consumer = consumer;
    void this.#deliver();
  }

  async #deliver(): Promise<void> {
    if (this.#delivering) return;
    this.#delivering = true;
    // Never within the call that sent: a program's send() returns before anybody hears of it.
    await null;
    try {
      while (this.#consumer !== null) {
        const next = this.#waiting.shift();
        if (next === undefined) {
          if (this.#over !== "gone") return;
          const consumer = this.#consumer;
          this.#consumer = null;
          consumer.gone();
          return;
        }
        try {
          await this.#consumer.take(next.frame);
        } catch {
          next.refused(new Error("The WebSocket takes no more messages."));
          this.refuse();
          return;
        }
        this.#waitingBytes = Math.max(0, this.#waitingBytes - next.bytes);
        next.taken();
      }
    } finally {
      this.#delivering = false;
    }
  }
}

export function sizeOf(frame: Frame): number {
  if (frame.kind === "close") return frame.reason.length;
  const { data } = frame;
  if (typeof data !== "string") return data.byteLength;
  // Counting what a short text takes in UTF-8 is not worth it.
  return data.length < COUNTED_FROM ? data.length : ops.utf8Encode(data).byteLength;
}
