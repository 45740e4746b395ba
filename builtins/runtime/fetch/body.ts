// The content of a Request or Response: bytes or text at hand, a stream, or a stream still in another process.
// What is at hand never becomes a stream unless the program asks for `.body`.

import { ops, type Cap, type WireBody } from "../../internal/ops.ts";
import { blobBytes, isBlob } from "../blob/blob.ts";
import { isFormData } from "../blob/form-data.ts";
import { decodeUtf8 } from "../encoding/text-decoder.ts";
import { abortReason, isAborted, type AbortSignal } from "../events/abort.ts";
import {
  cancelStream,
  isDisturbed,
  isLocked,
  isReadableStream,
  knownLength,
  markDisturbed,
  readAll,
  setKnownLength,
  streamOfBytes,
  teeStream,
} from "../streams/stream-access.ts";
import type { ReadableStream } from "../streams/streams.ts";
import { charCodeAt, copyBytes, ignoreRejection, isBufferSource } from "../support/intrinsics.ts";
import { hooks } from "../support/platform-hooks.ts";
import { isObject, toUSVString } from "../support/webidl.ts";
import { isURLSearchParams, serializeSearchParams } from "../url/url-search-params.ts";
import { abortableStream } from "./abortable-stream.ts";
import { decodedStream, encodeBytes, encodedStream, type Coding } from "./content-coding.ts";
import { serializeMultipart } from "./multipart-writer.ts";

/** Whole bodies up to this size travel inside their message. */
export const MAX_INLINE_BYTES = 64 * 1024;

const EMPTY = new Uint8Array(0);

export class Body {
  // Exactly one of these three says what the content is; all are null once it has been taken.
  #whole: string | Uint8Array | null;
  #remote: { source: Cap; length: number } | null;
  #stream: ReadableStream<Uint8Array> | null;
  // Somebody else may hold the same bytes, so they are not handed out without a copy.
  #shared: boolean;
  // The coding that the whole or remote content is in; what the program reads is decoded.
  #coding: Coding | null = null;
  #used = false;
  #signal: AbortSignal | undefined;
  // Content of the runtime's own belongs to an invocation; a program's stream is the program's.
  readonly #requireOwner: (() => void) | undefined;

  private constructor(
    whole: string | Uint8Array | null,
    shared: boolean,
    stream: ReadableStream<Uint8Array> | null,
    remote: { source: Cap; length: number } | null,
  ) {
    this.#whole = whole;
    this.#shared = shared;
    this.#stream = stream;
    this.#remote = remote;
    if (stream === null) this.#requireOwner = hooks().belonging?.("ReadableStreamSource");
  }

  static ofText(text: string): Body {
    return new Body(text, false, null, null);
  }

  /** Takes the bytes over, unless they are shared. */
  static ofBytes(bytes: Uint8Array, shared = false): Body {
    return new Body(bytes, shared, null, null);
  }

  static ofStream(stream: ReadableStream<Uint8Array>): Body {
    return new Body(null, false, stream, null);
  }

  /** `coding`: in which the content arrived. */
  static fromWire(wire: WireBody, coding: Coding | null = null): Body | null {
    if (wire === null) return null;
    const body = isBufferSource(wire)
      ? new Body(wire as Uint8Array, false, null, null)
      : new Body(null, false, null, wire);
    body.#coding = coding;
    return body;
  }

  get used(): boolean {
    return this.#used || (this.#stream !== null && isDisturbed(this.#stream));
  }

  get locked(): boolean {
    return this.#stream !== null && isLocked(this.#stream);
  }

  /** True if the content is at hand, so that it can be sent more than once. */
  get replayable(): boolean {
    return this.#whole !== null && this.#stream === null && !this.#used;
  }

