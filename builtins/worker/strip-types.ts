// TypeScript to JavaScript by erasing types in place: every token keeps its line and column.
//
// The stripper is swc compiled to Wasm (npm amaro). It is instantiated in the zygote and forked with it; the source
// it reads is the guest's, so it only ever runs inside a sandbox.

import { transformSync } from "amaro";

export function stripTypes(name: string, source: string): string {
  try {
    return transformSync(source, { mode: "strip-only", filename: name }).code;
  } catch (error) {
    const { message } = error as { message?: unknown };
    throw new SyntaxError(`${name}: ${typeof message === "string" ? message : String(error)}`);
  }
}
