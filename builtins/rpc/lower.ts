// Lowering: a program's value becomes one that V8's structured clone can copy, with a Ref wherever a capability or
// a platform object stands. Getters run once, here.

import { ops, type Cap, type CapKind, type Encoded } from "../internal/ops.ts";
import { Blob, blobBytes, isBlob } from "../runtime/blob/blob.ts";
import { isAbortSignal } from "../runtime/events/abort-hook.ts";
import { isDOMException, type DOMException } from "../runtime/errors/dom-exception.ts";
import { Headers, headerListOf } from "../runtime/fetch/headers.ts";
import { Request } from "../runtime/fetch/request.ts";
import { Response } from "../runtime/fetch/response.ts";
import { isReadableStream, isWritableStream } from "../runtime/streams/stream-access.ts";
import { findInspector } from "../runtime/support/inspectors.ts";
import { classNameOf, cloneError, errorContent } from "./errors.ts";
import { isTarget, RpcTarget } from "./members.ts";
import { stubStateOf } from "./stub-state.ts";
import { exportArgument, exportDisposer, exportResult } from "./target.ts";
import { exportReadable, exportWritable, lowerRequest, lowerResponse } from "./streams.ts";

export const Tag = {
  STUB: 1, FETCHER: 2, ERROR: 3, DOM_EXCEPTION: 4, HEADERS: 5, REQUEST: 6, RESPONSE: 7, READABLE: 8, WRITABLE: 9, BLOB: 10, DISPOSABLE: 11, SPARSE: 12,
} as const;

/**
 * `arguments`: what is exported lives as long as the invocation that sends it. `result`: what is exported keeps that
 * invocation open. `env`: WorkerCode.env and props, which outlive the invocation. `thrown`: plain copies only, of
 * instances of classes too.
 */
export type Mode = "arguments" | "result" | "env" | "thrown";

const MAX_HEADERS = 1024;

export class Lowering {
  readonly caps: Cap[] = [];
  readonly kinds: CapKind[] = [];
  readonly #seen = new Map<object, unknown>();
  readonly #errorsOpen = new Set<object>();

  constructor(readonly mode: Mode) {}

  addCap(kind: CapKind, cap: Cap): number {
    this.kinds.push(kind);
    return this.caps.push(cap) - 1;
  }

  value(value: unknown): unknown {
    switch (typeof value) {
      case "object":
        return value === null ? null : this.#object(value);
      case "function":
        return this.#once(value, () => this.#function(value));
      case "symbol":
        throw cloneError(`${String(value)} could not be cloned.`);
      default:
        return value;
    }
  }

