// structuredClone(): V8's serializer for the language's own types; the platform's classes go through it as
// references and are made anew on the other side.

import { ops, type Ref } from "../../internal/ops.ts";
import { blobBytes, createBlob, isBlob } from "../blob/blob.ts";
import { createFile, isFile } from "../blob/file.ts";
import { getOwnPropertyDescriptor, isArray, objectKeys, bufferByteLength, uncurryThis } from "../support/intrinsics.ts";
import { findInspector } from "../support/inspectors.ts";
import { isObject, requireArguments, toDictionary } from "../support/webidl.ts";
import { DOMException, domExceptionWithStack, isDOMException, stackOf } from "./dom-exception.ts";

enum Tag {
  DOM_EXCEPTION = 1,
  BLOB,
  FILE,
}

export function structuredClone(value: unknown, options?: unknown): unknown {
  requireArguments(arguments.length, 1, "structuredClone");
  const buffers = transferList(toDictionary(options, "structuredClone options")["transfer"]);
  if (!isObject(value)) {
    if (typeof value === "symbol") throw notCloneable(String(value));
    if (buffers.length === 0) return value;
  }
  const blobs: Uint8Array[] = [];
  const source = containsHostObject(value) ? replaceHostObjects(value, blobs, new Map()) : value;
  const encoded = encode(source);
  for (const buffer of buffers) detach(buffer);
  return ops.decode(encoded, (tag, content) => revive(tag, content, blobs), false);
}

function encode(value: unknown): ReturnType<typeof ops.encode> {
  try {
    return ops.encode(value, [], []);
  } catch (error) {
    // What getters of the program throw goes through unchanged.
    if (!isDOMException(error) && isObject(error) && (error as { name?: unknown }).name === "DataCloneError") {
      throw new DOMException(String((error as { message?: unknown }).message), "DataCloneError");
    }
    throw error;
  }
}

const transferBuffer = uncurryThis(ArrayBuffer.prototype.transfer as () => ArrayBuffer);
const isDetached = uncurryThis(getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached")!.get as () => boolean) as (
  buffer: ArrayBuffer,
) => boolean;

function transferList(transfer: unknown): ArrayBuffer[] {
  if (transfer === undefined) return [];
  if (!isObject(transfer)) throw new TypeError("structuredClone: option 'transfer' is not a sequence.");
  const buffers = new Set<ArrayBuffer>();
  for (const item of transfer as Iterable<unknown>) {
    if (!(bufferByteLength(item) !== null && item instanceof ArrayBuffer)) {
      throw new DOMException("Only ArrayBuffers can be transferred.", "DataCloneError");
    }
    if (buffers.has(item))
      throw new DOMException("An ArrayBuffer occurs twice in the transfer list.", "DataCloneError");
    if (isDetached(item)) throw new DOMException("An ArrayBuffer in the transfer list is detached.", "DataCloneError");
    buffers.add(item);
  }
  return [...buffers];
}

function detach(buffer: ArrayBuffer): void {
  transferBuffer(buffer);
}

function isHostObject(value: object): boolean {
  return isDOMException(value) || isBlob(value);
}

// The serializer meets most objects unaided; only graphs with one of our objects in them are copied first. Both
// walks follow what the serializer would follow, but leave accessors to it.
function containsHostObject(root: unknown): boolean {
  const seen = new Set<unknown>();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (!isObject(value) || seen.has(value) || ops.isProxy(value)) continue;
    if (isHostObject(value)) return true;
    const platformClass = findInspector(value)?.name;
    if (platformClass !== undefined) throw notCloneable(`#<${platformClass}>`);
    seen.add(value);
    forEachChild(value, (child) => {
      if (isObject(child)) pending.push(child);
    });
  }
  return false;
}

function forEachChild(value: object, visit: (child: unknown) => void): void {
  switch (ops.brand(value)) {
    case "Map":
      for (const [key, item] of value as Map<unknown, unknown>) {
        visit(key);
        visit(item);
      }
      return;
    case "Set":
      for (const item of value as Set<unknown>) visit(item);
      return;
    case "Error":
      visit(getOwnPropertyDescriptor(value, "cause")?.value);
      return;
    case "":
    case "Object":
    case "Array":
      for (const key of objectKeys(value)) visit(getOwnPropertyDescriptor(value, key)?.value);
      return;
    default:
      if (isArray(value)) for (let i = 0; i < value.length; i++) visit(getOwnPropertyDescriptor(value, i)?.value);
  }
}

/** A copy of the containers of a graph, with references in the place of our objects. */
function replaceHostObjects(value: unknown, blobs: Uint8Array[], done: Map<object, unknown>): unknown {
  if (!isObject(value) || ops.isProxy(value)) return value;
  const known = done.get(value);
  if (known !== undefined) return known;
  if (isHostObject(value)) {
    const ref = toRef(value, blobs);
    done.set(value, ref);
    return ref;
  }
  const brand = ops.brand(value);
  if (brand === "Map") {
    const copy = new Map<unknown, unknown>();
    done.set(value, copy);
    for (const [key, item] of value as Map<unknown, unknown>) {
      copy.set(replaceHostObjects(key, blobs, done), replaceHostObjects(item, blobs, done));
    }
    return copy;
  }
  if (brand === "Set") {
    const copy = new Set<unknown>();
    done.set(value, copy);
    for (const item of value as Set<unknown>) copy.add(replaceHostObjects(item, blobs, done));
    return copy;
  }
  if (!isArray(value) && brand !== "" && brand !== "Object") return value;
  if (typeof value === "function") return value; // for the serializer to refuse
  const copy: Record<string, unknown> = isArray(value) ? ([] as unknown as Record<string, unknown>) : {};
  if (isArray(value)) (copy as unknown as unknown[]).length = value.length;
  done.set(value, copy);
  for (const key of objectKeys(value)) {
    Object.defineProperty(copy, key, {
      value: replaceHostObjects((value as Record<string, unknown>)[key], blobs, done),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return copy;
}

function toRef(value: object, blobs: Uint8Array[]): Ref {
  if (isDOMException(value)) {
    return ops.newRef(Tag.DOM_EXCEPTION, { name: value.name, message: value.message, stack: stackOf(value) });
  }
  // Bytes of a Blob never change, so the clone shares them.
  if (isFile(value)) {
    const { name, type, lastModified } = value;
    return ops.newRef(Tag.FILE, { at: blobs.push(blobBytes(value)) - 1, name, type, lastModified });
  }
  if (isBlob(value)) return ops.newRef(Tag.BLOB, { at: blobs.push(blobBytes(value)) - 1, type: value.type });
  throw notCloneable("#<Object>");
}

interface RefContent {
  name: string;
  message: string;
  stack: string | undefined;
  at: number;
  type: string;
  lastModified: number;
}

function revive(tag: number, content: unknown, blobs: Uint8Array[]): unknown {
  const { name, message, stack, at, type, lastModified } = content as RefContent;
  switch (tag as Tag) {
    case Tag.DOM_EXCEPTION:
      return domExceptionWithStack(message, name, stack);
    case Tag.BLOB:
      return createBlob(blobs[at]!, type);
    case Tag.FILE:
      return createFile(blobs[at]!, name, type, lastModified);
  }
}

function notCloneable(what: string): DOMException {
  return new DOMException(`${what} could not be cloned.`, "DataCloneError");
}
