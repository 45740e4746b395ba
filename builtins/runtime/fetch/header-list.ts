// The list of headers behind Headers: names compare without case, Set-Cookie is never combined.

import type { HeaderPairs } from "../../internal/ops.ts";
import { regExpTest, toLowerCase } from "../support/intrinsics.ts";
import { toDOMString, toUSVString } from "../support/webidl.ts";

interface Header {
  /** As first given: that is how it is sent. */
  name: string;
  values: string[];
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// Bytes that would end the header, or the message.
const FORBIDDEN_IN_VALUE = /[\0\r\n]/;

export function checkHeaderName(name: unknown): string {
  const text = toDOMString(name);
  if (!regExpTest(TOKEN, text)) throw new TypeError(`Invalid header name. (${JSON.stringify(text)})`);
  return text;
}

/** What lies above U+007F travels as UTF-8. */
export function checkHeaderValue(value: unknown, name: string): string {
  const text = toUSVString(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (regExpTest(FORBIDDEN_IN_VALUE, text))
    throw new TypeError(`Invalid header value. (That of "${name}" has a line break or a NUL in it.)`);
  return text;
}

export class HeaderList {
  readonly #headers = new Map<string, Header>();
  #sorted: [string, string][] | null = null;

  /** From the wire: already checked by whoever parsed it. */
  static fromPairs(pairs: HeaderPairs): HeaderList {
    const list = new HeaderList();
    for (let i = 0; i < pairs.length; i++) list.append(pairs[i]![0], pairs[i]![1]);
    return list;
  }

  clone(): HeaderList {
    const list = new HeaderList();
    for (const [key, header] of this.#headers)
      list.#headers.set(key, { name: header.name, values: [...header.values] });
    return list;
  }

  append(name: string, value: string): void {
    this.#sorted = null;
    const key = toLowerCase(name);
    const header = this.#headers.get(key);
    if (header === undefined) this.#headers.set(key, { name, values: [value] });
    else header.values.push(value);
  }

  set(name: string, value: string): void {
    this.#sorted = null;
    const key = toLowerCase(name);
    const header = this.#headers.get(key);
    if (header === undefined) this.#headers.set(key, { name, values: [value] });
    else header.values = [value];
  }

  delete(name: string): void {
    this.#sorted = null;
    this.#headers.delete(toLowerCase(name));
  }

  has(name: string): boolean {
    return this.#headers.has(toLowerCase(name));
  }

  get(name: string): string | null {
    const header = this.#headers.get(toLowerCase(name));
    return header === undefined ? null : header.values.join(", ");
  }

  cookies(): string[] {
    return [...(this.#headers.get("set-cookie")?.values ?? [])];
  }

  /** Sorted by name and combined, as iteration shows them. */
  sorted(): readonly [string, string][] {
    if (this.#sorted !== null) return this.#sorted;
    const pairs: [string, string][] = [];
    for (const key of [...this.#headers.keys()].sort()) {
      const { values } = this.#headers.get(key)!;
      if (key === "set-cookie") for (const value of values) pairs.push([key, value]);
      else pairs.push([key, values.join(", ")]);
    }
    return (this.#sorted = pairs);
  }

  /** One pair per value, with names as they were given. */
  toPairs(): HeaderPairs {
    const pairs: HeaderPairs = [];
    for (const { name, values } of this.#headers.values()) {
      for (let i = 0; i < values.length; i++) pairs.push([name, values[i]!]);
    }
    return pairs;
  }
}
