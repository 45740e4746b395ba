// Intrinsics captured before any program runs. A program may replace what hangs on prototypes; the parts of the
// runtime that must keep working then call these instead.

const { call, bind } = Function.prototype;

type Uncurried<T, A extends unknown[], R> = (self: T, ...args: A) => R;

/** `uncurryThis(f)(self, ...args)` is `f.call(self, ...args)`, whatever happens to `Function.prototype.call` later. */
export const uncurryThis = bind.bind(call) as unknown as <T, A extends unknown[], R>(
  method: (this: T, ...args: A) => R,
) => Uncurried<T, A, R>;

export const {
  create: objectCreate,
  defineProperty,
  defineProperties,
  getOwnPropertyDescriptor,
  getOwnPropertyNames,
  getPrototypeOf,
  keys: objectKeys,
  assign: objectAssign,
} = Object;
export const { ownKeys, apply: reflectApply } = Reflect;
export const { isArray, from: arrayFrom } = Array;
export const { isView } = ArrayBuffer;
export const { isFinite: numberIsFinite, isNaN: numberIsNaN, isInteger } = Number;
export const { floor, min, max, trunc, abs } = Math;
export const { stringify: jsonStringify, parse: jsonParse } = JSON;
export const dateNow = Date.now;

export const hasOwn = Object.hasOwn;
export const promiseThen = uncurryThis(Promise.prototype.then) as <T, R = T, E = never>(
  promise: Promise<T>,
  onFulfilled?: ((value: T) => R | PromiseLike<R>) | null,
  onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
) => Promise<R | E>;
/** For promises whose failure concerns nobody. */
export function ignoreRejection(promise: Promise<unknown>): void {
  promiseThen(promise, undefined, () => {});
}
export const toWellFormed = uncurryThis(String.prototype.toWellFormed);
export const isWellFormed = uncurryThis(String.prototype.isWellFormed);
export const charCodeAt = uncurryThis(String.prototype.charCodeAt);
export const toLowerCase = uncurryThis(String.prototype.toLowerCase);
export const toUpperCase = uncurryThis(String.prototype.toUpperCase);
export const regExpTest = uncurryThis(RegExp.prototype.test);

/** The constructor behind all typed arrays. */
const TypedArray = Object.getPrototypeOf(Uint8Array) as { prototype: object };

function getter<T>(prototype: object, key: PropertyKey): (self: unknown) => T {
  return uncurryThis(getOwnPropertyDescriptor(prototype, key)!.get!) as (self: unknown) => T;
}

/** "Uint8Array" and the like; undefined for anything that is not a typed array. */
export const typedArrayName = getter<string | undefined>(TypedArray.prototype, Symbol.toStringTag);
const typedArrayBuffer = getter<ArrayBufferLike>(TypedArray.prototype, "buffer");
const typedArrayOffset = getter<number>(TypedArray.prototype, "byteOffset");
const typedArrayByteLength = getter<number>(TypedArray.prototype, "byteLength");
const dataViewBuffer = getter<ArrayBufferLike>(DataView.prototype, "buffer");
const dataViewOffset = getter<number>(DataView.prototype, "byteOffset");
const dataViewByteLength = getter<number>(DataView.prototype, "byteLength");
const arrayBufferByteLength = getter<number>(ArrayBuffer.prototype, "byteLength");
const sharedByteLength = getter<number>(SharedArrayBuffer.prototype, "byteLength");
const Bytes = Uint8Array;
const sliceBytes = uncurryThis(Uint8Array.prototype.slice) as unknown as (
  self: Uint8Array,
  start?: number,
  end?: number,
) => Uint8Array<ArrayBuffer>;

/** Byte length of an ArrayBuffer or SharedArrayBuffer of any realm; null for everything else. */
export function bufferByteLength(value: unknown): number | null {
  if (typeof value !== "object" || value === null) return null;
  try {
    return arrayBufferByteLength(value);
  } catch {
    try {
      return sharedByteLength(value);
    } catch {
      return null;
    }
  }
}

export function isBufferSource(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return isView(value) || bufferByteLength(value) !== null;
}

/** The bytes a buffer source covers, as a view (no copy). */
export function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (!isView(source)) return new Bytes(source);
  try {
    if (typedArrayName(source) !== undefined) {
      return new Bytes(typedArrayBuffer(source) as ArrayBuffer, typedArrayOffset(source), typedArrayByteLength(source));
    }
    return new Bytes(dataViewBuffer(source) as ArrayBuffer, dataViewOffset(source), dataViewByteLength(source));
  } catch (error) {
    if (error instanceof TypeError) return new Bytes(0); // detached, or out of bounds of a resized buffer
    throw error;
  }
}

/** A copy of the bytes a buffer source covers. */
export function copyBytes(source: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  return sliceBytes(bytesOf(source));
}

export function concatBytes(chunks: Uint8Array[], total: number): Uint8Array<ArrayBuffer> {
  const result = new Bytes(total);
  let at = 0;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    setBytes(result, chunk, at);
    at += chunk.byteLength;
  }
  return result;
}

const setBytes = uncurryThis(Uint8Array.prototype.set) as unknown as (
  self: Uint8Array,
  source: Uint8Array,
  offset: number,
) => void;

/** Latin-1 string of bytes, in pieces small enough for the argument stack. */
export function latin1Of(bytes: Uint8Array): string {
  const { fromCharCode } = intrinsicString;
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    text += reflectApply(fromCharCode, null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return text;
}
const intrinsicString = { fromCharCode: String.fromCharCode };
