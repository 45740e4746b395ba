// TextEncoderStream and TextDecoderStream.

import { ops } from "../../internal/ops.ts";
import { TransformStream, type ReadableStream, type WritableStream } from "../streams/streams.ts";
import { charCodeAt, isBufferSource } from "../support/intrinsics.ts";
import { defineInterface, toDOMString } from "../support/webidl.ts";
import { TextDecoder } from "./text-decoder.ts";

export class TextEncoderStream {
  readonly #transform: TransformStream<unknown, Uint8Array>;
  // A high surrogate at the end of a chunk, whose other half may come with the next.
  #held = "";

  constructor() {
    this.#transform = new TransformStream<unknown, Uint8Array>({
      transform: (chunk, controller) => {
        let text = this.#held + toDOMString(chunk);
        this.#held = "";
        const last = text === "" ? 0 : charCodeAt(text, text.length - 1);
        if (last >= 0xd800 && last <= 0xdbff) {
          this.#held = text.slice(-1);
          text = text.slice(0, -1);
        }
        if (text !== "") controller.enqueue(ops.utf8Encode(text));
      },
      flush: (controller) => {
        if (this.#held !== "") controller.enqueue(ops.utf8Encode("\ufffd"));
      },
    });
  }

  get encoding(): string {
    void this.#transform;
    return "utf-8";
  }
  get readable(): ReadableStream<Uint8Array> {
    return this.#transform.readable;
  }
  get writable(): WritableStream<unknown> {
    return this.#transform.writable;
  }
}

export class TextDecoderStream {
  readonly #decoder: TextDecoder;
  readonly #transform: TransformStream<unknown, string>;

  constructor(label: unknown = "utf-8", options?: unknown) {
    const decoder = new TextDecoder(label, options);
    this.#decoder = decoder;
    this.#transform = new TransformStream<unknown, string>({
      transform(chunk, controller) {
        if (!isBufferSource(chunk))
          throw new TypeError("TextDecoderStream: a chunk is neither an ArrayBuffer nor a view.");
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
  }

  get encoding(): string {
    return this.#decoder.encoding;
  }
  get fatal(): boolean {
    return this.#decoder.fatal;
  }
  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM;
  }
  get readable(): ReadableStream<string> {
    return this.#transform.readable;
  }
  get writable(): WritableStream<unknown> {
    return this.#transform.writable;
  }
}

defineInterface(TextEncoderStream, "TextEncoderStream");
defineInterface(TextDecoderStream, "TextDecoderStream");
