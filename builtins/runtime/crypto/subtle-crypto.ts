// crypto.subtle. Digests so far; the other operations say that they are not there.

import { ops } from "../../internal/ops.ts";
import { DOMException } from "../errors/dom-exception.ts";
import { bytesOf, copyBytes, isBufferSource, toUpperCase } from "../support/intrinsics.ts";
import {
  defineInterface,
  illegalConstructor,
  INTERNAL,
  isObject,
  requireArguments,
  toDOMString,
} from "../support/webidl.ts";

type Digest = Parameters<typeof ops.digest>[0];
const DIGESTS: ReadonlySet<string> = new Set(["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]);

export class CryptoKey {
  constructor() {
    illegalConstructor();
  }
}

export class SubtleCrypto {
  readonly #brand = true;

  constructor(token?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
  }

  async digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> {
    requireArguments(arguments.length, 2, "SubtleCrypto.digest");
    void this.#brand;
    const name = algorithmName(algorithm);
    if (!DIGESTS.has(name)) throw new DOMException(`Unrecognized digest algorithm: ${name}`, "NotSupportedError");
    if (!isBufferSource(data)) {
      throw new TypeError("Failed to execute 'SubtleCrypto.digest': the data is neither an ArrayBuffer nor a view.");
    }
    return ops.digest(name as Digest, copyBytes(data));
  }

  /** Of the platform: compares in a time that depends on the length only. */
  timingSafeEqual(a: unknown, b: unknown): boolean {
    requireArguments(arguments.length, 2, "SubtleCrypto.timingSafeEqual");
    void this.#brand;
    if (!isBufferSource(a) || !isBufferSource(b)) {
      throw new TypeError("timingSafeEqual() compares ArrayBuffers and views.");
    }
    const left = bytesOf(a);
    const right = bytesOf(b);
    if (left.byteLength !== right.byteLength) throw new TypeError("Input buffers must have the same byte length.");
    let difference = 0;
    for (let i = 0; i < left.length; i++) difference |= left[i]! ^ right[i]!;
    return difference === 0;
  }

  async encrypt(algorithm: unknown): Promise<never> {
    return notSupported("encrypt", algorithm);
  }
  async decrypt(algorithm: unknown): Promise<never> {
    return notSupported("decrypt", algorithm);
  }
  async sign(algorithm: unknown): Promise<never> {
    return notSupported("sign", algorithm);
  }
  async verify(algorithm: unknown): Promise<never> {
    return notSupported("verify", algorithm);
  }
  async generateKey(algorithm: unknown): Promise<never> {
    return notSupported("generateKey", algorithm);
  }
  async deriveKey(algorithm: unknown): Promise<never> {
    return notSupported("deriveKey", algorithm);
  }
  async deriveBits(algorithm: unknown): Promise<never> {
    return notSupported("deriveBits", algorithm);
  }
  async importKey(_format: unknown, _data: unknown, algorithm: unknown): Promise<never> {
    return notSupported("importKey", algorithm);
  }
  async exportKey(): Promise<never> {
    return notSupported("exportKey", undefined);
  }
  async wrapKey(): Promise<never> {
    return notSupported("wrapKey", undefined);
  }
  async unwrapKey(): Promise<never> {
    return notSupported("unwrapKey", undefined);
  }
}

function algorithmName(algorithm: unknown): string {
  const name = isObject(algorithm) ? (algorithm as { name?: unknown }).name : algorithm;
  if (name === undefined) throw new TypeError("The algorithm has no name.");
  return toUpperCase(toDOMString(name));
}

function notSupported(operation: string, algorithm: unknown): never {
  const name: unknown = isObject(algorithm) ? (algorithm as { name?: unknown }).name : algorithm;
  const detail = typeof name === "string" ? ` (algorithm "${name.slice(0, 50)}")` : "";
  throw new DOMException(
    `crypto.subtle.${operation}() is not available in this version of the runtime${detail}; digest() and timingSafeEqual() are.`,
    "NotSupportedError",
  );
}

export function createSubtleCrypto(): SubtleCrypto {
  return new SubtleCrypto(INTERNAL);
}

defineInterface(CryptoKey, "CryptoKey");
defineInterface(SubtleCrypto, "SubtleCrypto");
