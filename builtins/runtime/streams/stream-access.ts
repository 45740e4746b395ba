// The inside of streams: state that the standards speak of but do not expose, and reading that does not depend on
// prototypes a program may have changed.

import { ops } from "../../internal/ops.ts";
import {
  bytesOf,
  concatBytes,
  copyBytes,
  hasOwn,
  ignoreRejection,
  isBufferSource,
  uncurryThis,
} from "../support/intrinsics.ts";
import { isObject } from "../support/webidl.ts";
import { ReadableStream, ReadableStreamDefaultReader, WritableStream } from "./streams.ts";

// Field names of web-streams-polyfill 4.3; its version is pinned, and tests of this file fail if they change.
interface Inner {
  _state: "readable" | "closed" | "errored";
  _disturbed: boolean;
  _reader: unknown;
}

function inner(stream: ReadableStream): Inner {
  return stream as unknown as Inner;
}

export function isReadableStream(value: unknown): value is ReadableStream {
  return isObject(value) && hasOwn(value, "_readableStreamController") && value instanceof ReadableStream;
}

export function isWritableStream(value: unknown): value is WritableStream {
  return isObject(value) && hasOwn(value, "_writableStreamController") && value instanceof WritableStream;
}

/** True once the stream has been read from or cancelled. */
export function isDisturbed(stream: ReadableStream): boolean {
  return inner(stream)._disturbed;
}

export function isLocked(stream: ReadableStream): boolean {
  return inner(stream)._reader !== undefined;
}

export function markDisturbed(stream: ReadableStream): void {
  inner(stream)._disturbed = true;
}

const read = uncurryThis(ReadableStreamDefaultReader.prototype.read) as (
  reader: ReadableStreamDefaultReader,
) => Promise<{ done: boolean; value: unknown }>;
const cancelReader = uncurryThis(ReadableStreamDefaultReader.prototype.cancel) as (
  reader: ReadableStreamDefaultReader,
  reason?: unknown,
) => Promise<void>;
export const cancelStream = uncurryThis(ReadableStream.prototype.cancel) as (
  stream: ReadableStream,
  reason?: unknown,
) => Promise<void>;
export const teeStream = uncurryThis(ReadableStream.prototype.tee) as unknown as (
  stream: ReadableStream,
) => [ReadableStream, ReadableStream];

/** A chunk as bytes (no copy). Strings become UTF-8: lenient, as programs often enqueue them. */
export function chunkBytes(chunk: unknown): Uint8Array {
  if (isBufferSource(chunk)) return bytesOf(chunk);
  if (typeof chunk === "string") return ops.utf8Encode(chunk);
  throw new TypeError(
    "This ReadableStream did not return bytes: a chunk is neither an ArrayBuffer, a view nor a string.",
  );
}

/** Reads a byte stream chunk by chunk. Holds the stream's lock for good. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader;

  /** Throws TypeError if the stream is locked. */
  constructor(stream: ReadableStream) {
    this.#reader = new ReadableStreamDefaultReader(stream);
  }

  /** The next chunk that has bytes; null at the end. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const { done, value } = await read(this.#reader);
      if (done) return null;
      let bytes: Uint8Array;
      try {
        bytes = chunkBytes(value);
      } catch (error) {
        this.cancel(error);
        throw error;
      }
      if (bytes.byteLength > 0) return bytes;
    }
  }

  cancel(reason?: unknown): void {
    ignoreRejection(cancelReader(this.#reader, reason));
  }
}

/** All that is left in a stream. */
export async function readAll(stream: ReadableStream): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new ByteReader(stream);
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
    // Copied: the program that made the chunk may still write into it.
    const copy = copyBytes(chunk);
    chunks.push(copy);
    total += copy.byteLength;
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array<ArrayBuffer>) : concatBytes(chunks, total);
}

/** A byte stream of bytes at hand. Takes the buffer over: the caller must own it. */
export function streamOfBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    type: "bytes",
    pull(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}

const lengths = new WeakMap<ReadableStream, number>();

/** Says how many bytes the stream will give in all. */
export function setKnownLength(stream: ReadableStream, lengthBytes: number): void {
  lengths.set(stream, lengthBytes);
}

/** How many bytes the stream gives in all; -1 if that is not known. */
export function knownLength(stream: ReadableStream): number {
  return lengths.get(stream) ?? -1;
}
