// Turns the text a model wrote into modules for the loader.
//
// Models do not keep to one form. Asked for "a program", they answer with a bare function, a few
// statements, a module, or a class, with or without types and Markdown fences. All of these are one
// thing to the caller afterwards: a default entrypoint with a method `run()`.

export type Language = "js" | "ts";

export interface ProgramModules {
  mainModule: string;
  modules: Record<string, string>;
  compatibilityFlags: string[];
}

const RUNNER = "runner.js";
const FENCED = /^```[a-z]*\n([\s\S]*?)\n?```$/;
const CLASS_MODULE = /export\s+default\s+class\s[^{]*\bextends\s+WorkerEntrypoint\b/;
const MODULE = /^\s*(?:import|export)\s/m;
const FUNCTION = /^(?:async\s+)?(?:function\b|\(|[A-Za-z_$][\w$]*\s*=>)/;

export function modulesFor(modelText: string, language: Language): ProgramModules {
  const text = withoutFence(modelText.trim());
  const program = `program.${language}`;
  // The sandbox strips the types itself: the parser that reads a hostile source runs inside the walls.
  const compatibilityFlags = language === "ts" ? ["typescript_strip_types"] : [];

  if (CLASS_MODULE.test(text)) {
    return { mainModule: program, modules: { [program]: text }, compatibilityFlags };
  }
  const modules = { [RUNNER]: runner(program), [program]: asModule(text) };
  return { mainModule: RUNNER, modules, compatibilityFlags };
}

function withoutFence(text: string): string {
  return FENCED.exec(text)?.[1]?.trim() ?? text;
}

function asModule(text: string): string {
  if (MODULE.test(text)) return text;
  if (FUNCTION.test(text)) return `export default (${text.replace(/;+$/, "")});`;
  return `export default async ({ ORDERS, TODAY }) => {\n${text}\n};`;
}

function runner(program: string): string {
  return `import { WorkerEntrypoint } from "cloudflare:workers";
import program from "./${program}";
export default class extends WorkerEntrypoint {
  async run() { return await program(this.env); }
}`;
}
