// From a received program to a running worker: what the native side calls `start`.

import { checkCompatibility, enabled, setCompatibility } from "../compatibility/compatibility.ts";
import { ops, type ReceivedProgram, type WireBinding, type WorkerHandlers } from "../internal/ops.ts";
import { setLoadedLimits } from "../loader/instance.ts";
import { Invocation, leaveGlobalScope, MODULE_FRAME } from "../internal/invocation.ts";
import { newWorkerLoader } from "../loader/worker-loader.ts";
import { builtInModules } from "../modules/index.ts";
import { setOutbound } from "../internal/outbound.ts";
import { isDOMException } from "../runtime/errors/dom-exception.ts";
import { newFetcher } from "../rpc/fetcher.ts";
import { Reviver } from "../rpc/revive.ts";
import { CapEndpoint } from "../rpc/session.ts";
import { ExecutionContext } from "./execution-context.ts";
import { invokeForJson } from "./invoke.ts";
import { prepareModules } from "./program-modules.ts";
import { Worker } from "./worker.ts";

export function start(program: ReceivedProgram): WorkerHandlers {
  const worker = new Worker(program.bindings !== null, program.tails, program.subrequests);
  setLoadedLimits(program.loaded);
  fillEnv(worker.env, program);
  setOutbound(program.outbound);

  try {
    let settled = false;
    const modules = prepareModules(program.modules);
    applyCompatibility(program);
    ops.stopClock(true);
    const graph = ops.evaluateModules(program.mainModule, modules, builtInModules(worker), {
      codeGeneration: enabled("allow_eval_during_startup"),
      importAttributes: !enabled("throw_on_unrecognized_import_assertion"),
      frame: MODULE_FRAME,
    });
    if ("failed" in graph) throw new StartFailure(graph.failed, graph.where);
    graph.settled.then(
      () => {
        settled = true;
        attempt(worker, () => worker.adopt(graph.exports));
      },
      (error: unknown) => {
        settled = true;
        worker.failure = startFailure(error);
      },
    );
    // What does not settle by promises alone would need I/O, or V8's own work such as compiling Wasm.
    ops.runMicrotasks();
    if (!settled) worker.failure = startFailure(new Error("Top-level await in module is unsettled."));
  } catch (error) {
    worker.failure = startFailure(error);
  }

  return {
    evaluated() {
      leaveGlobalScope();
      ops.stopClock(false);
      // A stranger's code does not get to measure how long something takes.
      if (program.bindings === null && !enabled("precise_timers")) ops.freezeClock();
      ops.forbidCodeGeneration();
      // What the supervisor loads itself, it also reports itself.
      if (worker.failure !== null && program.bindings === null) ops.log("error", worker.failure.message);
    },
    entrypoint: (name, props, trace, subrequests) => worker.entrypoint(name, props, trace, subrequests),
    invoke: (method, args) => inInvocation(worker, (ctx) => invokeForJson(worker, ctx, method, args)),
    async tests() {
      if (worker.failure !== null) throw worker.failure;
      return Object.keys(worker.exports).filter((name) => testHandler(worker, name) !== undefined);
    },
    async test(name) {
      const handler = testHandler(worker, name);
      if (handler === undefined) throw new Error(`There is no test "${name}".`);
      await inInvocation(worker, (ctx) => handler(ctx));
    },
  };
}

function attempt(worker: Worker, body: () => void): void {
  try {
    body();
  } catch (error) {
    worker.failure = startFailure(error);
  }
}

// What the loader let through is valid; what the operator configured is judged here.
function applyCompatibility(program: ReceivedProgram): void {
  const { compatibilityDate, compatibilityFlags } = program;
  if (program.bindings !== null) {
    checkCompatibility(compatibilityDate, compatibilityFlags, new Date().toISOString().slice(0, 10), true);
  }
  setCompatibility(compatibilityDate, compatibilityFlags);
  if (enabled("enable_weak_ref")) return;
  for (const name of ["WeakRef", "FinalizationRegistry"]) Reflect.deleteProperty(globalThis, name);
}

