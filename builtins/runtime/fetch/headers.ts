// Headers, without guards: requests and responses here may carry any header.

import { reflectApply } from "../support/intrinsics.ts";
import { setInspector } from "../support/inspectors.ts";
import { pairIterators } from "../support/pair-iterator.ts";
import { defineInterface, INTERNAL, isObject, requireArguments, toByteString, toPairs } from "../support/webidl.ts";
import { checkHeaderName, checkHeaderValue, HeaderList } from "./header-list.ts";

let listOf: (headers: Headers) => HeaderList;
let brand: (value: object) => value is Headers;
const iterate = pairIterators("Headers");

export class Headers {
  readonly #list: HeaderList;

  constructor(init?: unknown, list?: unknown) {
    if (init === INTERNAL) {
      this.#list = list as HeaderList;
      return;
    }
    if (init === undefined) {
      this.#list = new HeaderList();
      return;
    }
    if (isHeaders(init)) {
      this.#list = listOf(init).clone();
      return;
    }
    if (!isObject(init))
      throw new TypeError("Failed to construct 'Headers': the argument is neither a sequence nor an object.");
    this.#list = new HeaderList();
    for (const [name, value] of toPairs(init, "Headers", (part) => toByteString(part, "A header"))) {
      this.append(name, value);
    }
  }

  static {
    listOf = (headers) => headers.#list;
    brand = (value): value is Headers => #list in value;
  }

  append(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "Headers.append");
    const key = checkHeaderName(name);
    this.#list.append(key, checkHeaderValue(value, key));
  }

  delete(name: unknown): void {
    requireArguments(arguments.length, 1, "Headers.delete");
    this.#list.delete(checkHeaderName(name));
  }

  get(name: unknown): string | null {
    requireArguments(arguments.length, 1, "Headers.get");
    return this.#list.get(checkHeaderName(name));
  }

  /** Of the platform, older than getSetCookie(): all values of Set-Cookie, the only header it takes. */
  getAll(name: unknown): string[] {
    requireArguments(arguments.length, 1, "Headers.getAll");
    if (checkHeaderName(name).toLowerCase() !== "set-cookie") {
      throw new TypeError('getAll() can only be used with the header name "Set-Cookie".');
    }
    return this.#list.cookies();
  }

  getSetCookie(): string[] {
    return this.#list.cookies();
  }

  has(name: unknown): boolean {
    requireArguments(arguments.length, 1, "Headers.has");
    return this.#list.has(checkHeaderName(name));
  }

  set(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "Headers.set");
    const key = checkHeaderName(name);
    this.#list.set(key, checkHeaderValue(value, key));
  }

  forEach(callback: unknown, thisArg?: unknown): void {
    requireArguments(arguments.length, 1, "Headers.forEach");
    if (typeof callback !== "function") throw new TypeError("Headers.forEach: the callback is not a function.");
    for (let i = 0; i < this.#list.sorted().length; i++) {
      const pair = this.#list.sorted()[i]!;
      reflectApply(callback, thisArg, [pair[1], pair[0], this]);
    }
  }

  entries(): IterableIterator<unknown> {
    void this.#list;
    return iterate(() => this.#list.sorted(), "entries");
  }

  keys(): IterableIterator<unknown> {
    void this.#list;
    return iterate(() => this.#list.sorted(), "keys");
  }

  values(): IterableIterator<unknown> {
    void this.#list;
    return iterate(() => this.#list.sorted(), "values");
  }

  declare [Symbol.iterator]: () => IterableIterator<unknown>;
}

Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: Headers.prototype.entries,
  writable: true,
  configurable: true,
});

export function isHeaders(value: unknown): value is Headers {
  return isObject(value) && brand(value);
}

export function headerListOf(headers: Headers): HeaderList {
  return listOf(headers);
}

/** Takes the list over. */
export function headersFromList(list: HeaderList): Headers {
  return new Headers(INTERNAL, list);
}

defineInterface(Headers, "Headers");
setInspector(Headers, "Headers", (headers) => ({ fields: Object.fromEntries(combined(headers)) }));

function combined(headers: Headers): [string, unknown][] {
  const cookies = listOf(headers).cookies();
  return listOf(headers)
    .sorted()
    .map(([name, value]) => [name, name === "set-cookie" && cookies.length > 1 ? cookies : value]);
}
