// The application/x-www-form-urlencoded format, as in the URL standard.

import { ops } from "../../internal/ops.ts";
import { charCodeAt, regExpTest } from "../support/intrinsics.ts";

export type Pair = [name: string, value: string];

export function parseUrlencoded(input: string): Pair[] {
  const pairs: Pair[] = [];
  for (const part of input.split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const name = at < 0 ? part : part.slice(0, at);
    const value = at < 0 ? "" : part.slice(at + 1);
    pairs.push([decode(name), decode(value)]);
  }
  return pairs;
}

function decode(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  return spaced.includes("%") ? percentDecodeText(spaced) : spaced;
}

function percentDecodeText(text: string): string {
  return ops.utf8Decode(percentDecode(ops.utf8Encode(text)), false);
}

/** Percent-decodes in place; bytes that are no valid escape stay as they are. */
export function percentDecode(bytes: Uint8Array): Uint8Array {
  let out = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x25 && i + 2 < bytes.length) {
      const high = hexDigit(bytes[i + 1]!);
      const low = hexDigit(bytes[i + 2]!);
      if (high >= 0 && low >= 0) {
        bytes[out++] = high * 16 + low;
        i += 2;
        continue;
      }
    }
    bytes[out++] = byte;
  }
  return bytes.subarray(0, out);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

export function serializeUrlencoded(pairs: readonly (readonly [string, string])[]): string {
  let result = "";
  for (const [name, value] of pairs) {
    if (result !== "") result += "&";
    result += `${encode(name)}=${encode(value)}`;
  }
  return result;
}

const PLAIN = /^[\w*.-]*$/;
const encodeComponent = encodeURIComponent;

// encodeURIComponent leaves a few characters alone that this format escapes, and the other way round for the space.
function encode(text: string): string {
  if (regExpTest(PLAIN, text)) return text;
  return encodeComponent(text).replace(/%20|[!'()~]/g, (match) =>
    match === "%20" ? "+" : `%${charCodeAt(match, 0).toString(16).toUpperCase()}`,
  );
}
