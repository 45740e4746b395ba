// URL, over the native parser.

import { ops, type UrlParts } from "../../internal/ops.ts";
import { setInspector } from "../support/inspectors.ts";
import { defineInterface, isObject, requireArguments, toUSVString } from "../support/webidl.ts";
import { bindSearchParams, replaceSearchParams, type URLSearchParams } from "./url-search-params.ts";

type Part = Parameters<typeof ops.setUrlPart>[1];

let partsOf: (url: URL) => UrlParts;
let brand: (value: object) => value is URL;

export class URL {
  #parts: UrlParts;
  #searchParams: URLSearchParams | null = null;

  constructor(url: unknown, base?: unknown) {
    requireArguments(arguments.length, 1, "URL.constructor");
    const input = toUSVString(url);
    const parts = ops.parseUrl(input, base === undefined ? undefined : toUSVString(base));
    if (parts === null) throw invalidUrl(input);
    this.#parts = parts;
  }

  static {
    partsOf = (url) => url.#parts;
    brand = (value): value is URL => #parts in value;
  }

  static canParse(url: unknown, base?: unknown): boolean {
    requireArguments(arguments.length, 1, "URL.canParse");
    return ops.parseUrl(toUSVString(url), base === undefined ? undefined : toUSVString(base)) !== null;
  }

  static parse(url: unknown, base?: unknown): URL | null {
    requireArguments(arguments.length, 1, "URL.parse");
    const parts = ops.parseUrl(toUSVString(url), base === undefined ? undefined : toUSVString(base));
    return parts === null ? null : new URL(parts.href);
  }

  get href(): string {
    return this.#parts.href;
  }
  set href(value: unknown) {
    const input = toUSVString(value);
    const parts = ops.parseUrl(input, undefined);
    if (parts === null) throw invalidUrl(input);
    this.#parts = parts;
    this.#queryChanged();
  }

  get origin(): string {
    return this.#parts.origin;
  }

  get protocol(): string {
    return this.#parts.protocol;
  }
  set protocol(value: unknown) {
    this.#set("protocol", value);
  }

  get username(): string {
    return this.#parts.username;
  }
  set username(value: unknown) {
    this.#set("username", value);
  }

  get password(): string {
    return this.#parts.password;
  }
  set password(value: unknown) {
    this.#set("password", value);
  }

  get host(): string {
    return this.#parts.host;
  }
  set host(value: unknown) {
    this.#set("host", value);
  }

  get hostname(): string {
    return this.#parts.hostname;
  }
  set hostname(value: unknown) {
    this.#set("hostname", value);
  }

  get port(): string {
    return this.#parts.port;
  }
  set port(value: unknown) {
    this.#set("port", value);
  }

  get pathname(): string {
    return this.#parts.pathname;
  }
  set pathname(value: unknown) {
    this.#set("pathname", value);
  }

  get search(): string {
    return this.#parts.search;
  }
  set search(value: unknown) {
    this.#set("search", value);
    this.#queryChanged();
  }

  get searchParams(): URLSearchParams {
    return (this.#searchParams ??= bindSearchParams(this.#query(), (query) => {
      this.#parts = ops.setUrlPart(this.#parts.href, "search", query) ?? this.#parts;
    }));
  }

  get hash(): string {
    return this.#parts.hash;
  }
  set hash(value: unknown) {
    this.#set("hash", value);
  }

  toString(): string {
    return this.#parts.href;
  }

  toJSON(): string {
    return this.#parts.href;
  }

  #query(): string {
    const { search } = this.#parts;
    return search === "" ? "" : search.slice(1);
  }

  #set(part: Part, value: unknown): void {
    const parts = ops.setUrlPart(this.#parts.href, part, toUSVString(value));
    if (parts !== null) this.#parts = parts;
  }

  #queryChanged(): void {
    if (this.#searchParams !== null) replaceSearchParams(this.#searchParams, this.#query());
  }
}

export function invalidUrl(input: string): TypeError {
  const shown = input.length > 200 ? `${input.slice(0, 200)}…` : input;
  return new TypeError(`Invalid URL: ${shown}`);
}

export function isURL(value: unknown): value is URL {
  return isObject(value) && brand(value);
}

export function hrefOf(url: URL): string {
  return partsOf(url).href;
}

defineInterface(URL, "URL");
setInspector(URL, "URL", (url) => {
  const { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash } = partsOf(url);
  return {
    fields: {
      href,
      origin,
      protocol,
      username,
      password,
      host,
      hostname,
      port,
      pathname,
      search,
      searchParams: url.searchParams,
      hash,
    },
  };
});
