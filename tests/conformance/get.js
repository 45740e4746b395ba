// worker-loader.md §1.3 and §11 "get".

import { WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, rejects, throws } from "./_assert.js";
import { DATE } from "./_load.js";

const COUNTER = "let n = 0; export default { run() { return ++n; } };";
const code = (source = COUNTER) => ({ compatibilityDate: DATE, mainModule: "m.js", modules: { "m.js": source }, globalOutbound: null });

export const theCallbackRunsSoonButNotAtOnce = {
  async test(_, env) {
    let runs = 0;
    env.LOADER.get("soon", () => (runs++, code()));
    equal(runs, 0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    equal(runs, 1);
  },
};

export const concurrentGetsShareOneWorker = {
  async test(_, env) {
    let runs = 0;
    const get = () => env.LOADER.get("shared", async () => (runs++, code())).getEntrypoint();
    const counts = await Promise.all(Array.from({ length: 10 }, () => get().run(0)));
    deepEqual(counts.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    equal(runs, 1);
  },
};

export const namelessWorkersAreNeverShared = {
  async test(_, env) {
    for (const name of [null, undefined]) {
      equal(await env.LOADER.get(name, () => code()).getEntrypoint().run(0), 1);
      equal(await env.LOADER.get(name, () => code()).getEntrypoint().run(0), 1);
    }
  },
};

export const namesAreStrings = {
  async test(_, env) {
    const run = (name) => env.LOADER.get(name, () => code()).getEntrypoint().run(0);
    equal(await run(""), 1);
    equal(await run(""), 2);
    equal(await run(5), 1);
    equal(await run("5"), 2);
  },
};

export const theSecondCallbackIsNotCalled = {
  async test(_, env) {
    await env.LOADER.get("kept", () => code()).getEntrypoint().run(0);
    let called = false;
    equal(await env.LOADER.get("kept", () => ((called = true), code())).getEntrypoint().run(0), 2);
    equal(called, false);
  },
};

export const aFailingCallbackFailsEachCall = {
  async test(_, env) {
    const e = env.LOADER.get("fails", () => { throw Object.assign(new TypeError("x"), { foo: 1 }); }).getEntrypoint();
    for (let i = 0; i < 2; i++) {
      const error = await rejects(e.run(0), { name: "TypeError", message: "x" });
      equal(error.foo, 1);
      equal(error.remote, undefined);
    }
    await rejects(env.LOADER.get(null, () => { throw "abc"; }).getEntrypoint().run(0), { name: "Error", message: "abc" });
  },
};

export const aFailureIsNotKept = {
  async test(_, env) {
    await rejects(env.LOADER.get("again", () => { throw new Error("first"); }).getEntrypoint().run(0), { message: "first" });
    equal(await env.LOADER.get("again", () => code()).getEntrypoint().run(0), 1);
  },
};

export const invalidCodeRejectsTheCall = {
  async test(_, env) {
    const e = env.LOADER.get("invalid", () => ({ ...code(), modules: {} })).getEntrypoint();
    await rejects(e.run(0), { name: "TypeError", message: "at least one module" });
    await rejects(env.LOADER.get(null, () => undefined).getEntrypoint().run(0), { name: "TypeError" });
  },
};

export const theCallbackIsRequired = {
  test(_, env) {
    throws(() => env.LOADER.get("a"), { name: "TypeError", message: "parameter 2" });
  },
};

export const theLoaderCannotBeMade = {
  test(_, env) {
    const stub = env.LOADER.get(null, () => code());
    for (const object of [env.LOADER, stub]) throws(() => new object.constructor(), { name: "TypeError", message: "Illegal constructor" });
    equal(typeof WorkerLoader + typeof WorkerStub, "undefinedundefined");
    deepEqual([Object.keys(env.LOADER), Object.keys(stub), String(env.LOADER), String(stub)], [[], [], "[object WorkerLoader]", "[object WorkerStub]"]);
  },
};

export const methodsCheckTheirReceiver = {
  test(_, env) {
    const stub = env.LOADER.get(null, () => code());
    for (const [object, method, ...args] of [[env.LOADER, "load", code()], [env.LOADER, "get", "a", () => code()], [stub, "getEntrypoint"]]) {
      for (const receiver of [undefined, {}, object.constructor.prototype]) throws(() => object[method].call(receiver, ...args), { name: "TypeError", message: "Illegal invocation" });
    }
  },
};

export const namesAreConverted = {
  async test(_, env) {
    const run = (name) => env.LOADER.get(name, () => code()).getEntrypoint().run(0);
    equal(await run({ toString: () => "converted" }), 1);
    equal(await run("converted"), 2);
    throws(() => env.LOADER.get(Symbol("name"), () => code()), { name: "TypeError" });
    throws(() => env.LOADER.get({ toString() { throw new RangeError("no name"); } }, () => code()), { name: "RangeError", message: "no name" });
  },
};

export const namesOfObjectPrototypeAreOrdinary = {
  async test(_, env) {
    for (const name of ["__proto__", "constructor", "toString"]) equal(await env.LOADER.get(name, () => code()).getEntrypoint().run(0), 1);
  },
};

export const theCallbackMustBeAFunction = {
  test(_, env) {
    for (const callback of [undefined, null, 5, {}, "f"]) throws(() => env.LOADER.get("a", callback), { name: "TypeError", message: "parameter 2 is not of type 'function'" });
    throws(() => env.LOADER.get(), { name: "TypeError", message: "parameter 1" });
  },
};

export const theCallbackGetsNoArguments = {
  async test(_, env) {
    const e = env.LOADER.get(null, (...args) => code(`export default { run() { return ${args.length}; } };`)).getEntrypoint();
    equal(await e.run(0), 0);
  },
};

export const theCallbackMayReturnAThenable = {
  async test(_, env) {
    const e = env.LOADER.get(null, () => ({ then(resolve) { resolve(code()); } })).getEntrypoint();
    equal(await e.run(0), 1);
  },
};

export const theCallbackMayDoIo = {
  async test(_, env) {
    const e = env.LOADER.get(null, async () => { await scheduler.wait(2); return code(); }).getEntrypoint();
    equal(await e.run(0), 1);
  },
};

export const theCallbackMustGiveAnObject = {
  async test(_, env) {
    for (const given of [undefined, null, 5, "x", Promise.resolve("x")]) await rejects(env.LOADER.get(null, () => given).getEntrypoint().run(0), { name: "TypeError" });
    await rejects(env.LOADER.get(null, class {}).getEntrypoint().run(0), { name: "TypeError", message: "cannot be invoked without 'new'" });
  },
};

export const thrownNonErrorsBecomeErrors = {
  async test(_, env) {
    for (const thrown of ["abc", 5, null, undefined, true]) {
      await rejects(env.LOADER.get(null, () => { throw thrown; }).getEntrypoint().run(0), { name: "Error", message: String(thrown) });
      await rejects(env.LOADER.get(null, () => Promise.reject(thrown)).getEntrypoint().run(0), { name: "Error", message: String(thrown) });
    }
    const object = await rejects(env.LOADER.get(null, () => { throw { a: 1 }; }).getEntrypoint().run(0));
    equal(object.a, 1);
  },
};

export const callbackErrorsTravelAsCopies = {
  async test(_, env) {
    class Odd extends Error { name = "Odd"; }
    const fail = (error) => rejects(env.LOADER.get(null, () => { throw error; }).getEntrypoint().run(0));
    const thrown = Object.assign(new Odd("m", { cause: new Error("c") }), { code: "E" });
    const error = await fail(thrown);
    deepEqual([error.name, error.message, error.code, error.cause.message, error.remote, error === thrown, error instanceof Odd], ["Odd", "m", "E", "c", undefined, false, false]);
    deepEqual(Object.keys(await fail(Object.assign(new Error("q"), { f() {}, code: 1 }))), []);
    const dom = await fail(new DOMException("d", "AbortError"));
    deepEqual([dom.name, dom.message, dom instanceof DOMException], ["AbortError", "d", true]);
  },
};

export const allCallsOfAFailedGetFail = {
  async test(_, env) {
    const stub = env.LOADER.get(null, async () => { throw new Error("no code"); });
    const calls = [stub.getEntrypoint().run(0), stub.getEntrypoint("X").run(0), stub.getEntrypoint().fetch("http://h/"), stub.getEntrypoint(null, { props: {} }).a.b.c()];
    for (const call of calls) await rejects(call, { message: "no code" });
    await rejects(stub.getEntrypoint().run(0), { message: "no code" });
  },
};

/** Calls get() in an invocation of its own. */
export class Host extends WorkerEntrypoint {
  async host(name) {
    this.env.LOADER.get(name, () => new Promise(() => {}));
    await scheduler.wait(20);
  }
}

export const theCallbackEndsWithItsInvocation = {
  async test(_, env, ctx) {
    const hosting = ctx.exports.Host.host("hosted");
    await scheduler.wait(5);
    await rejects(env.LOADER.get("hosted", () => code()).getEntrypoint().run(0), { name: "Error", message: "execution context" });
    await hosting;
  },
};

export const namedWorkersOutliveTheInvocationThatLoadedThem = {
  async test(_, env, ctx) {
    equal(await ctx.exports.Loading.load("outlives"), 1);
    equal(await ctx.exports.Loading.load("outlives"), 2);
  },
};

export class Loading extends WorkerEntrypoint {
  load(name) {
    return this.env.LOADER.get(name, () => code()).getEntrypoint().run(0);
  }
}

export const anAbortedWorkerIsLoadedAnew = {
  async test(_, env) {
    let runs = 0;
    const source = "import { abortIsolate } from 'cloudflare:workers'; let n = 0; export default { run(abort) { if (abort) abortIsolate('on purpose'); return ++n; } };";
    const get = () => env.LOADER.get("aborts", () => (runs++, code(source))).getEntrypoint();
    equal(await get().run(false), 1);
    equal(await get().run(false), 2);
    const error = await rejects(get().run(true), { name: "Error" });
    equal(error.remote, undefined);
    equal(await get().run(false), 1);
    equal(runs, 2);
  },
};
