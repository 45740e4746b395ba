// Content-Encoding. A program sees plain bodies; the wire has them as the header says. What goes on unread is never
// decoded.
//
// The codings are those that the platform knows, spelt exactly so; any other header leaves the body as it is.

import { ops, type Codec } from "../../internal/ops.ts";
import { ByteReader } from "../streams/stream-access.ts";
import { ReadableStream } from "../streams/streams.ts";
import { concatBytes } from "../support/intrinsics.ts";
import type { HeaderList } from "./header-list.ts";

export type Coding = "gzip" | "br";

const PIECE_BYTES = 64 * 1024;

/** The coding of a response's body; null if it is plain, or in one that only the program may know. */
export function codingOf(headers: HeaderList): Coding | null {
  const coding = headers.get("content-encoding");
  return coding === "gzip" || coding === "br" ? coding : null;
}

/** What `source` holds, decoded as it is read. */
export function decodedStream(source: ReadableStream<Uint8Array>, coding: Coding): ReadableStream<Uint8Array> {
  return through(source, ops.newCodec(coding, true));
}

/** `source`, encoded as it is read: each piece at once, so that what is written late arrives late only. */
export function encodedStream(source: ReadableStream<Uint8Array>, coding: Coding): ReadableStream<Uint8Array> {
  return through(source, ops.newCodec(coding, false));
}

export function encodeBytes(bytes: Uint8Array, coding: Coding): Uint8Array {
  const codec = ops.newCodec(coding, false);
  if (bytes.byteLength > 0) ops.codecWrite(codec, bytes);
  ops.codecEnd(codec);
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (let piece = ops.codecRead(codec, PIECE_BYTES); piece.byteLength > 0; piece = ops.codecRead(codec, PIECE_BYTES)) {
    pieces.push(piece);
    total += piece.byteLength;
  }
  return concatBytes(pieces, total);
}

// Never has more at hand than one piece of the source and one of the result, however far a piece unfolds.
function through(source: ReadableStream<Uint8Array>, codec: Codec): ReadableStream<Uint8Array> {
  const reader = new ByteReader(source);
  let ended = false;
  return new ReadableStream<Uint8Array>(
    {
      type: "bytes",
      async pull(controller) {
        for (;;) {
          let piece: Uint8Array<ArrayBuffer>;
          try {
            piece = ops.codecRead(codec, PIECE_BYTES);
          } catch (error) {
            reader.cancel(error);
            throw error;
          }
          if (piece.byteLength > 0) {
            controller.enqueue(piece);
            return;
          }
          if (ended) break;
          const more = await reader.next();
          if (more !== null) {
            ops.codecWrite(codec, more);
          } else {
            ended = true;
            ops.codecEnd(codec);
          }
        }
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel(reason: unknown) {
        reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
