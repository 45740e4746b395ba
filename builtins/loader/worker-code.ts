// WorkerCode: the dictionary that load() and get()'s callback give, checked and turned into a program to send.

import { ops, type Cap, type LeaseLimits, type WireModule, type WireProgram } from "../internal/ops.ts";
import { inheritedOutbound } from "../internal/outbound.ts";
import { endpointOf } from "../rpc/fetcher.ts";
import { encodeValue } from "../rpc/lower.ts";
import { checkCompatibility } from "./compatibility.ts";

const MAX_CODE_BYTES = 67108864;
const MAX_ENV_BYTES = 1048576;
const MAX_MODULES = 10000;

export interface LoadedCode {
  program: WireProgram;
  tails: Cap[];
  limits: LeaseLimits;
}

/** @param what  how errors name the callee, e.g. `load` on `WorkerLoader` */
export function readWorkerCode(code: unknown, what: string): LoadedCode {
  if (typeof code !== "object" || code === null) {
    throw new TypeError(`Failed to execute '${what}' on 'WorkerLoader': parameter 1 is not of type 'WorkerCode'.`);
  }
  const dictionary = code as Record<string, unknown>;
  const compatibilityDate = dictionary["compatibilityDate"];
  const flags = readFlags(dictionary["compatibilityFlags"]);
  const allowExperimental = dictionary["allowExperimental"];
  const limits = readLimits(dictionary["limits"]);
  const mainModule = dictionary["mainModule"];
  if (mainModule === undefined) throw missing("mainModule", "string");
  const modules = readModules(dictionary["modules"], flags.includes("typescript_strip_types"));
  const env = dictionary["env"];
  if (env !== undefined && (typeof env !== "object" || env === null)) throw wrongType("env", "object");
  const outbound = dictionary["globalOutbound"];
  const tails = readTails("tails", dictionary["tails"]);
  if (readTails("streamingTails", dictionary["streamingTails"]).length > 0) {
    ops.log("warn", "WorkerCode.streamingTails: streaming tail workers are not supported; nothing will be delivered to them.");
  }

  const bytes = modules.reduce((sum, module) => sum + bodySize(module), 0);
  if (bytes > MAX_CODE_BYTES) {
    throw new Error(
      `Dynamic Worker code size (${bytes} bytes) exceeds the maximum allowed size of ${MAX_CODE_BYTES} bytes.`,
    );
  }
  if (allowExperimental) {
    throw new Error(
      "'allowExperimental' is only allowed when the calling worker has the 'experimental' compatibility flag set.",
    );
  }
  checkCompatibility(compatibilityDate, flags, new Date().toISOString().slice(0, 10));

  const encodedEnv = env === undefined ? null : encodeValue({ ...(env as object) }, "env");
  if (encodedEnv !== null && ops.encodedSize(encodedEnv) > MAX_ENV_BYTES) {
    throw new Error(
      `Dynamic Worker env size (${ops.encodedSize(encodedEnv)} bytes) exceeds the maximum allowed size of ${MAX_ENV_BYTES} bytes.`,
    );
  }
  return {
    program: {
      name: "",
      compatibilityDate: compatibilityDate as string,
      compatibilityFlags: flags,
      mainModule: String(mainModule),
      modules,
      env: encodedEnv,
      outbound: readOutbound(outbound),
      subrequests: -1,
    },
    tails,
    limits,
  };
}

function missing(field: string, type: string): TypeError {
  return new TypeError(`Missing required field '${field}' in 'WorkerCode': it must be of type '${type}'.`);
}

function wrongType(field: string, type: string): TypeError {
  return new TypeError(`Incorrect type for the '${field}' field on 'WorkerCode': the provided value is not of type '${type}'.`);
}

function readFlags(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType("compatibilityFlags", "Array");
  return value.map(String);
}

/** `cpuMs` and `subRequests` as on the platform; `wallMs` and `memoryMb` are Mayfly's own. */
export function readLimits(value: unknown): LeaseLimits {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object") throw wrongType("limits", "object");
  const read = (field: string): number | undefined => {
    const given = (value as Record<string, unknown>)[field];
    if (given === undefined) return undefined;
    const number = typeof given === "symbol" || typeof given === "bigint" ? NaN : Math.trunc(Number(given));
    if (!Number.isFinite(number)) {
      throw new TypeError(`The '${field}' field on 'limits' is not an integer.`);
    }
    if (number < 0) throw new TypeError(`The '${field}' field on 'limits' expects a positive number, but got ${number}.`);
    if (number > 0xffffffff) throw new TypeError(`Value out of range for '${field}' on 'limits': at most 4294967295, but got ${number}.`);
    return number;
  };
  const limits: LeaseLimits = {};
  for (const field of ["cpuMs", "subRequests", "wallMs", "memoryMb"] as const) {
    const number = read(field);
    if (number !== undefined) limits[field] = number;
  }
  return limits;
}