  #once(key: object, make: () => unknown): unknown {
    const seen = this.#seen.get(key);
    if (seen !== undefined) return seen;
    const made = make();
    this.#seen.set(key, made);
    return made;
  }

  #object(object: object): unknown {
    const seen = this.#seen.get(object);
    if (seen !== undefined) return seen;
    const brand = ops.brand(object);
    switch (brand) {
      case "":
        return this.#ordinary(object);
      case "Array":
        return this.#array(object as unknown[]);
      case "Map": {
        const copy = new Map();
        this.#seen.set(object, copy);
        // As they are now: a getter may change the map.
        for (const [key, value] of [...mapEntries.call(object as Map<unknown, unknown>)]) copy.set(this.value(key), this.value(value));
        return copy;
      }
      case "Set": {
        const copy = new Set();
        this.#seen.set(object, copy);
        for (const value of [...setValues.call(object as Set<unknown>)]) copy.add(this.value(value));
        return copy;
      }
      case "TypedArray":
      case "DataView":
        return this.#once(object, () => ownBytes(object as ArrayBufferView));
      case "Error":
        return this.#once(object, () => (isDOMException(object) ? this.#domException(object) : this.#error(object as Error)));
      case "Proxy":
        return this.#once(object, () => this.#proxy(object));
      case "Date":
      case "RegExp":
      case "ArrayBuffer":
      case "Number":
      case "String":
      case "Boolean":
      case "BigInt":
        return object;
      case "Symbol":
      case "Generator":
      case "Iterator":
        throw cloneError(`${Object.prototype.toString.call(object)} could not be cloned.`);
      default:
        throw cloneError(`#<${classNameOf(object)}> could not be cloned.`);
    }
  }

  #ordinary(object: object): unknown {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype !== Object.prototype) {
      const sent = this.#instance(object);
      if (sent !== undefined) {
        this.#seen.set(object, sent);
        return sent;
      }
    }
    const copy: Record<string, unknown> = {};
    this.#seen.set(object, copy);
    this.#members(object, Object.keys(object), copy);
    return copy;
  }

  #array(array: unknown[]): unknown {
    const keys = Object.keys(array);
    const dense = keys.length >= array.length && (array.length === 0 || keys[array.length - 1] === String(array.length - 1));
    if (!dense && array.length > 2 * keys.length + 16) return this.#sparse(array, keys);
    // Without holes the copy must have none either, nor come from where V8 has learnt to expect some: such arrays are
    // written more tightly.
    const copy: unknown[] = dense ? [] : new Array(array.length);
    this.#seen.set(array, copy);
    this.#members(array, keys, copy);
    return copy;
  }

  // V8 would give the receiver room for every hole: a few bytes from a hostile program would be megabytes there.
  #sparse(array: unknown[], keys: string[]): unknown {
    const items = {};
    const ref = ops.newRef(Tag.SPARSE, { length: array.length, items });
    this.#seen.set(array, ref);
    this.#members(array, keys, items);
    return ref;
  }

  #members(from: object, keys: string[], to: object): void {
    for (const key of keys) {
      // A getter may have taken it away by now.
      if (Object.hasOwn(from, key)) define(to, key, this.value((from as Record<string, unknown>)[key]));
    }
  }

  #domException(exception: DOMException): unknown {
    return ops.newRef(Tag.DOM_EXCEPTION, { name: exception.name, message: exception.message });
  }

  #error(error: Error): unknown {
    if (this.#errorsOpen.has(error)) throw new Error("Unable to deserialize cloned data.");
    this.#errorsOpen.add(error);
    try {
      return ops.newRef(Tag.ERROR, errorContent(error, (props) => this.value(props)));
    } finally {
      this.#errorsOpen.delete(error);
    }
  }

  /** Lets go of what was exported for a value that is not sent after all. */
  abandon(): void {
    for (const cap of this.caps) ops.capDrop(cap);
  }

  #function(target: Function): unknown {
    return this.#stub(target) ?? this.#export(target);
  }

  #proxy(proxy: object): unknown {
    const stub = this.#stub(proxy);
    if (stub !== undefined) return stub;
    const plain = Object.getPrototypeOf(proxy) as unknown;
    if (plain === Object.prototype || plain === Function.prototype || proxy instanceof RpcTarget) return this.#export(proxy);
    throw cloneError(
      "Proxy could not be serialized because it is not a valid RPC receiver type. The Proxy must emulate either a plain " +
        "object or an RpcTarget, as indicated by the Proxy's prototype chain.",
    );
  }

  /** What is sent for an instance of a class; undefined if a copy of its properties is. */
  #instance(object: object): unknown {
    const stub = this.#stub(object);
    if (stub !== undefined) return stub;
    if (isTarget(object)) return this.#export(object);
    if (object instanceof Headers) return this.#headers(object);
    if (isDOMException(object)) return this.#domException(object);
    if (isBlob(object) && Object.getPrototypeOf(object) === Blob.prototype) {
      return ops.newRef(Tag.BLOB, { type: object.type, bytes: ownBytes(blobBytes(object)) });
    }
    if (object instanceof Request) {
      if (object.body !== null || this.mode === "thrown") this.#onlyForRpc(object, "ReadableStream");
      return ops.newRef(Tag.REQUEST, lowerRequest(object, this));
    }
    if (object instanceof Response) {
      if (object.body !== null || this.mode === "thrown") this.#onlyForRpc(object, "ReadableStream");
      return ops.newRef(Tag.RESPONSE, lowerResponse(object, this));
    }
    if (isReadableStream(object)) {
      this.#onlyForRpc(object, "ReadableStream");
      return ops.newRef(Tag.READABLE, this.addCap("source", exportReadable(object)));
    }
    if (isWritableStream(object)) {
      this.#onlyForRpc(object, "WritableStream");
      return ops.newRef(Tag.WRITABLE, this.addCap("sink", exportWritable(object)));
    }
    if (isAbortSignal(object)) throw cloneError("AbortSignal serialization is not enabled.");
    if (this.mode === "thrown" && findInspector(object) === undefined) return undefined;
    throw cloneError(`Could not serialize object of type "${classNameOf(object)}". This type does not support serialization.`);
  }

  #headers(headers: Headers): unknown {
    const pairs = headerListOf(headers).toPairs();
    if (pairs.length > MAX_HEADERS) throw cloneError(`Headers could not be cloned: header count exceeds maximum (${pairs.length}).`);
    return ops.newRef(Tag.HEADERS, pairs);
  }

  #stub(object: object): unknown {
    const state = stubStateOf(object);
    if (state === undefined) return undefined;
    if (this.mode === "thrown") throw cloneError(`#<${state.className}> could not be cloned.`);
    if (state.kind === "stub" && this.mode === "env") throw cloneError("Remote RPC references can only be serialized for RPC.");
    const cap = state.transferable(this.mode === "result");
    return state.kind === "entrypoint"
      ? ops.newRef(Tag.FETCHER, this.addCap("entrypoint", cap))
      : ops.newRef(Tag.STUB, this.addCap("object", cap));
  }

  #export(target: object): unknown {
    if (this.mode === "env" || this.mode === "thrown") throw cloneError(`${describe(target)} could not be cloned.`);
    return ops.newRef(Tag.STUB, this.addCap("object", this.mode === "result" ? exportResult(target) : exportArgument(target)));
  }

  #onlyForRpc(object: object, type: string): void {
    if (this.mode === "env") throw cloneError(`${type} can only be serialized for RPC.`);
    if (this.mode === "thrown") throw cloneError(`${describe(object)} could not be cloned.`);
  }
}