  /** How many bytes it gives; -1 if that is not known before it has been read. */
  get length(): number {
    if (this.#stream !== null) return knownLength(this.#stream);
    if (this.#coding !== null) return -1;
    return this.#remote !== null ? this.#remote.length : this.#wholeBytes().byteLength;
  }

  /** True if it is at hand and has no bytes. */
  get empty(): boolean {
    return this.#whole !== null && this.#whole.length === 0;
  }

  /** What `.body` shows. */
  get stream(): ReadableStream<Uint8Array> {
    if (this.#stream === null) {
      if (this.#used) {
        this.#stream = streamOfBytes(EMPTY);
        markDisturbed(this.#stream);
      } else if (this.#remote !== null) {
        const { source, length } = this.#remote;
        const imported = hooks().bodies.importStream(source, length);
        this.#stream = this.#plain(this.#signal === undefined ? imported : abortableStream(imported, this.#signal), length);
        this.#remote = null;
      } else {
        const bytes = this.#wholeBytes();
        const { length } = bytes;
        this.#stream = this.#plain(streamOfBytes(this.#shared ? copyBytes(bytes) : bytes), length);
        this.#whole = null;
      }
    }
    return this.#stream;
  }

  #plain(raw: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
    if (this.#coding !== null) return decodedStream(raw, this.#coding);
    if (length >= 0) setKnownLength(raw, length);
    return raw;
  }

  /** From now on an abort of `signal` ends the content early, if it still has to come from elsewhere. */
  tieTo(signal: AbortSignal): void {
    if (this.#remote !== null) this.#signal = signal;
  }

  /** Throws TypeError if the content cannot be read any more, or is being read. */
  requireUnused(): void {
    this.#requireOwner?.();
    if (this.used) {
      throw new TypeError(
        "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.",
      );
    }
    if (this.locked) throw new TypeError("This ReadableStream is currently locked to a reader.");
  }

  async takeText(): Promise<string> {
    this.requireUnused();
    if (this.#stream === null && typeof this.#whole === "string") {
      const text = this.#whole;
      this.#take();
      return text !== "" && charCodeAt(text, 0) === 0xfeff ? text.slice(1) : text;
    }
    return decodeUtf8(await this.#takeShared());
  }

  /** Bytes that belong to the caller alone, filling their buffer. */
  async takeBytes(): Promise<Uint8Array<ArrayBuffer>> {
    const mustCopy = this.#shared;
    const bytes = await this.#takeShared();
    return mustCopy || bytes.byteLength !== bytes.buffer.byteLength
      ? copyBytes(bytes)
      : (bytes as Uint8Array<ArrayBuffer>);
  }

  async #takeShared(): Promise<Uint8Array> {
    this.requireUnused();
    if (this.#stream === null && this.#whole !== null && this.#coding === null) {
      const bytes = this.#wholeBytes();
      this.#take();
      return bytes;
    }
    const { stream } = this;
    this.#used = true;
    if (this.#signal !== undefined && isAborted(this.#signal)) {
      ignoreRejection(cancelStream(stream, abortReason(this.#signal)));
      throw abortReason(this.#signal);
    }
    return readAll(stream);
  }

  /** Moves the content into a new Body; this one counts as used. */
  move(): Body {
    this.requireUnused();
    const moved = new Body(this.#whole, this.#shared, this.#stream, this.#remote);
    moved.#coding = this.#coding;
    moved.#signal = this.#signal;
    this.#take();
    this.#stream = null;
    return moved;
  }

  /** A second Body of the same content; both can be read. */
  clone(): Body {
    this.requireUnused();
    if (this.#stream === null && this.#whole !== null) {
      return this.replay();
    }
    const length = knownLength(this.stream);
    const [mine, theirs] = teeStream(this.stream) as [ReadableStream<Uint8Array>, ReadableStream<Uint8Array>];
    if (length >= 0) {
      setKnownLength(mine, length);
      setKnownLength(theirs, length);
    }
    this.#stream = mine;
    return Body.ofStream(theirs);
  }

  /** Another Body of the same whole content, for sending it again after a redirect. */
  replay(): Body {
    this.#shared = true;
    const again = new Body(this.#whole, true, null, null);
    again.#coding = this.#coding;
    return again;
  }

  /** Hands the content to another process, in `coding`; this Body counts as used. */
  toWire(coding: Coding | null = null): WireBody {
    this.requireUnused();
    const asItIs = this.#stream === null && this.#coding === coding;
    if (this.#whole !== null && (asItIs || this.#coding === null)) {
      const bytes = asItIs ? this.#wholeBytes() : encodeBytes(this.#wholeBytes(), coding!);
      const shared = asItIs && this.#shared;
      this.#take();
      if (bytes.byteLength <= MAX_INLINE_BYTES) return bytes;
      return hooks().bodies.exportStream(streamOfBytes(shared ? copyBytes(bytes) : bytes), bytes.byteLength);
    }
    if (asItIs && this.#remote !== null && this.#signal === undefined) {
      const remote = this.#remote;
      this.#take();
      const { bodies } = hooks();
      // Passed on unread if it outlives the invocation that received it, otherwise byte for byte.
      if (bodies.mayPassOn(remote.source)) return remote;
      return bodies.exportStream(bodies.importStream(remote.source, remote.length), remote.length);
    }
    const { stream } = this;
    this.#used = true;
    if (coding === null) return hooks().bodies.exportStream(stream, knownLength(stream));
    return hooks().bodies.exportStream(encodedStream(stream, coding), -1);
  }

  /** Lets go of content that nobody will read. */
  discard(reason?: unknown): void {
    if (this.#remote !== null) hooks().bodies.dropSource(this.#remote.source);
    else if (this.#stream !== null && !isLocked(this.#stream)) ignoreRejection(cancelStream(this.#stream, reason));
    this.#take();
  }

  #wholeBytes(): Uint8Array {
    return typeof this.#whole === "string" ? ops.utf8Encode(this.#whole) : this.#whole!;
  }

  #take(): void {
    this.#used = true;
    this.#whole = null;
    this.#remote = null;
  }
}

/** Converts what a program gives as body, with the Content-Type that follows from its type. */
export function extractBody(init: unknown): { body: Body; contentType: string | null } {
  if (isObject(init)) {
    if (isReadableStream(init)) {
      if (isDisturbed(init))
        throw new TypeError(
          "This ReadableStream is disturbed (has already been read from), and cannot be used as a body.",
        );
      if (isLocked(init))
        throw new TypeError("This ReadableStream is currently locked to a reader, and cannot be used as a body.");
      return { body: Body.ofStream(init as ReadableStream<Uint8Array>), contentType: null };
    }
    if (isBufferSource(init)) return { body: Body.ofBytes(copyBytes(init)), contentType: null };
    if (isBlob(init))
      return { body: Body.ofBytes(blobBytes(init), true), contentType: init.type === "" ? null : init.type };
    if (isFormData(init)) {
      const { bytes, contentType } = serializeMultipart(init);
      return { body: Body.ofBytes(bytes), contentType };
    }
    if (isURLSearchParams(init)) {
      return {
        body: Body.ofText(serializeSearchParams(init)),
        contentType: "application/x-www-form-urlencoded;charset=UTF-8",
      };
    }
  }
  return { body: Body.ofText(toUSVString(init)), contentType: "text/plain;charset=UTF-8" };
}
