// Lowering: a program's value becomes one that V8's structured clone can copy, with a Ref wherever a capability or
// a platform object stands. Getters run once, here.

import { ops, type Cap, type CapKind, type Encoded } from "../internal/ops.ts";
import { Blob, blobBytes, isBlob } from "../runtime/blob/blob.ts";
import { isDOMException, type DOMException } from "../runtime/errors/dom-exception.ts";
import { Headers, headerListOf } from "../runtime/fetch/headers.ts";
import { Request } from "../runtime/fetch/request.ts";
import { Response } from "../runtime/fetch/response.ts";
import { isReadableStream, isWritableStream } from "../runtime/streams/stream-access.ts";
import { cloneError, errorContent } from "./errors.ts";
import { exportTarget, RpcTarget } from "./target.ts";
import { stubStateOf } from "./stub-state.ts";
import { exportReadable, exportWritable, lowerRequest, lowerResponse } from "./streams.ts";

export const Tag = {
  STUB: 1, FETCHER: 2, ERROR: 3, DOM_EXCEPTION: 4, HEADERS: 5, REQUEST: 6, RESPONSE: 7, READABLE: 8, WRITABLE: 9, BLOB: 10,
} as const;

/**
 * `arguments`: what is exported lives as long as the invocation that sends it. `result`: what is exported keeps that
 * invocation open. `env`: WorkerCode.env and props, which outlive the invocation.
 */
export type Mode = "arguments" | "result" | "env";

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
        for (const [key, value] of mapEntries.call(object as Map<unknown, unknown>)) copy.set(this.value(key), this.value(value));
        return copy;
      }
      case "Set": {
        const copy = new Set();
        this.#seen.set(object, copy);
        for (const value of setValues.call(object as Set<unknown>)) copy.add(this.value(value));
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
      default:
        throw cloneError(`#<${brand}> could not be cloned.`);
    }
  }

  #ordinary(object: object): unknown {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype !== Object.prototype) return this.#once(object, () => this.#instance(object, prototype));
    const copy: Record<string, unknown> = {};
    this.#seen.set(object, copy);
    for (const key of Object.keys(object)) {
      define(copy, key, this.value((object as Record<string, unknown>)[key]));
    }
    return copy;
  }

  #array(array: unknown[]): unknown[] {
    const copy: unknown[] = new Array(array.length);
    this.#seen.set(array, copy);
    for (const key of Object.keys(array)) define(copy, key, this.value((array as unknown as Record<string, unknown>)[key]));
    return copy;
  }

  #domException(exception: DOMException): unknown {
    return ops.newRef(Tag.DOM_EXCEPTION, { name: exception.name, message: exception.message });
  }

  #error(error: Error): unknown {
    if (this.#errorsOpen.has(error)) throw cloneError("A cyclic error could not be cloned.");
    this.#errorsOpen.add(error);
    try {
      return ops.newRef(Tag.ERROR, errorContent(error, (props) => this.#attempt(() => this.value(props))));
    } finally {
      this.#errorsOpen.delete(error);
    }
  }

  /** What a failed part added is taken back, so that its capabilities do not travel. */
  #attempt<T>(body: () => T): T {
    const count = this.caps.length;
    try {
      return body();
    } catch (error) {
      this.caps.length = count;
      this.kinds.length = count;
      throw error;
    }
  }

  #function(target: Function): unknown {
    return this.#stub(target) ?? this.#export(target);
  }

  #proxy(proxy: object): unknown {
    const stub = this.#stub(proxy);
    if (stub !== undefined) return stub;
    const plain = Object.getPrototypeOf(proxy) as unknown;
    if (plain === Object.prototype || plain === Function.prototype || proxy instanceof RpcTarget) return this.#export(proxy);
    throw cloneError("Proxy could not be serialized because it is not a valid RPC receiver type.");
  }

  #instance(object: object, prototype: object | null): unknown {
    const stub = this.#stub(object);
    if (stub !== undefined) return stub;
    if (object instanceof RpcTarget) return this.#export(object);
    if (object instanceof Headers) return ops.newRef(Tag.HEADERS, headerListOf(object).toPairs());
    if (isDOMException(object)) return this.#domException(object);
    if (isBlob(object) && prototype === Blob.prototype) {
      return ops.newRef(Tag.BLOB, { type: object.type, bytes: ownBytes(blobBytes(object)) });
    }
    if (object instanceof Request) {
      this.#onlyForRpc("Request");
      return ops.newRef(Tag.REQUEST, lowerRequest(object, this));
    }
    if (object instanceof Response) {
      this.#onlyForRpc("Response");
      return ops.newRef(Tag.RESPONSE, lowerResponse(object, this));
    }
    if (isReadableStream(object)) {
      this.#onlyForRpc("ReadableStream");
      return ops.newRef(Tag.READABLE, this.addCap("source", exportReadable(object)));
    }
    if (isWritableStream(object)) {
      this.#onlyForRpc("WritableStream");
      return ops.newRef(Tag.WRITABLE, this.addCap("sink", exportWritable(object)));
    }
    throw cloneError(
      `Could not serialize object of type "${className(object, prototype)}". This type does not support serialization.`,
    );
  }

  #stub(object: object): unknown {
    const state = stubStateOf(object);
    if (state === undefined) return undefined;
    if (state.kind === "promise") {
      throw cloneError(`Could not serialize object of type "${state.className}". This type does not support serialization.`);
    }
    if (state.kind === "entrypoint") return ops.newRef(Tag.FETCHER, this.addCap("entrypoint", state.transferable()));
    if (this.mode === "env") throw cloneError("Remote RPC references can only be serialized for RPC.");
    return ops.newRef(Tag.STUB, this.addCap("object", state.transferable()));
  }

  #export(target: object): unknown {
    if (this.mode === "env") throw cloneError(`${describe(target)} could not be cloned.`);
    return ops.newRef(Tag.STUB, this.addCap("object", exportTarget(target, this.mode === "result")));
  }

  #onlyForRpc(type: string): void {
    if (this.mode === "env") throw cloneError(`${type} can only be serialized for RPC.`);
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

function className(object: object, prototype: object | null): string {
  if (prototype === null) return "Object";
  try {
    const name: unknown = (object.constructor as { name?: unknown } | undefined)?.name;
    return typeof name === "string" && name !== "" ? name : "Object";
  } catch {
    return "Object";
  }
}

function describe(target: object): string {
  try {
    return typeof target === "function" ? Function.prototype.toString.call(target).slice(0, 200) : `#<${className(target, Object.getPrototypeOf(target))}>`;
  } catch {
    return "#<Object>";
  }
}

export const MAX_PAYLOAD_BYTES = 33554432;

/** One value ready to be sent. Throws DataCloneError, or Error if it is too large. */
export function encodeValue(value: unknown, mode: Mode): Encoded {
  const lowering = new Lowering(mode);
  const encoded = ops.encode(lowering.value(value), lowering.caps, lowering.kinds);
  if (ops.encodedSize(encoded) > MAX_PAYLOAD_BYTES) {
    throw new Error(
      `Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: ${ops.encodedSize(encoded)} bytes.`,
    );
  }
  return encoded;
}