const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;

// `__proto__` and the like become data properties, never setters.
function define(target: object, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (target as Record<string, unknown>)[key] = value;
  }
}

function ownBytes(view: ArrayBufferView): ArrayBufferView {
  if (view.byteLength === view.buffer.byteLength) return view;
  const buffer = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  if (view instanceof DataView) return new DataView(buffer);
  const Class = Object.getPrototypeOf(view).constructor as new (buffer: ArrayBufferLike) => ArrayBufferView;
  return new Class(buffer);
}

function describe(target: object): string {
  try {
    return typeof target === "function" ? Function.prototype.toString.call(target).slice(0, 200) : `#<${classNameOf(target)}>`;
  } catch {
    return "#<Object>";
  }
}

export const MAX_PAYLOAD_BYTES = 33554432;

/** One value ready to be sent. Throws DataCloneError, or Error if it is too large. */
export function encodeValue(value: unknown, mode: Mode): Encoded {
  const lowering = new Lowering(mode);
  let encoded: Encoded;
  try {
    let lowered = lowering.value(value);
    if (mode === "result" && hasOwnDisposer(value)) {
      lowered = ops.newRef(Tag.DISPOSABLE, { value: lowered, disposer: lowering.addCap("object", exportDisposer(value)) });
    }
    encoded = ops.encode(lowered, lowering.caps, lowering.kinds);
  } catch (error) {
    lowering.abandon();
    throw error;
  }
  if (ops.encodedSize(encoded) > MAX_PAYLOAD_BYTES) {
    throw new Error(
      `Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: ${ops.encodedSize(encoded)} bytes.`,
    );
  }
  return encoded;
}

/** Whether `value` is a plain object that says itself what happens when its receiver is done with it. */
function hasOwnDisposer(value: unknown): value is object {
  if (typeof value !== "object" || value === null || ops.isProxy(value) || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return typeof (value as Partial<Disposable>)[Symbol.dispose] === "function";
}
