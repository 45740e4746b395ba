// Blob: immutable bytes with a type. Slices share the bytes.

import { ops } from "../../internal/ops.ts";
import { decodeUtf8 } from "../encoding/text-decoder.ts";
import { setKnownLength, streamOfBytes } from "../streams/stream-access.ts";
import type { ReadableStream } from "../streams/streams.ts";
import { bytesOf, concatBytes, copyBytes, isBufferSource } from "../support/intrinsics.ts";
import { setInspector } from "../support/inspectors.ts";
import {
  defineInterface,
  INTERNAL,
  isObject,
  methodOf,
  toDictionary,
  toDOMString,
  toUSVString,
} from "../support/webidl.ts";

let bytesOfBlobImpl: (blob: Blob) => Uint8Array<ArrayBuffer>;
let brand: (value: object) => value is Blob;

export class Blob {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #type: string;

  constructor(parts?: unknown, options?: unknown) {
    if (parts === INTERNAL) {
      const content = options as { bytes: Uint8Array<ArrayBuffer>; type: string };
      this.#bytes = content.bytes;
      this.#type = content.type;
      return;
    }
    if (parts !== undefined && (!isObject(parts) || methodOf(parts, Symbol.iterator) === undefined)) {
      throw new TypeError("Failed to construct 'Blob': the parts are not a sequence.");
    }
    const { endings, type } = toDictionary(options, "Blob options");
    const lineEndings = endings === undefined ? "transparent" : toDOMString(endings);
    if (lineEndings !== "transparent" && lineEndings !== "native") {
      throw new TypeError(`Failed to construct 'Blob': '${lineEndings}' is not a value of 'endings'.`);
    }
    this.#type = normalizeType(type);
    this.#bytes = joinParts((parts as Iterable<unknown> | undefined) ?? [], lineEndings === "native");
  }

  static {
    bytesOfBlobImpl = (blob) => blob.#bytes;
    brand = (value): value is Blob => #bytes in value;
  }

  get size(): number {
    return this.#bytes.byteLength;
  }

  get type(): string {
    return this.#type;
  }

  slice(start?: unknown, end?: unknown, type?: unknown): Blob {
    const { byteLength } = this.#bytes;
    const from = clampIndex(start, 0, byteLength);
    const to = clampIndex(end, byteLength, byteLength);
    return createBlob(this.#bytes.subarray(from, from > to ? from : to), normalizeType(type));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return copyBytes(this.#bytes).buffer;
  }

  async bytes(): Promise<Uint8Array> {
    return copyBytes(this.#bytes);
  }

  async text(): Promise<string> {
    return decodeUtf8(this.#bytes);
  }

  stream(): ReadableStream<Uint8Array> {
    const stream = streamOfBytes(copyBytes(this.#bytes));
    setKnownLength(stream, this.size);
    return stream;
  }
}

function joinParts(parts: Iterable<unknown>, nativeEndings: boolean): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (const part of parts) {
    let bytes: Uint8Array;
    if (isBufferSource(part)) {
      bytes = copyBytes(part); // before the next part's getters or toString() can change it
    } else if (isBlob(part)) {
      bytes = blobBytes(part);
    } else {
      const text = toUSVString(part);
      bytes = ops.utf8Encode(nativeEndings ? text.replace(/\r\n?|\n/g, "\n") : text);
    }
    chunks.push(bytes);
    total += bytes.byteLength;
  }
  return concatBytes(chunks, total);
}

function normalizeType(type: unknown): string {
  if (type === undefined) return "";
  const text = toDOMString(type);
  return /^[\x20-\x7e]*$/.test(text) ? text.toLowerCase() : "";
}

function clampIndex(value: unknown, fallback: number, length: number): number {
  if (value === undefined) return fallback;
  const index = Math.trunc(Number(value)) || 0;
  return index < 0 ? Math.max(length + index, 0) : Math.min(index, length);
}

export function isBlob(value: unknown): value is Blob {
  return isObject(value) && brand(value);
}

/** The bytes themselves: not to be changed or handed out. */
export function blobBytes(blob: Blob): Uint8Array<ArrayBuffer> {
  return bytesOfBlobImpl(blob);
}

/** Takes the bytes over. */
export function createBlob(bytes: Uint8Array, type: string): Blob {
  return new Blob(INTERNAL, { bytes: bytesOf(bytes), type });
}

defineInterface(Blob, "Blob");
setInspector(Blob, "Blob", (blob) => ({ fields: { size: blob.size, type: blob.type } }));
