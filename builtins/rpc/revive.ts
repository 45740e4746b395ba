// Reviving: what arrived on the wire becomes values again; Refs become stubs, Fetchers, streams and fetch classes.

import { ops, type Cap } from "../internal/ops.ts";
import type { Invocation } from "../internal/invocation.ts";
import { createBlob } from "../runtime/blob/blob.ts";
import { DOMException } from "../runtime/errors/dom-exception.ts";
import { HeaderList } from "../runtime/fetch/header-list.ts";
import { headersFromList } from "../runtime/fetch/headers.ts";
import { errorFromContent, type ErrorContent } from "./errors.ts";
import { newFetcher } from "./fetcher.ts";
import { Tag } from "./lower.ts";
import { CapEndpoint, type Session } from "./session.ts";
import { importReadable, importWritable, reviveRequest, reviveResponse } from "./streams.ts";
import { newStub, type StubHandle } from "./stub.ts";

export class Reviver {
  readonly #handles: StubHandle[] = [];
  #disposer: StubHandle | undefined;

  /**
   * @param session  where the value came from; stubs in it keep that session open. Null for `env` and `props`
   * @param owner    the invocation that the stubs belong to
   */
  constructor(readonly session: Session | null, readonly owner: Invocation | undefined) {}

  disposeAll(): void {
    for (const handle of this.#handles) handle.dispose();
    this.#handles.length = 0;
    // What the sender does of its own comes last.
    this.#disposer?.dispose();
    this.#disposer = undefined;
  }

  /** Something to let go of, like a stub that no program sees. */
  #handle(cap: Cap): StubHandle {
    const leave = this.session?.use();
    let live = true;
    const dispose = () => {
      if (!live) return;
      live = false;
      disown?.();
      ops.capDrop(cap);
      leave?.();
    };
    const disown = this.owner?.own(dispose);
    return { dispose };
  }

  #fetcher(cap: Cap): object {
    this.owner?.own(() => ops.capDrop(cap));
    return newFetcher(new CapEndpoint(cap, this.session?.explain));
  }

  readonly revive = (tag: number, content: unknown, caps: Cap[]): unknown => {
    switch (tag) {
      case Tag.STUB:
        if (this.session === null) throw new TypeError("Unable to deserialize cloned data.");
        return newStub(capAt(caps, content), this.session, this.owner, this.#handles);
      case Tag.FETCHER:
        return this.#fetcher(capAt(caps, content));
      case Tag.ERROR:
        return errorFromContent(content as ErrorContent);
      case Tag.DOM_EXCEPTION: {
        const { name, message } = content as { name: string; message: string };
        return new DOMException(message, name);
      }
      case Tag.DISPOSABLE: {
        const { value, disposer } = content as { value: unknown; disposer: unknown };
        this.#disposer = this.#handle(capAt(caps, disposer));
        return value;
      }
      case Tag.SPARSE:
        return sparseArray(content as { length: number; items: Record<string, unknown> });
      case Tag.HEADERS:
        return headersFromList(HeaderList.fromPairs(content as [string, string][]));
      case Tag.BLOB:
        return createBlob((content as { bytes: Uint8Array }).bytes, (content as { type: string }).type);
      case Tag.REQUEST:
        return reviveRequest(content, caps, this.session);
      case Tag.RESPONSE:
        return reviveResponse(content, caps, this.session);
      case Tag.READABLE:
        return importReadable(capAt(caps, content), this.session?.use());
      case Tag.WRITABLE:
        return importWritable(capAt(caps, content), this.session?.use());
      default:
        throw new TypeError("Unable to deserialize cloned data.");
    }
  };
}

function capAt(caps: Cap[], index: unknown): Cap {
  const cap = typeof index === "number" ? caps[index] : undefined;
  if (cap === undefined) throw new TypeError("Unable to deserialize cloned data.");
  return cap;
}

function sparseArray({ length, items }: { length: number; items: Record<string, unknown> }): unknown[] {
  const array: unknown[] = [];
  // By way of a length that no array has room for: V8 then keeps what is there in a dictionary.
  array.length = 0xffffffff;
  array.length = length;
  for (const key of Object.keys(items)) {
    Object.defineProperty(array, key, { value: items[key], writable: true, enumerable: true, configurable: true });
  }
  return array;
}