function readModules(value: unknown, stripTypes: boolean): WireModule[] {
  if (value === undefined) throw missing("modules", "object");
  if (typeof value !== "object" || value === null) throw wrongType("modules", "object");
  const names = Object.keys(value);
  if (names.length === 0) throw new TypeError("Dynamic Worker code must contain at least one module.");
  if (names.length > MAX_MODULES) throw new TypeError(`Dynamic Worker code has ${names.length} modules; at most ${MAX_MODULES} are allowed.`);
  return names.map((name) => readModule(name, (value as Record<string, unknown>)[name], stripTypes));
}

function readModule(name: string, value: unknown, stripTypes: boolean): WireModule {
  if (typeof value === "object" && value !== null && ops.brand(value) === "WebAssembly.Module") {
    throw new TypeError(`Module "${name}": pass the bytes as {wasm}; a compiled WebAssembly.Module does not cross processes.`);
  }
  if (typeof value !== "object" || value === null) {
    if (value === null) throw oneOf(name, 0);
    const source = String(value);
    if (name.endsWith(".js")) return { name, kind: "esm", body: source };
    if (name.endsWith(".py")) throw pythonMissing(name);
    const isTypeScript = /\.(ts|tsx|jsx)$/.test(name);
    if (stripTypes && name.endsWith(".ts")) return { name, kind: "typeScript", body: source };
    throw new TypeError(
      "Module name must end with '.js' or '.py' (or the content must be an object indicating the type explicitly)." +
        (isTypeScript ? " TypeScript must be compiled to JavaScript first, e.g. by bundling it, or loaded with the compatibility flag 'typescript_strip_types'." : "") +
        ` Got: ${name}`,
    );
  }
  const kinds = (["js", "cjs", "text", "data", "json", "py", "wasm"] as const).filter(
    (kind) => (value as Record<string, unknown>)[kind] !== undefined,
  );
  if (kinds.length !== 1) throw oneOf(name, kinds.length);
  const kind = kinds[0]!;
  const body = (value as Record<string, unknown>)[kind];
  switch (kind) {
    case "js":
      return { name, kind: stripTypes && name.endsWith(".ts") ? "typeScript" : "esm", body: String(body) };
    case "cjs":
      return { name, kind: "commonJs", body: String(body) };
    case "text":
      return { name, kind: "text", body: String(body) };
    case "json": {
      const text = JSON.stringify(body);
      if (text === undefined) throw new TypeError(`Module "${name}": the value of 'json' has no JSON form.`);
      return { name, kind: "json", body: text };
    }
    case "py":
      throw pythonMissing(name);
    case "data":
    case "wasm":
      return { name, kind, body: copyBytes(name, kind, body) };
  }
}

function oneOf(name: string, count: number): TypeError {
  return new TypeError(
    `Each module must contain exactly one of 'js', 'cjs', 'text', 'data', 'json', 'py', or 'wasm'. Module "${name}" contained ${count} properties.`,
  );
}

function pythonMissing(name: string): TypeError {
  return Object.assign(new TypeError(`Module "${name}": Python modules are not supported yet.`), { code: "ERR_PYTHON_UNSUPPORTED" });
}

function copyBytes(name: string, kind: string, body: unknown): Uint8Array {
  if (body instanceof ArrayBuffer) return new Uint8Array(body.slice(0));
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength));
  throw new TypeError(`Incorrect type for the '${kind}' field of module "${name}": the provided value is not of type 'ArrayBuffer or ArrayBufferView'.`);
}

function bodySize(module: WireModule): number {
  return typeof module.body === "string" ? module.body.length : module.body.byteLength;
}

function readTails(field: string, value: unknown): Cap[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(field, "Array");
  return value.map((tail: unknown, index) => {
    const endpoint = typeof tail === "object" || typeof tail === "function" ? endpointOf(tail as object) : undefined;
    if (endpoint === undefined) {
      throw new TypeError(`Incorrect type for array element ${index} of the '${field}' field on 'WorkerCode': it is not of type 'Fetcher'.`);
    }
    // Says so when the entrypoint is one that may not be handed on.
    return endpoint.transferable();
  });
}

function readOutbound(value: unknown): WireProgram["outbound"] {
  if (value === undefined) return inheritedOutbound();
  if (value === null) return null;
  const endpoint = typeof value === "object" || typeof value === "function" ? endpointOf(value) : undefined;
  if (endpoint === undefined) throw wrongType("globalOutbound", "Fetcher or null");
  return endpoint.transferable();
}
