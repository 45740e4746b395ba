// The Streams standard, by the library web-streams-polyfill (the reference implementation, made fast), fitted into
// this runtime: a TransformStream moves data, so it needs an I/O context.

import "./environment.ts";
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream as PlainTransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill";
import { setInspector } from "../support/inspectors.ts";
import { requireIo } from "../support/platform-hooks.ts";

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
};

export class TransformStream<I = unknown, O = unknown> extends PlainTransformStream<I, O> {
  constructor(...args: ConstructorParameters<typeof PlainTransformStream<I, O>>) {
    requireIo("new TransformStream()");
    super(...args);
  }
}

setInspector(ReadableStream, "ReadableStream", (stream) => ({
  fields: { locked: stream.locked, state: (stream as unknown as { _state: string })._state },
}));
setInspector(WritableStream, "WritableStream", (stream) => ({
  fields: { locked: stream.locked, state: (stream as unknown as { _state: string })._state },
}));
setInspector(PlainTransformStream, "TransformStream", (stream) => ({
  fields: { readable: stream.readable, writable: stream.writable },
}));
for (const [cls, name] of [
  [ReadableStreamDefaultReader, "ReadableStreamDefaultReader"],
  [ReadableStreamBYOBReader, "ReadableStreamBYOBReader"],
  [ReadableStreamBYOBRequest, "ReadableStreamBYOBRequest"],
  [ReadableStreamDefaultController, "ReadableStreamDefaultController"],
  [ReadableByteStreamController, "ReadableByteStreamController"],
  [WritableStreamDefaultWriter, "WritableStreamDefaultWriter"],
  [WritableStreamDefaultController, "WritableStreamDefaultController"],
  [TransformStreamDefaultController, "TransformStreamDefaultController"],
] as const) {
  setInspector(cls as unknown as { prototype: object }, name, () => ({ fields: {} }));
}
