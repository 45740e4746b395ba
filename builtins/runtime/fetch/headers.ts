// Headers. Any header may be set, but not on what came from elsewhere: that is immutable until it is copied.

import { reflectApply } from "../support/intrinsics.ts";
import { setInspector } from "../support/inspectors.ts";
import { pairIterators } from "../support/pair-iterator.ts";
import { defineInterface, INTERNAL, isObject, requireArguments, toDOMString, toPairs } from "../support/webidl.ts";
import { checkHeaderName, checkHeaderValue, HeaderList } from "./header-list.ts";

let listOf: (headers: Headers) => HeaderList;
let brand: (value: object) => value is Headers;
const iterate = pairIterators("Headers");

export class Headers {
  readonly #list: HeaderList;
  readonly #immutable: boolean = false;

  constructor(init: unknown = undefined, content: unknown = undefined) {
    if (init === INTERNAL) {
      const { list, immutable } = content as { list: HeaderList; immutable: boolean };
      this.#list = list;
      this.#immutable = immutable;
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
      throw new TypeError(
        "Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'.",
      );
    this.#list = new HeaderList();
    for (const [name, value] of toPairs(init, "Headers", toDOMString)) {
      this.append(name, value);
    }
  }

  static {
    listOf = (headers) => headers.#list;
    brand = (value): value is Headers => #list in value;
  }

  append(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "Headers.append");
    this.#requireMutable();
    const key = checkHeaderName(name);
    this.#list.append(key, checkHeaderValue(value, key));
  }

  delete(name: unknown): void {
    requireArguments(arguments.length, 1, "Headers.delete");
    this.#requireMutable();
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
    this.#requireMutable();
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

  #requireMutable(): void {
    if (this.#immutable) throw new TypeError("Can't modify immutable headers.");
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
export function headersFromList(list: HeaderList, immutable = false): Headers {
  return new Headers(INTERNAL, { list, immutable });
}

defineInterface(Headers, "Headers");
setInspector(Headers, "Headers", (headers) => ({ fields: Object.fromEntries(combined(headers)) }));

function combined(headers: Headers): [string, unknown][] {
  const cookies = listOf(headers).cookies();
  return listOf(headers)
    .sorted()
    .map(([name, value]) => [name, name === "set-cookie" && cookies.length > 1 ? cookies : value]);
}
