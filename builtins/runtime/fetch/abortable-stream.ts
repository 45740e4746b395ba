// A stream that an abort signal can end.

import { onAbort } from "../events/abort-hook.ts";
import { abortReason, isAborted, type AbortSignal } from "../events/abort.ts";
import { ByteReader } from "../streams/stream-access.ts";
import { ReadableStream } from "../streams/streams.ts";

/** Passes `source` on until `signal` aborts; then readers get the signal's reason and the source is cancelled. */
export function abortableStream(source: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array> {
  const reader = new ByteReader(source);
  let forget = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      type: "bytes",
      start(controller) {
        const abort = (): void => {
          const reason = abortReason(signal);
          controller.error(reason);
          reader.cancel(reason);
        };
        if (isAborted(signal)) abort();
        else forget = onAbort(signal, abort);
      },
      async pull(controller) {
        let bytes: Uint8Array | null;
        try {
          bytes = await reader.next();
        } catch (error) {
          forget();
          throw error;
        }
        if (isAborted(signal)) return;
        if (bytes !== null) {
          controller.enqueue(bytes);
          return;
        }
        forget();
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel(reason: unknown) {
        forget();
        reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
