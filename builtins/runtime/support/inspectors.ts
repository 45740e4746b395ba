// How console shows the classes of the platform: each registers, by prototype, what is worth seeing of an instance.

import { getPrototypeOf } from "./intrinsics.ts";

/** What to print: fields like those of an object, entries like those of a Map, or a line of text. */
export type Inspected =
  { fields: Record<string, unknown> } | { entries: readonly (readonly [unknown, unknown])[] } | { text: string };

export interface Inspector {
  name: string;
  describe: (value: never) => Inspected;
}

const inspectors = new WeakMap<object, Inspector>();
const get = inspectors.get.bind(inspectors);

export function setInspector<T extends object>(
  cls: { prototype: T },
  name: string,
  describe: (value: T) => Inspected,
): void {
  inspectors.set(cls.prototype, { name, describe: describe as (value: never) => Inspected });
}

/** The nearest registered ancestor's inspector; undefined for what belongs to the program. */
export function findInspector(value: object): Inspector | undefined {
  for (
    let link: object | null = getPrototypeOf(value) as object | null, depth = 0;
    link !== null && depth < 32;
    depth++
  ) {
    const found = get(link);
    if (found !== undefined) return found;
    link = getPrototypeOf(link) as object | null;
  }
  return undefined;
}
