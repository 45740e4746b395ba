// TextDecoder for UTF-8, UTF-16 and windows-1252 (which is what "latin1" and "ascii" mean on the web).

import { ops } from "../../internal/ops.ts";
import {
  bytesOf,
  charCodeAt,
  concatBytes,
  isBufferSource,
  isWellFormed,
  latin1Of,
  reflectApply,
  toWellFormed,
} from "../support/intrinsics.ts";
import { defineInterface, toDictionary, toDOMString } from "../support/webidl.ts";
import { findEncoding, type EncodingName } from "./labels.ts";
import { unfinishedSuffix } from "./utf8-stream.ts";

const NOTHING = new Uint8Array(0);

export class TextDecoder {
  readonly #encoding: EncodingName;
  readonly #fatal: boolean;
  readonly #ignoreBOM: boolean;
  // Bytes of an unfinished character, and whether the stream's start is behind us.
  #pending: Uint8Array = NOTHING;
  #started = false;

  constructor(label: unknown = "utf-8", options?: unknown) {
    const name = toDOMString(label);
    const encoding = findEncoding(name);
    if (encoding === undefined) throw new RangeError(`"${name}" is not a supported encoding label.`);
    this.#encoding = encoding;
    const { fatal, ignoreBOM } = toDictionary(options, "TextDecoder options");
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding(): string {
    return this.#encoding;
  }

  get fatal(): boolean {
    return this.#fatal;
  }

  get ignoreBOM(): boolean {
    return this.#ignoreBOM;
  }

  decode(input?: unknown, options?: unknown): string {
    void this.#encoding;
    if (input !== undefined && !isBufferSource(input)) {
      throw new TypeError("Failed to execute 'TextDecoder.decode': the input is neither an ArrayBuffer nor a view.");
    }
    const more = Boolean(toDictionary(options, "TextDecoder.decode() options")["stream"]);
    let bytes: Uint8Array = input === undefined ? NOTHING : bytesOf(input);
    if (this.#pending.length > 0) {
      bytes = concatBytes([this.#pending, bytes], this.#pending.length + bytes.length);
      this.#pending = NOTHING;
    }
    const started = this.#started;
    this.#started = more;
    if (more) {
      const held = this.#unfinished(bytes);
      if (held > 0) {
        this.#pending = bytes.slice(bytes.length - held);
        bytes = bytes.subarray(0, bytes.length - held);
      }
      // A byte order mark may still come.
      if (bytes.length === 0) this.#started = started;
    }
    let text: string;
    try {
      text = this.#toText(bytes);
    } catch (error) {
      this.#pending = NOTHING;
      this.#started = false;
      throw error;
    }
    if (
      !started &&
      !this.#ignoreBOM &&
      text !== "" &&
      charCodeAt(text, 0) === 0xfeff &&
      this.#encoding !== "windows-1252"
    ) {
      return text.slice(1);
    }
    return text;
  }

  #unfinished(bytes: Uint8Array): number {
    switch (this.#encoding) {
      case "utf-8":
        return unfinishedSuffix(bytes);
      case "windows-1252":
        return 0;
      default: {
        const odd = bytes.length % 2;
        const whole = bytes.length - odd;
        const high = bytes[whole - (this.#encoding === "utf-16le" ? 1 : 2)];
        return high !== undefined && high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
      }
    }
  }

  #toText(bytes: Uint8Array): string {
    switch (this.#encoding) {
      case "utf-8":
        return ops.utf8Decode(bytes, this.#fatal);
      case "windows-1252":
        return decodeWindows1252(bytes);
      default:
        return decodeUtf16(bytes, this.#encoding === "utf-16be", this.#fatal);
    }
  }
}

function decodeUtf16(bytes: Uint8Array, bigEndian: boolean, fatal: boolean): string {
  const units: number[] = [];
  let text = "";
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    units.push(bigEndian ? (bytes[i]! << 8) | bytes[i + 1]! : (bytes[i + 1]! << 8) | bytes[i]!);
    if (units.length === 4096) {
      text += reflectApply(fromCharCode, null, units);
      units.length = 0;
    }
  }
  text += reflectApply(fromCharCode, null, units);
  const complete = bytes.length % 2 === 0;
  if (complete && isWellFormed(text)) return text;
  if (fatal) throw new TypeError("The encoded data was not valid.");
  if (complete) return toWellFormed(text);
  // Half a unit, and a high surrogate before it, are one error together.
  const last = text === "" ? 0 : charCodeAt(text, text.length - 1);
  return `${toWellFormed(last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text)}\ufffd`;
}
const { fromCharCode } = String;

// What 0x80 to 0x9f stand for; the rest is Latin-1.
const HIGH_CONTROLS =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

function decodeWindows1252(bytes: Uint8Array): string {
  return latin1Of(bytes).replace(/[\x80-\x9f]/g, (control) => HIGH_CONTROLS[charCodeAt(control, 0) - 0x80]!);
}

/** "UTF-8 decode" of the Encoding standard: without errors, and without a byte order mark at the start. */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = ops.utf8Decode(bytes, false);
  return text !== "" && charCodeAt(text, 0) === 0xfeff ? text.slice(1) : text;
}

defineInterface(TextDecoder, "TextDecoder");
