// FormData: names with texts and files.

import { setInspector } from "../support/inspectors.ts";
import { reflectApply } from "../support/intrinsics.ts";
import { pairIterators } from "../support/pair-iterator.ts";
import { defineInterface, isObject, requireArguments, toUSVString } from "../support/webidl.ts";
import { blobBytes, isBlob } from "./blob.ts";
import { createFile, isFile, type File } from "./file.ts";

export type FormEntry = [name: string, value: string | File];

let entriesOf: (form: FormData) => FormEntry[];
let brand: (value: object) => value is FormData;
const iterate = pairIterators("FormData");

export class FormData {
  #entries: FormEntry[] = [];

  constructor(form?: unknown) {
    if (form !== undefined)
      throw new TypeError("Failed to construct 'FormData': there are no HTML forms here; call it without arguments.");
  }

  static {
    entriesOf = (form) => form.#entries;
    brand = (value): value is FormData => #entries in value;
  }

  append(name: unknown, value: unknown, filename?: unknown): void {
    requireArguments(arguments.length, 2, "FormData.append");
    this.#entries.push(toEntry("append", name, value, filename, arguments.length > 2));
  }

  delete(name: unknown): void {
    requireArguments(arguments.length, 1, "FormData.delete");
    const key = toUSVString(name);
    this.#entries = this.#entries.filter((entry) => entry[0] !== key);
  }

  get(name: unknown): string | File | null {
    requireArguments(arguments.length, 1, "FormData.get");
    const key = toUSVString(name);
    return this.#entries.find((entry) => entry[0] === key)?.[1] ?? null;
  }

  getAll(name: unknown): (string | File)[] {
    requireArguments(arguments.length, 1, "FormData.getAll");
    const key = toUSVString(name);
    return this.#entries.filter((entry) => entry[0] === key).map((entry) => entry[1]);
  }

  has(name: unknown): boolean {
    requireArguments(arguments.length, 1, "FormData.has");
    const key = toUSVString(name);
    return this.#entries.some((entry) => entry[0] === key);
  }

  set(name: unknown, value: unknown, filename?: unknown): void {
    requireArguments(arguments.length, 2, "FormData.set");
    const entry = toEntry("set", name, value, filename, arguments.length > 2);
    const at = this.#entries.findIndex((other) => other[0] === entry[0]);
    if (at < 0) {
      this.#entries.push(entry);
      return;
    }
    this.#entries = this.#entries.filter((other, index) => index <= at || other[0] !== entry[0]);
    this.#entries[at] = entry;
  }

  forEach(callback: unknown, thisArg?: unknown): void {
    requireArguments(arguments.length, 1, "FormData.forEach");
    if (typeof callback !== "function") throw new TypeError("FormData.forEach: the callback is not a function.");
    for (let i = 0; i < this.#entries.length; i++) {
      const entry = this.#entries[i]!;
      reflectApply(callback, thisArg, [entry[1], entry[0], this]);
    }
  }

  entries(): IterableIterator<unknown> {
    void this.#entries;
    return iterate(() => this.#entries, "entries");
  }

  keys(): IterableIterator<unknown> {
    void this.#entries;
    return iterate(() => this.#entries, "keys");
  }

  values(): IterableIterator<unknown> {
    void this.#entries;
    return iterate(() => this.#entries, "values");
  }

  declare [Symbol.iterator]: () => IterableIterator<unknown>;
}

Object.defineProperty(FormData.prototype, Symbol.iterator, {
  value: FormData.prototype.entries,
  writable: true,
  configurable: true,
});

function toEntry(method: string, name: unknown, value: unknown, filename: unknown, named: boolean): FormEntry {
  const key = toUSVString(name);
  if (!isBlob(value)) {
    if (named && filename !== undefined) {
      throw new TypeError(`Failed to execute 'FormData.${method}': a filename was given, but the value is not a Blob.`);
    }
    return [key, toUSVString(value)];
  }
  if (isFile(value) && filename === undefined) return [key, value];
  const name2 = filename !== undefined ? toUSVString(filename) : "blob";
  return [key, createFile(blobBytes(value), name2, value.type, isFile(value) ? value.lastModified : undefined)];
}

export function isFormData(value: unknown): value is FormData {
  return isObject(value) && brand(value);
}

export function formEntries(form: FormData): readonly FormEntry[] {
  return entriesOf(form);
}

export function createFormData(entries: FormEntry[]): FormData {
  const form = new FormData();
  for (const entry of entries) entriesOf(form).push(entry);
  return form;
}

defineInterface(FormData, "FormData");
setInspector(FormData, "FormData", (form) => ({ entries: entriesOf(form) }));
