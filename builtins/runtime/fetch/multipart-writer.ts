// Writing multipart/form-data.

import { ops } from "../../internal/ops.ts";
import { blobBytes } from "../blob/blob.ts";
import { formEntries, type FormData } from "../blob/form-data.ts";
import { concatBytes } from "../support/intrinsics.ts";

export function serializeMultipart(form: FormData): { bytes: Uint8Array; contentType: string } {
  const boundary = `----formdata-${randomHex(12)}`;
  const chunks: Uint8Array[] = [];
  let total = 0;
  const add = (bytes: Uint8Array): void => {
    chunks.push(bytes);
    total += bytes.byteLength;
  };
  for (const [name, value] of formEntries(form)) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(toCrLf(name))}"`;
    if (typeof value === "string") {
      add(ops.utf8Encode(`${head}\r\n\r\n${toCrLf(value)}\r\n`));
      continue;
    }
    const type = value.type === "" ? "application/octet-stream" : value.type;
    add(ops.utf8Encode(`${head}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`));
    add(blobBytes(value));
    add(ops.utf8Encode("\r\n"));
  }
  add(ops.utf8Encode(`--${boundary}--\r\n`));
  return { bytes: concatBytes(chunks, total), contentType: `multipart/form-data; boundary=${boundary}` };
}

function toCrLf(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n");
}

function escapeName(text: string): string {
  return text.replace(/[\r\n"]/g, (character) => (character === "\r" ? "%0D" : character === "\n" ? "%0A" : "%22"));
}

function randomHex(count: number): string {
  const bytes = new Uint8Array(count);
  ops.randomBytes(bytes);
  let text = "";
  for (let i = 0; i < count; i++) text += (bytes[i]! + 0x100).toString(16).slice(1);
  return text;
}
