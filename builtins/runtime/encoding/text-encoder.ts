// TextEncoder: UTF-8 only, as the standard has it.

import { ops } from "../../internal/ops.ts";
import { bytesOf, charCodeAt, typedArrayName } from "../support/intrinsics.ts";
import { defineInterface, requireArguments, toDOMString } from "../support/webidl.ts";

export class TextEncoder {
  // A brand, so that torn-off methods fail as they do elsewhere.
  readonly #encoding = "utf-8";

  get encoding(): string {
    return this.#encoding;
  }

  encode(input: unknown = ""): Uint8Array {
    void this.#encoding;
    return ops.utf8Encode(toDOMString(input));
  }

  encodeInto(source: unknown, destination: unknown): { read: number; written: number } {
    requireArguments(arguments.length, 2, "TextEncoder.encodeInto");
    void this.#encoding;
    const text = toDOMString(source);
    if (typedArrayName(destination) !== "Uint8Array") {
      throw new TypeError("Failed to execute 'TextEncoder.encodeInto': the destination is not a Uint8Array.");
    }
    return encodeInto(text, bytesOf(destination as Uint8Array));
  }
}

function encodeInto(text: string, target: Uint8Array): { read: number; written: number } {
  let read = 0;
  let written = 0;
  while (read < text.length) {
    let point = charCodeAt(text, read);
    let units = 1;
    if (point >= 0xd800 && point <= 0xdfff) {
      const next = point < 0xdc00 && read + 1 < text.length ? charCodeAt(text, read + 1) : 0;
      if (next >= 0xdc00 && next <= 0xdfff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00);
        units = 2;
      } else {
        point = 0xfffd;
      }
    }
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (written + size > target.length) break;
    if (size === 1) {
      target[written++] = point;
    } else {
      target[written++] = (size === 2 ? 0xc0 : size === 3 ? 0xe0 : 0xf0) | (point >> (6 * (size - 1)));
      for (let i = size - 2; i >= 0; i--) target[written++] = 0x80 | ((point >> (6 * i)) & 0x3f);
    }
    read += units;
  }
  return { read, written };
}

defineInterface(TextEncoder, "TextEncoder");
