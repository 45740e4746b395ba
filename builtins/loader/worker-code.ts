// WorkerCode: the dictionary that load() and get()'s callback give, checked and turned into a program to send.
//
// Contract   First the whole dictionary is converted, then its content is judged; nothing of it is read afterwards.

import { checkCompatibility, enabled } from "../compatibility/compatibility.ts";
import { ops, type Cap, type LeaseLimits, type WireProgram } from "../internal/ops.ts";
import { inheritedOutbound } from "../internal/outbound.ts";
import { endpointOf } from "../rpc/fetcher.ts";
import { encodeValue } from "../rpc/lower.ts";
import type { Endpoint } from "../rpc/session.ts";
import { toText, toUint32, type Dictionary } from "./conversions.ts";
import { isObject, wrongType } from "../runtime/support/webidl.ts";
import { convertModules, wireModules, type GivenModule } from "./module-dictionary.ts";

const MAX_ENV_BYTES = 1048576;

export interface LoadedCode {
  program: WireProgram;
  tails: Cap[];
  limits: LeaseLimits;
}

/** `code` must be an object or a function. Throws for whatever is wrong with it. */
export function readWorkerCode(code: object): LoadedCode {
  const given = convert(code as Dictionary);
  const stripTypes = given.flags.includes("typescript_strip_types");
  const modules = wireModules(given.modules, stripTypes);
  if (given.allowExperimental === true && !enabled("experimental")) {
    throw new Error("'allowExperimental' is only allowed when the calling worker has the 'experimental' compat flag set.");
  }
  checkCompatibility(given.date, given.flags, new Date().toISOString().slice(0, 10), given.allowExperimental === true);
  const env = given.env === undefined ? null : encodeValue(given.env, "env");
  const envBytes = env === null ? 0 : ops.encodedSize(env);
  if (envBytes > MAX_ENV_BYTES) {
    throw new Error(`Dynamic Worker env size (${envBytes} bytes) exceeds the maximum allowed size of ${MAX_ENV_BYTES} bytes.`);
  }
  const outbound = givenOutbound(given.outbound);
  const tails = transferred(given.tails);
  if (given.streamingTails !== undefined && given.allowExperimental === false) {
    throw new Error("Streaming tail workers are experimental. You must pass the option 'allowExperimental: true' to the worker loader to use them");
  }
  const streaming = transferred(given.streamingTails);
  if (streaming.length > 0) {
    ops.log("warn", "WorkerCode.streamingTails: streaming tail workers are not supported; nothing will be delivered to them.");
  }
  return {
    program: {
      name: "",
      compatibilityDate: given.date,
      compatibilityFlags: given.flags,
      mainModule: given.mainModule,
      modules,
      env,
      outbound,
      subrequests: -1,
    },
    tails,
    limits: given.limits,
  };
}

interface Given {
  date: string;
  flags: string[];
  allowExperimental: boolean | undefined;
  limits: LeaseLimits;
  mainModule: string;
  modules: GivenModule[];
  env: object | undefined;
  outbound: Endpoint | null | undefined;
  tails: Endpoint[] | undefined;
  streamingTails: Endpoint[] | undefined;
}

function convert(code: Dictionary): Given {
  return {
    date: toText(code["compatibilityDate"]),
    flags: list(code["compatibilityFlags"], "compatibilityFlags").map(toText),
    allowExperimental: optional(code["allowExperimental"], Boolean),
    limits: readLimits(code["limits"], "WorkerCode"),
    mainModule: toText(code["mainModule"]),
    modules: convertModules(code["modules"]),
    env: optional(code["env"], (env) => {
      if (!isObject(env)) throw wrongType("env", "WorkerCode", "Object");
      return env;
    }),
    outbound: optional(code["globalOutbound"], (outbound) => {
      const endpoint = outbound === null ? null : fetcher(outbound);
      if (endpoint === undefined) throw wrongType("globalOutbound", "WorkerCode", "Fetcher");
      return endpoint;
    }),
    tails: optional(code["tails"], (tails) => fetchers(tails, "tails")),
    streamingTails: optional(code["streamingTails"], (tails) => fetchers(tails, "streamingTails")),
  };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function list(value: unknown, field: string): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(field, "WorkerCode", "Array");
  return Array.from(value);
}

function fetcher(value: unknown): Endpoint | undefined {
  return isObject(value) ? endpointOf(value) : undefined;
}

function fetchers(value: unknown, field: string): Endpoint[] {
  return list(value, field).map((element, index) => {
    const endpoint = fetcher(element);
    if (endpoint === undefined) {
      throw new TypeError(`Incorrect type for array element ${index}: the provided value is not of type 'Fetcher'.`);
    }
    return endpoint;
  });
}

/** `cpuMs` and `subRequests` as on the platform; `wallMs` and `memoryMb` are Mayfly's own. */
export function readLimits(value: unknown, dictionary: string): LeaseLimits {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw wrongType("limits", dictionary, "ResourceLimits");
  const limits: LeaseLimits = {};
  for (const field of ["cpuMs", "subRequests", "wallMs", "memoryMb"] as const) {
    const number = toUint32((value as Dictionary)[field]);
    if (number !== undefined) limits[field] = number;
  }
  return limits;
}

function givenOutbound(outbound: Endpoint | null | undefined): WireProgram["outbound"] {
  if (outbound === undefined) return inheritedOutbound();
  return outbound === null ? null : outbound.transferable();
}

// Says so when an entrypoint is one that may not be handed on.
function transferred(tails: Endpoint[] | undefined): Cap[] {
  return (tails ?? []).map((tail) => tail.transferable());
}
