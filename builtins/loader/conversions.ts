// How the loader reads what programs hand it: as WebIDL dictionaries. Absent and undefined are the same, unknown fields
// are ignored, getters run once and in a fixed order, and strings and numbers are converted.

export type Dictionary = Record<string, unknown>;

export function wrongParameter(method: string, owner: string, index: number, type: string): TypeError {
  return new TypeError(`Failed to execute '${method}' on '${owner}': parameter ${index} is not of type '${type}'.`);
}

/** ToString as the language has it: a symbol throws TypeError. */
export function toText(value: unknown): string {
  return `${value as string}`;
}

/** An unsigned 32-bit integer, with the platform's texts; undefined is none. */
export function toUint32(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  // Not Number(): that takes a BigInt.
  const given = +(value as number);
  if (!Number.isFinite(given)) throw new TypeError("The value cannot be converted because it is not an integer.");
  const number = Math.trunc(given);
  if (number < 0) throw new TypeError("The value cannot be converted because it is negative and this API expects a positive number.");
  if (number > 0xffffffff) throw new TypeError("Value out of range. Must be less than or equal to 4294967295.");
  return number;
}
