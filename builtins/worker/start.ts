// From a received program to a running worker: what the native side calls `start`.

import { ops, type ReceivedProgram, type WireBinding, type WorkerHandlers } from "../internal/ops.ts";
import { Invocation, leaveGlobalScope } from "../internal/invocation.ts";
import { setLoadedLimits } from "../loader/instance.ts";
import { WorkerLoader } from "../loader/worker-loader.ts";
import { builtInModules } from "../modules/index.ts";
import { setOutbound } from "../internal/outbound.ts";
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

  let settled = false;
  try {
    const modules = prepareModules(program.modules);
    ops.stopClock(true);
    const graph = ops.evaluateModules(program.mainModule, modules, builtInModules(worker));
    if (graph.failed !== undefined) throw new StartFailure(graph.failed, graph.error);
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
  } catch (error) {
    settled = true;
    worker.failure = startFailure(error);
  }

  return {
    evaluated() {
      if (!settled) worker.failure = startFailure(new Error("Top-level await in module is unsettled."));
      leaveGlobalScope();
      ops.stopClock(false);
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

class StartFailure {
  constructor(readonly description: string, readonly error: unknown) {}
}

// "Uncaught TypeError: boom\n  at main.js:1:7": whoever generated the code needs this text to repair it.
function startFailure(error: unknown): Error {
  let description: string;
  if (error instanceof StartFailure) {
    description = error.description;
  } else if (error instanceof Error) {
    const stack = typeof error.stack === "string" ? error.stack : "";
    const at = stack.split("\n").find((line) => /^\s+at /.test(line) && !line.includes("mayfly:"));
    description = `Uncaught ${error.name}: ${error.message}${at === undefined ? "" : `\n ${at.replace(/^\s+/, " ")}`}`;
  } else {
    description = `Uncaught Error: ${String(error)}`;
  }
  return Object.assign(new Error(`Failed to start Worker:\n${description}`), { code: "ERR_START_FAILED" });
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
  if (binding.loader !== undefined) return new WorkerLoader(binding.loader);
  return newFetcher(new CapEndpoint(binding.service!));
}
