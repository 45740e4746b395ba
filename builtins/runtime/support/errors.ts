// Telling errors from other values without trusting them.

import { ops } from "../../internal/ops.ts";

export function isError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  return ops.brand(value) === "Error" || value instanceof Error;
}
