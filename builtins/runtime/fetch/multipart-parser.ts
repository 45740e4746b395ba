// Reading multipart/form-data. The input comes from strangers; every step is linear in its size.

import { ops } from "../../internal/ops.ts";
import type { FormEntry } from "../blob/form-data.ts";
import { createFile } from "../blob/file.ts";
import { decodeUtf8 } from "../encoding/text-decoder.ts";
import { latin1Of } from "../support/intrinsics.ts";

/** Throws TypeError if the bytes are not a complete multipart body with this boundary. */
export function parseMultipart(bytes: Uint8Array, boundary: string): FormEntry[] {
  // One unit per byte, so that positions agree and indexOf() does the searching.
  const text = latin1Of(bytes);
  const delimiter = `--${latin1Of(ops.utf8Encode(boundary))}`;
  let at = findFirst(text, delimiter);
  const entries: FormEntry[] = [];
  for (;;) {
    at += delimiter.length;
    if (text.startsWith("--", at)) return entries;
    at = skipLineEnd(text, at);
    const headEnd = text.startsWith("\r\n", at) ? at : text.indexOf("\r\n\r\n", at);
    if (headEnd < 0) throw malformed("a part has no end of its headers");
    const part = parseHead(decodeUtf8(bytes.subarray(at, headEnd)));
    const start = headEnd === at ? at + 2 : headEnd + 4;
    // The line break before the delimiter belongs to it; an empty part has none of its own.
    const end = text.startsWith(delimiter, start) ? start : text.indexOf(`\r\n${delimiter}`, start);
    if (end < 0) throw malformed("the closing boundary is missing");
    const content = bytes.subarray(start, end);
    if (part.filename === null) entries.push([part.name, decodeUtf8(content)]);
    else entries.push([part.name, createFile(content.slice(), part.filename, part.type ?? "text/plain")]);
    at = end === start && text.startsWith(delimiter, start) ? end : end + 2;
  }
}

function findFirst(text: string, delimiter: string): number {
  if (text.startsWith(delimiter)) return 0;
  const at = text.indexOf(`\r\n${delimiter}`);
  if (at < 0) throw malformed("the boundary does not occur");
  return at + 2;
}

function skipLineEnd(text: string, at: number): number {
  while (text[at] === " " || text[at] === "\t") at++;
  if (!text.startsWith("\r\n", at)) throw malformed("a boundary is not followed by a line break");
  return at + 2;
}

function parseHead(head: string): { name: string; filename: string | null; type: string | null } {
  let name: string | null = null;
  let filename: string | null = null;
  let type: string | null = null;
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, colon).trim().toLowerCase()) {
      case "content-disposition":
        if (!/^form-data\s*(;|$)/i.test(value)) throw malformed("a part's Content-Disposition is not form-data");
        name = parameter(value, "name");
        filename = parameter(value, "filename");
        break;
      case "content-type":
        type = value;
        break;
    }
  }
  if (name === null) throw malformed("a part has no name");
  return { name, filename, type };
}

function parameter(value: string, key: string): string | null {
  const match = new RegExp(`;\\s*${key}=(?:"([^"]*)"|([^;\\s]*))`, "i").exec(value);
  if (match === null) return null;
  return (match[1] ?? match[2]!).replace(/%0A|%0D|%22/gi, (escape) => {
    const code = escape.slice(1).toUpperCase();
    return code === "0A" ? "\n" : code === "0D" ? "\r" : '"';
  });
}

function malformed(why: string): TypeError {
  return new TypeError(`The body could not be parsed as multipart/form-data: ${why}.`);
}
