// `mayfly run`: one method of a program, with JSON in and out.

import type { ExecutionContext } from "./execution-context.ts";
import { WorkerEntrypoint } from "./entrypoint-classes.ts";
import type { Worker } from "./worker.ts";

/**
 * @param method  empty: `run`, else the default export if that is a function
 * @param args    a JSON array
 * @returns       JSON; `undefined` becomes `null`
 */
export async function invokeForJson(worker: Worker, ctx: ExecutionContext, method: string, args: string): Promise<string> {
  const values: unknown = JSON.parse(args);
  if (!Array.isArray(values)) throw new TypeError("The arguments are not a JSON array.");
  const { holder, callable, isClass } = findCallable(worker, ctx, method);
  const result: unknown = await Reflect.apply(callable, holder, isClass ? values : withContext(callable, values, worker, ctx));
  return JSON.stringify(result) ?? "null";
}

// Handlers are written as (arg, env, ctx); a function that asks for more than it was given gets those too.
function withContext(callable: Function, values: unknown[], worker: Worker, ctx: ExecutionContext): unknown[] {
  if (values.length > 1 || callable.length <= Math.max(values.length, 1)) return values;
  return [values[0], worker.env, ctx];
}

interface Callable {
  holder: unknown;
  callable: Function;
  isClass: boolean;
}

function findCallable(worker: Worker, ctx: ExecutionContext, method: string): Callable {
  const main = worker.exports["default"];
  const name = method === "" ? "run" : method;
  if (typeof main === "function" && main.prototype instanceof WorkerEntrypoint) {
    const Class = main as unknown as new (ctx: unknown, env: unknown) => Record<string, unknown>;
    const instance = new Class(ctx, worker.env);
    const callable = instance[name];
    if (typeof callable === "function") return { holder: instance, callable, isClass: true };
  } else if (typeof main === "object" && main !== null) {
    const callable = (main as Record<string, unknown>)[name];
    if (typeof callable === "function") return { holder: main, callable, isClass: false };
  }
  const named = Object.hasOwn(worker.exports, name) ? worker.exports[name] : undefined;
  if (typeof named === "function") return { holder: undefined, callable: named, isClass: false };
  if (method === "" && typeof main === "function" && !(main.prototype instanceof WorkerEntrypoint)) {
    return { holder: undefined, callable: main, isClass: false };
  }
  const known = [...Object.keys(worker.exports), ...memberNames(main)];
  throw new TypeError(
    `The program has no method "${name}"` + (known.length > 0 ? ` (it exports: ${known.slice(0, 20).join(", ")}).` : "."),
  );
}

function memberNames(main: unknown): string[] {
  if (typeof main === "object" && main !== null) return Object.keys(main);
  if (typeof main === "function" && main.prototype instanceof WorkerEntrypoint) {
    return Object.getOwnPropertyNames(main.prototype).filter((name) => name !== "constructor");
  }
  return [];
}