/** A thrown value, and where from if its stack does not say. */
class StartFailure {
  constructor(readonly thrown: unknown, readonly where: string) {}
}

// "Uncaught TypeError: boom\n  at main.js:1:7": whoever generated the code needs this text to repair it.
function startFailure(error: unknown): Error {
  const { thrown, where } = error instanceof StartFailure ? error : new StartFailure(error, "");
  const description = `Uncaught ${describeThrown(thrown)}${framesOf(thrown) || where}`;
  return Object.assign(new Error(`Failed to start Worker:\n${description}`), { code: "ERR_START_FAILED" });
}

function describeThrown(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return `Error: ${typeof thrown === "object" && thrown !== null ? "#<Object>" : String(thrown)}`;
    const { name, message } = thrown;
    if (isDOMException(thrown)) return `DOMException(${name}): ${message}`;
    const text = message === "" ? String(name) : `${name}: ${message}`;
    return isNativeName(name) ? text : `Error: ${text}`;
  } catch {
    return "Error: an error that throws when it is read";
  }
}

// "\n  at main.js:3:7 in f", innermost first: the program's own frames, as far as its stack tells.
function framesOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  try {
    const frames = [...String(thrown.stack).matchAll(/^ {4}at (?:(?:async )?(.+) \()?([^()\n]+:\d+:\d+)\)?$/gm)];
    const lines = frames.map(([, name, place]) => {
      const callee = name?.split(".").at(-1);
      return `\n  at ${place}${callee === undefined || callee === "<anonymous>" ? "" : ` in ${callee}`}`;
    });
    return lines.join("") || ops.errorPosition(thrown);
  } catch {
    return ops.errorPosition(thrown);
  }
}

function isNativeName(name: string): boolean {
  return ["CompileError", "LinkError", "RuntimeError"].includes(name) || (/Error$/.test(name) && name in globalThis);
}

async function inInvocation<T>(worker: Worker, body: (ctx: ExecutionContext) => Promise<T>): Promise<T> {
  if (worker.failure !== null) throw worker.failure;
  const invocation = new Invocation({ subrequests: worker.subrequests });
  const release = invocation.hold();
  try {
    return await invocation.owe(
      invocation.run(() => body(new ExecutionContext(invocation, {}, worker.loopback))),
    );
  } finally {
    release();
  }
}

type TestHandler = (ctx: ExecutionContext) => Promise<unknown>;

function testHandler(worker: Worker, name: string): TestHandler | undefined {
  if (!Object.hasOwn(worker.exports, name)) return undefined;
  const value = worker.exports[name] as Record<string, unknown>;
  if (typeof value === "object" && typeof value["test"] === "function") {
    return async (ctx) => (value["test"] as Function).call(value, {}, worker.env, ctx) as unknown;
  }
  if (typeof value === "function") {
    const { prototype } = value as { prototype?: Record<string, unknown> };
    if (typeof prototype?.["test"] !== "function") return undefined;
    return async (ctx) => {
      const Class = value as unknown as new (ctx: unknown, env: unknown) => { test(controller: object): unknown };
      return new Class(ctx, worker.env).test({});
    };
  }
  return undefined;
}

function fillEnv(env: Record<string, unknown>, program: ReceivedProgram): void {
  if (program.env !== null) {
    const value = ops.decode(program.env, new Reviver(null, undefined).revive, false) as object;
    for (const key of Object.keys(value)) define(env, key, (value as Record<string, unknown>)[key]);
  }
  for (const binding of program.bindings ?? []) define(env, binding.name, bindingValue(binding));
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

function bindingValue(binding: WireBinding): unknown {
  if (binding.json !== undefined) return JSON.parse(binding.json);
  if (binding.loader !== undefined) return newWorkerLoader(binding.loader, binding.idleMs!);
  return newFetcher(new CapEndpoint(binding.service!));
}
