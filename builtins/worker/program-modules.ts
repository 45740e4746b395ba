// A program's modules, made ready for the engine: types erased, snippets read.

import { ops, type WireModule } from "../internal/ops.ts";
import { stripTypes } from "./strip-types.ts";

/** TypeScript and snippets become ES modules; everything else stays as it is. Throws SyntaxError. */
export function prepareModules(modules: WireModule[]): WireModule[] {
  return modules.map((module) => {
    switch (module.kind) {
      case "typeScript":
        return { name: module.name, kind: "esm", body: stripTypes(module.name, module.body as string) };
      case "snippet":
        return { name: module.name, kind: "esm", body: readSnippet(module.name, module.body as string) };
      default:
        return module;
    }
  });
}

// What a model emits for "write a program": fenced or not, an expression that is a function, or statements. Each
// reading keeps the author's line numbers.
function readSnippet(name: string, text: string): string {
  const source = unfence(text);
  const readings = [
    source,
    `export default (${withoutSemicolon(source)}\n);`,
    `export default async function program(...args) {${source}\n}`,
  ];
  let firstProblem: string | null = null;
  for (const [index, reading] of readings.entries()) {
    let code: string;
    try {
      code = ops.syntaxError(name, reading) === null ? reading : stripTypes(name, reading);
    } catch (error) {
      firstProblem ??= (error as Error).message;
      continue;
    }
    const problem = ops.syntaxError(name, code);
    // The first reading is a whole module: only if it exports something is that what was meant.
    if (problem === null && (index > 0 || /^\s*export\b/m.test(code))) return code;
    if (problem !== null) firstProblem = problem;
  }
  throw new SyntaxError(firstProblem ?? "this is neither a module, a function nor statements");
}

function unfence(text: string): string {
  const fenced = /^\s*```[a-zA-Z]*[^\n]*\n([\s\S]*?)\n?```\s*$/.exec(text);
  return fenced === null ? text : `\n${fenced[1]}`;
}

function withoutSemicolon(source: string): string {
  return source.replace(/;\s*$/, "");
}
