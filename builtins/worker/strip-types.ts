// TypeScript to JavaScript by erasing types in place: every token keeps its line and column. What is more than types
// (enums, parameter properties, namespaces) is compiled instead, and then positions may shift.
//
// The stripper is swc compiled to Wasm (npm amaro). It is instantiated in the zygote and forked with it; the source
// it reads is the guest's, so it only ever runs inside a sandbox.

import { transformSync } from "amaro";

export function stripTypes(name: string, source: string): string {
  try {
    return transformSync(source, { mode: "strip-only", filename: name }).code;
  } catch (error) {
    if ((error as { code?: unknown }).code === "UnsupportedSyntax") {
      return transformSync(source, { mode: "transform", filename: name, sourceMap: false }).code;
    }
    const { message, startLine, startColumn } = error as { message?: unknown; startLine?: number; startColumn?: number };
    const at = startLine === undefined ? "" : `\n  at ${name}:${startLine}:${(startColumn ?? 0) + 1}`;
    throw new SyntaxError(`${typeof message === "string" ? message : String(error)}${at}`);
  }
}
