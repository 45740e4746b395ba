// WorkerCode.modules: names and contents as given, then as they are sent.
//
// Trust  What is given stays the caller's: bytes are copied and getters are read once, when the dictionary is converted.

import { ops, type WireModule } from "../internal/ops.ts";
import { toText, type Dictionary } from "./conversions.ts";
import { isObject, wrongType } from "../runtime/support/webidl.ts";

const MAX_CODE_BYTES = 67108864;
const MAX_MODULES = 10000;
const KINDS = ["js", "cjs", "text", "data", "json", "py", "wasm"] as const;

type Kind = (typeof KINDS)[number];

/** One entry after conversion; `kinds` has the fields that were there. */
export interface GivenModule {
  name: string;
  /** A string as value of the record, whose kind its name tells. */
  source: string | null;
  kinds: Map<Kind, unknown>;
}

/** Converts the record. Throws TypeError for values of wrong type. */
export function convertModules(value: unknown): GivenModule[] {
  if (!isObject(value) || Array.isArray(value)) throw wrongType("modules", "WorkerCode", "object");
  return Object.keys(value).map((name) => convertModule(name, (value as Dictionary)[name]));
}

function convertModule(name: string, value: unknown): GivenModule {
  if (value === undefined || value === null) return { name, source: null, kinds: new Map() };
  if (!isObject(value)) return { name, source: toText(value), kinds: new Map() };
  if (ops.brand(value) === "WebAssembly.Module") return { name, source: null, kinds: new Map([["wasm", ops.wasmBytes(value)]]) };
  const kinds = new Map<Kind, unknown>();
  for (const kind of KINDS) {
    const body = (value as Dictionary)[kind];
    if (body !== undefined) kinds.set(kind, convertBody(name, kind, body));
  }
  return { name, source: null, kinds };
}

function convertBody(name: string, kind: Kind, body: unknown): unknown {
  switch (kind) {
    case "js":
    case "cjs":
    case "text":
    case "py":
      return toText(body);
    case "json":
      return body;
    case "wasm":
      if (isObject(body) && ops.brand(body) === "WebAssembly.Module") return ops.wasmBytes(body);
      return copyBytes(name, kind, body, "ArrayBuffer, ArrayBufferView or WebAssembly.Module");
    case "data":
      return copyBytes(name, kind, body, "ArrayBuffer or ArrayBufferView");
  }
}

function copyBytes(name: string, kind: string, body: unknown, type: string): Uint8Array {
  if (body instanceof ArrayBuffer) return new Uint8Array(body.slice(0));
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength));
  const error = wrongType(kind, "Module", type);
  error.message += ` (Module '${name}'.)`;
  throw error;
}

/** The modules as they are sent. Throws what is wrong with the program as a whole: kinds, number, size. */
export function wireModules(given: GivenModule[], stripTypes: boolean): WireModule[] {
  const modules = given.map((module) => wireModule(module, stripTypes));
  if (modules.length === 0) throw new TypeError("Dynamic Worker code must contain at least one module.");
  if (modules.length > MAX_MODULES) {
    throw new TypeError(`Dynamic Worker code has ${modules.length} modules; at most ${MAX_MODULES} are allowed.`);
  }
  const bytes = codeSize(modules);
  if (bytes > MAX_CODE_BYTES) {
    throw new Error(`Dynamic Worker code size (${bytes} bytes) exceeds the maximum allowed size of ${MAX_CODE_BYTES} bytes.`);
  }
  return modules;
}

function wireModule({ name, source, kinds }: GivenModule, stripTypes: boolean): WireModule {
  const isTypeScript = stripTypes && name.endsWith(".ts");
  if (source !== null) {
    if (name.endsWith(".js")) return { name, kind: "esm", body: source };
    if (name.endsWith(".py")) throw pythonMissing(name);
    if (isTypeScript) return { name, kind: "typeScript", body: source };
    throw unknownEnding(name);
  }
  if (kinds.size !== 1) {
    throw new TypeError(
      `Each module must contain exactly one of 'js', 'cjs', 'text', 'data', 'json', 'py', or 'wasm'. Module '${name}' contained ${kinds.size} properties.`,
    );
  }
  const [kind, body] = [...kinds][0]!;
  switch (kind) {
    case "js":
      return { name, kind: isTypeScript ? "typeScript" : "esm", body: body as string };
    case "cjs":
      return { name, kind: "commonJs", body: body as string };
    case "text":
      return { name, kind, body: body as string };
    case "json": {
      const text = JSON.stringify(body);
      if (text === undefined) throw new TypeError(`Module '${name}': the value of 'json' has no JSON form.`);
      return { name, kind, body: text };
    }
    case "py":
      throw pythonMissing(name);
    case "data":
    case "wasm":
      return { name, kind, body: body as Uint8Array };
  }
}

function unknownEnding(name: string): TypeError {
  return new TypeError(
    "Module name must end with '.js' or '.py' (or the content must be an object indicating the type explicitly). " +
      `Got: ${name}` +
      (/\.(ts|tsx|jsx)$/.test(name)
        ? ". If you're trying to load TypeScript, bundle it first and pass the generated JavaScript modules, or set the compatibility flag 'typescript_strip_types'."
        : ""),
  );
}

function pythonMissing(name: string): TypeError {
  return Object.assign(new TypeError(`Module "${name}" is a Python module, but Python is not supported.`), { code: "ERR_PYTHON_UNSUPPORTED" });
}

// In UTF-8, as it travels. Counting that makes a copy, so only what could be too large is counted.
function codeSize(modules: WireModule[]): number {
  const sizeOf = (utf8: (text: string) => number) =>
    modules.reduce((sum, { body }) => sum + (typeof body === "string" ? utf8(body) : body.byteLength), 0);
  if (sizeOf((text) => 3 * text.length) <= MAX_CODE_BYTES) return 0;
  const least = sizeOf((text) => text.length);
  return least > MAX_CODE_BYTES ? least : sizeOf((text) => ops.utf8Encode(text).byteLength);
}
