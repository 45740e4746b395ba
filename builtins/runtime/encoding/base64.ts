// atob() and btoa().

import { ops } from "../../internal/ops.ts";
import { DOMException } from "../errors/dom-exception.ts";
import { charCodeAt, latin1Of } from "../support/intrinsics.ts";
import { requireArguments, toDOMString } from "../support/webidl.ts";

export function atob(data: unknown): string {
  requireArguments(arguments.length, 1, "atob");
  const bytes = ops.base64Decode(toDOMString(data));
  if (bytes === null) {
    throw new DOMException("atob() called with invalid base64-encoded data.", "InvalidCharacterError");
  }
  return latin1Of(bytes);
}

export function btoa(data: unknown): string {
  requireArguments(arguments.length, 1, "btoa");
  const text = toDOMString(data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i);
    if (unit > 0xff) {
      throw new DOMException(
        "btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.",
        "InvalidCharacterError",
      );
    }
    bytes[i] = unit;
  }
  return ops.base64Encode(bytes);
}
