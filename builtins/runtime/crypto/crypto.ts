// crypto: random bytes and UUIDs.

import { ops } from "../../internal/ops.ts";
import { DOMException } from "../errors/dom-exception.ts";
import { bytesOf, typedArrayName } from "../support/intrinsics.ts";
import { requireIo } from "../support/platform-hooks.ts";
import { defineInterface, illegalConstructor, INTERNAL, requireArguments } from "../support/webidl.ts";
import { createSubtleCrypto, type SubtleCrypto } from "./subtle-crypto.ts";

const MAX_RANDOM_BYTES = 65_536;
const INTEGER_ARRAYS: ReadonlySet<string> = new Set([
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "BigInt64Array",
  "BigUint64Array",
]);

export class Crypto {
  readonly #subtle: SubtleCrypto;

  constructor(token?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
    this.#subtle = createSubtleCrypto();
  }

  get subtle(): SubtleCrypto {
    return this.#subtle;
  }

  getRandomValues<T>(array: T): T {
    requireArguments(arguments.length, 1, "Crypto.getRandomValues");
    void this.#subtle;
    requireIo("crypto.getRandomValues()");
    if (!ArrayBuffer.isView(array)) {
      throw new TypeError("Failed to execute 'Crypto.getRandomValues': the argument is not an ArrayBufferView.");
    }
    const name = typedArrayName(array);
    if (name === undefined || !INTEGER_ARRAYS.has(name)) {
      throw new DOMException(`getRandomValues() fills integer arrays, not ${name ?? "DataView"}.`, "TypeMismatchError");
    }
    const bytes = bytesOf(array);
    if (bytes.byteLength > MAX_RANDOM_BYTES) {
      throw new DOMException(
        `getRandomValues() only accepts buffers of size <= 64K but provided ${bytes.byteLength} bytes.`,
        "QuotaExceededError",
      );
    }
    if (bytes.byteLength > 0) ops.randomBytes(bytes);
    return array;
  }

  randomUUID(): string {
    void this.#subtle;
    requireIo("crypto.randomUUID()");
    const bytes = new Uint8Array(16);
    ops.randomBytes(bytes);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    let text = "";
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
      text += HEX[bytes[i]!]!;
    }
    return text;
  }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function createCrypto(): Crypto {
  return new Crypto(INTERNAL);
}

defineInterface(Crypto, "Crypto");
