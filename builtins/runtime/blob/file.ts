// File: a Blob with a name.

import { setInspector } from "../support/inspectors.ts";
import { dateNow } from "../support/intrinsics.ts";
import { defineInterface, INTERNAL, isObject, requireArguments, toDictionary, toUSVString } from "../support/webidl.ts";
import { hooks } from "../support/platform-hooks.ts";
import { Blob } from "./blob.ts";

let brand: (value: object) => value is File;

export class File extends Blob {
  readonly #name: string;
  readonly #lastModified: number;

  constructor(parts: unknown, name: unknown, options?: unknown) {
    requireArguments(arguments.length, 2, "File.constructor");
    super(parts, options);
    this.#name = toUSVString(name);
    const modified =
      parts === INTERNAL
        ? (options as { lastModified?: number }).lastModified
        : toDictionary(options, "File options")["lastModified"];
    this.#lastModified =
      modified === undefined ? (hooks().inGlobalScope?.() ? 0 : dateNow()) : Math.trunc(Number(modified)) || 0;
  }

  static {
    brand = (value): value is File => #name in value;
  }

  get name(): string {
    return this.#name;
  }

  get lastModified(): number {
    return this.#lastModified;
  }

  get webkitRelativePath(): string {
    void this.#name;
    return "";
  }
}

export function isFile(value: unknown): value is File {
  return isObject(value) && brand(value);
}

/** Takes the bytes over. */
export function createFile(bytes: Uint8Array, name: string, type: string, lastModified?: number): File {
  return new File(INTERNAL, name, { bytes, type, lastModified });
}

defineInterface(File, "File");
setInspector(File, "File", (file) => ({
  fields: { size: file.size, type: file.type, name: file.name, lastModified: file.lastModified },
}));
