// Streams between processes, and the messages that carry them. A stream that is sent is handed over: the sender's
// object is locked, and the reader pulls.

import { ops, type Cap, type Disconnect, type FailureText, type Reply, type Settled, type WireBody } from "../internal/ops.ts";
import { currentInvocation } from "../internal/invocation.ts";
import type { Body } from "../runtime/fetch/body.ts";
import { requestState, type Request } from "../runtime/fetch/request.ts";
import { responseState, type Response } from "../runtime/fetch/response.ts";
import {
  requestContent, requestFromContent, responseContent, responseFromContent, type RequestContent, type ResponseContent,
} from "../runtime/fetch/wire.ts";
import { ByteReader, isLocked } from "../runtime/streams/stream-access.ts";
import { ReadableStream, WritableStream } from "../runtime/streams/streams.ts";
import { cloneError, errorFromFailure } from "./errors.ts";
import type { Lowering } from "./lower.ts";
import { Reviver } from "./revive.ts";
import { explainPlainly, type Session } from "./session.ts";
import { failedReply } from "./target.ts";

const READ_BYTES = 64 * 1024;
const PREMATURE = "ReadableStream received over RPC disconnected prematurely.";

/** `answer`, which may wake the invocation that waits for it. */
async function awake<T>(answer: Promise<T>): Promise<T> {
  const asleep = currentInvocation()?.mayWake();
  try {
    return await answer;
  } finally {
    asleep?.();
  }
}

/** A stream of ours as a source for another process; holds the invocation open until it is over. */
export function exportReadable(stream: ReadableStream): Cap {
  if (isLocked(stream)) throw new TypeError("The ReadableStream has been locked to a reader.");
  const reader = new ByteReader(stream);
  const invocation = currentInvocation();
  const release = invocation?.hold() ?? (() => {});
  // Its reader may ask for more, unless it waits for us already.
  let asleep = invocation?.mayWake() ?? (() => {});
  let rest: Uint8Array | null = null;
  let over = false;
  const finish = () => {
    over = true;
    asleep();
    release();
  };
  const read = async (maxBytes: number): Promise<Uint8Array | null> => {
    if (over) return null;
    let chunk = rest;
    rest = null;
    if (chunk === null) {
      try {
        chunk = await reader.next();
      } catch (error) {
        finish();
        throw error;
      }
    }
    if (chunk === null) {
      finish();
      return null;
    }
    if (chunk.byteLength > maxBytes) {
      rest = chunk.subarray(maxBytes);
      chunk = chunk.subarray(0, maxBytes);
    }
    return chunk;
  };
  return ops.exportSource({
    async read(maxBytes) {
      if (invocation === undefined) return read(maxBytes);
      asleep();
      const bytes = await invocation.owe(invocation.run(() => read(maxBytes)));
      if (!over) asleep = invocation.mayWake();
      return bytes;
    },
    cancel() {
      if (over) return;
      // Why the other side stopped reading does not travel.
      reader.cancel(Object.assign(new Error("Network connection lost."), { retryable: true }));
      finish();
    },
  });
}

/**
 * A source of another process as a stream here. `finished` is called once, when the stream is over. `explain` makes
 * the reader's error of what the source said; without it, and when the source is gone, the text is always the same.
 */
