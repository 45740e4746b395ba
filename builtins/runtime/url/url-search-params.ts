// URLSearchParams. Those that belong to a URL tell it when they change (see bindSearchParams).

import { setInspector } from "../support/inspectors.ts";
import { pairIterators } from "../support/pair-iterator.ts";
import { reflectApply } from "../support/intrinsics.ts";
import { defineInterface, isObject, requireArguments, toPairs, toUSVString } from "../support/webidl.ts";
import { parseUrlencoded, serializeUrlencoded, type Pair } from "./form-urlencoded.ts";

interface ParamsAccess {
  bind(params: URLSearchParams, changed: (query: string) => void): void;
  replace(params: URLSearchParams, query: string): void;
  pairs(params: URLSearchParams): readonly Pair[];
  brand(value: object): value is URLSearchParams;
}

let access: ParamsAccess;
const iterate = pairIterators("URLSearchParams");

export class URLSearchParams {
  #pairs: Pair[] = [];
  #changed: ((query: string) => void) | null = null;

  constructor(init: unknown = "") {
    if (isObject(init)) {
      this.#pairs = toPairs(init, "URLSearchParams", toUSVString);
    } else {
      const text = toUSVString(init);
      this.#pairs = parseUrlencoded(text.startsWith("?") ? text.slice(1) : text);
    }
  }

  static {
    access = {
      bind(params, changed) {
        params.#changed = changed;
      },
      replace(params, query) {
        params.#pairs = parseUrlencoded(query);
      },
      pairs: (params) => params.#pairs,
      brand: (value): value is URLSearchParams => #pairs in value,
    };
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "URLSearchParams.append");
    this.#pairs.push([toUSVString(name), toUSVString(value)]);
    this.#update();
  }

  delete(name: unknown, value?: unknown): void {
    requireArguments(arguments.length, 1, "URLSearchParams.delete");
    const key = toUSVString(name);
    const wanted = value === undefined ? undefined : toUSVString(value);
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== key || (wanted !== undefined && pair[1] !== wanted));
    this.#update();
  }

  get(name: unknown): string | null {
    requireArguments(arguments.length, 1, "URLSearchParams.get");
    const key = toUSVString(name);
    for (const pair of this.#pairs) if (pair[0] === key) return pair[1];
    return null;
  }

  getAll(name: unknown): string[] {
    requireArguments(arguments.length, 1, "URLSearchParams.getAll");
    const key = toUSVString(name);
    const values: string[] = [];
    for (const pair of this.#pairs) if (pair[0] === key) values.push(pair[1]);
    return values;
  }

  has(name: unknown, value?: unknown): boolean {
    requireArguments(arguments.length, 1, "URLSearchParams.has");
    const key = toUSVString(name);
    const wanted = value === undefined ? undefined : toUSVString(value);
    return this.#pairs.some((pair) => pair[0] === key && (wanted === undefined || pair[1] === wanted));
  }

  set(name: unknown, value: unknown): void {
    requireArguments(arguments.length, 2, "URLSearchParams.set");
    const key = toUSVString(name);
    const text = toUSVString(value);
    let found = false;
    const kept: Pair[] = [];
    for (const pair of this.#pairs) {
      if (pair[0] !== key) kept.push(pair);
      else if (!found) {
        found = true;
        kept.push([key, text]);
      }
    }
    if (!found) kept.push([key, text]);
    this.#pairs = kept;
    this.#update();
  }

  sort(): void {
    // By code units, which is how `<` compares strings; the sort is stable.
    this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this.#update();
  }

  forEach(callback: unknown, thisArg?: unknown): void {
    requireArguments(arguments.length, 1, "URLSearchParams.forEach");
    if (typeof callback !== "function") throw new TypeError("URLSearchParams.forEach: the callback is not a function.");
    for (let i = 0; i < this.#pairs.length; i++) {
      const pair = this.#pairs[i]!;
      reflectApply(callback, thisArg, [pair[1], pair[0], this]);
    }
  }

  entries(): IterableIterator<unknown> {
    void this.#pairs;
    return iterate(() => this.#pairs, "entries");
  }

  keys(): IterableIterator<unknown> {
    void this.#pairs;
    return iterate(() => this.#pairs, "keys");
  }

  values(): IterableIterator<unknown> {
    void this.#pairs;
    return iterate(() => this.#pairs, "values");
  }

  toString(): string {
    return serializeUrlencoded(this.#pairs);
  }

  #update(): void {
    this.#changed?.(serializeUrlencoded(this.#pairs));
  }

  declare [Symbol.iterator]: () => IterableIterator<unknown>;
}

Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, {
  value: URLSearchParams.prototype.entries,
  writable: true,
  configurable: true,
});

export function isURLSearchParams(value: unknown): value is URLSearchParams {
  return isObject(value) && access.brand(value);
}

export function serializeSearchParams(params: URLSearchParams): string {
  return serializeUrlencoded(access.pairs(params));
}

/** Makes the parameters of a URL: `changed` gets the new query whenever the program changes them. */
export function bindSearchParams(query: string, changed: (query: string) => void): URLSearchParams {
  const params = new URLSearchParams();
  access.replace(params, query);
  access.bind(params, changed);
  return params;
}

/** The URL's query was changed otherwise: the parameters follow, without telling the URL. */
export function replaceSearchParams(params: URLSearchParams, query: string): void {
  access.replace(params, query);
}

defineInterface(URLSearchParams, "URLSearchParams");
setInspector(URLSearchParams, "URLSearchParams", (params) => ({ entries: access.pairs(params) }));
