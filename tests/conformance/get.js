// worker-loader.md §1.3 and §11 "get".

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