export function importReadable(
  source: Cap,
  finished: () => void = () => {},
  explain?: (failure: FailureText) => Error,
): ReadableStream<Uint8Array> {
  let over = false;
  const finish = () => {
    if (over) return;
    over = true;
    ops.capDrop(source);
    finished();
  };
  currentInvocation()?.own(finish);
  return new ReadableStream<Uint8Array>({
    type: "bytes",
    async pull(controller) {
      let read: Awaited<ReturnType<typeof ops.capRead>>;
      try {
        if (over) throw new Error(PREMATURE);
        read = await awake(ops.capRead(source, READ_BYTES));
      } catch {
        finish();
        throw new Error(PREMATURE);
      }
      if (read.failure !== null) {
        finish();
        throw explain?.(read.failure) ?? new Error(PREMATURE);
      }
      if (read.bytes.byteLength > 0) controller.enqueue(read.bytes);
      if (read.done) {
        finish();
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
    cancel() {
      finish();
    },
  }, { highWaterMark: 0 });
}

export function exportWritable(stream: WritableStream): Cap {
  if (stream.locked) throw new TypeError("This WritableStream is currently locked to a writer.");
  const writer = stream.getWriter();
  writer.closed.catch(() => {});
  const invocation = currentInvocation();
  const release = invocation?.hold() ?? (() => {});
  const asleep = invocation?.mayWake() ?? (() => {});
  const finish = () => {
    asleep();
    release();
  };
  const within = async (body: () => Promise<void>): Promise<Reply | undefined> => {
    try {
      await (invocation === undefined ? body() : invocation.run(body));
      return undefined;
    } catch (error) {
      return failedReply(error);
    }
  };
  return ops.exportSink({
    write: (bytes) => within(() => writer.write(bytes.buffer)),
    close: () => within(() => writer.close()).finally(finish),
    abort() {
      const why = "WritableStream received over RPC was disconnected because the remote execution context has ended.";
      writer.abort(Object.assign(new Error(why), { retryable: true })).catch(() => {});
      finish();
    },
  });
}

/** A sink of another process as a stream here. `finished` is called once, when the stream is over. */
export function importWritable(sink: Cap, finished: () => void = () => {}): WritableStream {
  let over = false;
  const finish = () => {
    if (over) return;
    over = true;
    disown?.();
    // Without a close before it, this is what aborts the sink.
    ops.capDrop(sink);
    finished();
  };
  const invocation = currentInvocation();
  const disown = invocation?.own(finish);
  const done = async (acknowledged: Promise<Settled | null>): Promise<void> => {
    let failed: Settled | null;
    try {
      failed = await awake(acknowledged);
    } catch (disconnect) {
      throw await explainPlainly(disconnect as Disconnect);
    }
    if (failed === null) return;
    throw failed.payload === null ? errorFromFailure(failed.failure!) : ops.decode(failed.payload, new Reviver(null, invocation).revive, false);
  };
  return new WritableStream({
    async write(chunk: unknown) {
      const bytes = typeof chunk === "string" ? ops.utf8Encode(chunk) : chunk;
      if (bytes instanceof ArrayBuffer) return done(ops.capWrite(sink, new Uint8Array(bytes)));
      if (!ArrayBuffer.isView(bytes)) {
        throw new TypeError("This WritableStream was received over RPC: it takes bytes or strings, but received an object of non-ArrayBuffer/ArrayBufferView type.");
      }
      return done(ops.capWrite(sink, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    },
    async close() {
      try {
        await done(ops.capClose(sink));
      } finally {
        finish();
      }
    },
    abort: finish,
  });
}

// Requests and responses inside values ---------------------------------------------------------------

type LoweredBody = null | Uint8Array | { cap: number; length: number };

function lowerBody(body: WireBody, lowering: Lowering): LoweredBody {
  if (body === null || body instanceof Uint8Array) return body;
  return { cap: lowering.addCap("source", body.source), length: body.length };
}

function reviveBody(body: LoweredBody, caps: Cap[]): WireBody {
  if (body === null || body instanceof Uint8Array) return body;
  const source = caps[body.cap];
  if (source === undefined) throw new TypeError("Unable to deserialize cloned data.");
  return { source, length: body.length };
}

function refuseUsed(body: Body | null): void {
  if (body !== null && (body.used || body.locked)) throw new TypeError("The ReadableStream has been locked to a reader.");
}

export function lowerRequest(request: Request, lowering: Lowering): object {
  if (requestState(request).signal !== null) throw cloneError("AbortSignal serialization is not enabled.");
  refuseUsed(requestState(request).body);
  const content = requestContent(request);
  return { ...content, body: lowerBody(content.body, lowering) };
}

export function lowerResponse(response: Response, lowering: Lowering): object {
  const { body, webSocket } = responseState(response);
  refuseUsed(body);
  if (webSocket !== null) {
    throw cloneError('Could not serialize object of type "WebSocket". This type does not support serialization.');
  }
  const content = responseContent(response);
  return { ...content, body: lowerBody(content.body, lowering) };
}

type Lowered<T> = Omit<T, "body"> & { body: LoweredBody };

export function reviveRequest(content: unknown, caps: Cap[], _session: Session | null): Request {
  const lowered = content as Lowered<RequestContent>;
  return requestFromContent({ ...lowered, body: reviveBody(lowered.body, caps) });
}

export function reviveResponse(content: unknown, caps: Cap[], _session: Session | null): Response {
  const lowered = content as Lowered<ResponseContent>;
  return responseFromContent({ ...lowered, body: reviveBody(lowered.body, caps) });
}
