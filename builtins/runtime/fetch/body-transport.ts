// How bodies that are not whole enter and leave this process. Implemented over capabilities by the code around
// the platform.

import type { Cap } from "../../internal/ops.ts";
import type { ReadableStream } from "../streams/streams.ts";

export interface BodyTransport {
  /** Hands a stream over; it is locked from then on. `length` is in bytes, -1 if not known. */
  exportStream(stream: ReadableStream<Uint8Array>, length: number): { source: Cap; length: number };
  /** Whether `source` lives on when the invocation that received it ends. */
  mayPassOn(source: Cap): boolean;
  /** A stream that reads from `source`; cancelling it lets go of the source. */
  importStream(source: Cap, length: number): ReadableStream<Uint8Array>;
  /** Lets go of a source that nobody will read. */
  dropSource(source: Cap): void;
}
