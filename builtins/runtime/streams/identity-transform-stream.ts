// IdentityTransformStream and FixedLengthStream: bytes go through unchanged, one write at a time, and a write
// settles when its bytes have been read.

import { bytesOf, copyBytes, isBufferSource } from "../support/intrinsics.ts";
import { setInspector } from "../support/inspectors.ts";
import { requireIo } from "../support/platform-hooks.ts";
import { defineInterface, requireArguments } from "../support/webidl.ts";
import { setKnownLength } from "./stream-access.ts";
import {
  ReadableStream,
  WritableStream,
  type ReadableByteStreamController,
  type WritableStreamDefaultController,
} from "./streams.ts";

interface Pipe {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<unknown>;
}

/** A promise that somebody else settles, made anew for each wait. */
class Turn {
  #resolve: (() => void) | null = null;
  #come = false;

  come(): void {
    this.#come = true;
    this.#resolve?.();
    this.#resolve = null;
  }

  async wait(): Promise<void> {
    if (!this.#come) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#come = false;
  }
}

/** `expectedBytes` negative: any number of bytes. */
function createPipe(expectedBytes: number): Pipe {
  // pull() is called when a reader waits and nothing is queued: the one moment at which a write may proceed.
  const demand = new Turn();
  let seenBytes = 0;
  let reading!: ReadableByteStreamController;
  let writing!: WritableStreamDefaultController;
  let ended = false;

  const readable = new ReadableStream<Uint8Array>(
    {
      type: "bytes",
      start(controller) {
        reading = controller;
      },
      pull() {
        demand.come();
      },
      cancel(reason: unknown) {
        ended = true;
        writing.error(reason);
        demand.come();
      },
    },
    { highWaterMark: 0 },
  );

  const writable = new WritableStream<unknown>(
    {
      start(controller) {
        writing = controller;
      },
      async write(chunk) {
        if (!isBufferSource(chunk)) {
          const error = new TypeError(
            "This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.",
          );
          reading.error(error);
          throw error;
        }
        const size = bytesOf(chunk).byteLength;
        if (size === 0) return;
        seenBytes += size;
        if (expectedBytes >= 0 && seenBytes > expectedBytes) {
          const error = new TypeError("Attempt to write too many bytes through a FixedLengthStream.");
          reading.error(error);
          throw error;
        }
        const bytes = copyBytes(chunk);
        await demand.wait();
        if (!ended) reading.enqueue(bytes);
      },
      close() {
        if (expectedBytes >= 0 && seenBytes < expectedBytes) {
          const error = new TypeError("FixedLengthStream did not see all expected bytes before close().");
          reading.error(error);
          throw error;
        }
        reading.close();
        reading.byobRequest?.respond(0);
      },
      abort(reason: unknown) {
        ended = true;
        reading.error(reason);
        demand.come();
      },
    },
    { highWaterMark: 1 },
  );
  if (expectedBytes >= 0) setKnownLength(readable, expectedBytes);
  return { readable, writable };
}

export class IdentityTransformStream {
  readonly #pipe: Pipe;

  constructor() {
    requireIo("new IdentityTransformStream()");
    this.#pipe = createPipe(-1);
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#pipe.readable;
  }
  get writable(): WritableStream<unknown> {
    return this.#pipe.writable;
  }
}

export class FixedLengthStream {
  readonly #pipe: Pipe;

  constructor(expectedLength: unknown) {
    requireArguments(arguments.length, 1, "FixedLengthStream.constructor");
    requireIo("new FixedLengthStream()");
    const expected = Number(expectedLength);
    if (!(expected >= 0 && expected <= Number.MAX_SAFE_INTEGER)) {
      throw new TypeError("FixedLengthStream requires an integer expected length less than 2^53.");
    }
    this.#pipe = createPipe(Math.floor(expected));
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#pipe.readable;
  }
  get writable(): WritableStream<unknown> {
    return this.#pipe.writable;
  }
}
// On the platform a FixedLengthStream is an IdentityTransformStream.
Object.setPrototypeOf(FixedLengthStream.prototype, IdentityTransformStream.prototype);
Object.setPrototypeOf(FixedLengthStream, IdentityTransformStream);

defineInterface(IdentityTransformStream, "IdentityTransformStream");
defineInterface(FixedLengthStream, "FixedLengthStream");
setInspector(IdentityTransformStream, "IdentityTransformStream", (stream) => ({
  fields: { readable: stream.readable, writable: stream.writable },
}));
