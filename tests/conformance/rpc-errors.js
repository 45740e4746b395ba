// worker-loader.md §4.7: errors across RPC and fetch.

import { deepEqual, equal, includes, ok, rejects } from "./_assert.js";
import { entry } from "./_load.js";

// The same values are thrown and returned over there, and passed from here.
const MAKE = `
  class Foo extends Error { name = "Foo"; }
  class Getter extends Error { get name() { return "Baz"; } }
  class Plain extends TypeError {}
  class User { x = 1; }
  class Target extends RpcTarget {}
  const make = {
    custom: () => new Foo("m"), getter: () => new Getter("m"), subclass: () => new Plain("m"),
    aggregate: () => new AggregateError([new RangeError("a", { cause: 1 }), 5], "ag"),
    suppressed: () => new SuppressedError(new Error("a"), new TypeError("b"), "sm"),
    cause: () => new Error("m", { cause: new TypeError("c", { cause: "deeper" }) }),
    renamed: () => Object.assign(new Error("m"), { name: "TypeError" }),
    unnamed: () => Object.assign(new Error("m"), { name: "" }),
    props: () => Object.defineProperty(Object.assign(new Error("m"), { code: 7, map: new Map([[1, 2]]) }), "hidden", { value: 1 }),
    getterProp: () => Object.defineProperty(new Error("m"), "g", { get: () => 5, enumerable: true }),
    symbolProp: () => Object.assign(new Error("m"), { a: 1, [Symbol("s")]: 2 }),
    functionProp: () => Object.assign(new Error("m"), { a: 1, f: () => 1 }),
    promiseProp: () => Object.assign(new Error("m"), { a: 1, p: Promise.resolve() }),
    instanceProp: () => Object.assign(new Error("m"), { a: 1, u: new User() }),
    cyclic: () => { const error = new Error("m"); error.self = error; return error; },
    dom: () => new DOMException("m", "AbortError"), customDom: () => new DOMException("m", "Custom"),
    long: () => new Error("x".repeat(100_000)), odd: () => new Error("ü\\ud800€"),
    markedRemote: () => Object.assign(new Error("m"), { remote: true }),
    retryable: () => Object.assign(new Error("m"), { retryable: true }),
    fakeStack: () => Object.assign(new Error("m"), { stack: "secret place" }),
    string: () => "s", number: () => 5, nothing: () => null, undefined: () => undefined, symbol: () => Symbol("y"), bigint: () => 5n,
    object: () => ({ a: 1 }), array: () => [1, 2], map: () => new Map([[1, 2]]), date: () => new Date(5),
    function: () => () => 1, target: () => new Target(), response: () => new Response("b"), stream: () => new ReadableStream(),
    promise: () => Promise.resolve(), weakMap: () => new WeakMap(), objectWithFunction: () => ({ f: () => 1 }), user: () => new User(),
    nullPrototype: () => Object.assign(Object.create(null), { a: 1 }), stub: () => new RpcStub({}),
  };`;

const child = (env) => entry(env, `import { WorkerEntrypoint, RpcTarget, RpcStub } from "cloudflare:workers"; ${MAKE}
  export default class extends WorkerEntrypoint {
    raise(name) { throw make[name](); }
    async raiseLater(name) { await null; throw make[name](); }
    give(name) { return { error: make[name]() }; }
    fetch(request) { throw make[new URL(request.url).pathname.slice(1)](); }
    async relay(f) { await f(); }
    async caught(f) { try { await f(); } catch (error) { return { error, remote: error.remote, name: error.name, code: error.code }; } }
    deep() { function secretFrame() { throw new Error("d"); } secretFrame(); }
  }`);

/** What the caller gets of each way to throw. */
async function thrown(env, name, check) {
  const e = child(env);
  for (const call of [() => e.raise(name), () => e.raiseLater(name), () => e.fetch(`http://x/${name}`)]) {
    const error = await call().then(() => ok(false, "it throws"), (reason) => reason);
    check(error);
    if (typeof error === "object") equal(error.remote, true, "remote");
  }
}

async function given(env, name) {
  const { error } = await child(env).give(name);
  return error;
}

export const builtInClassesAreRebuilt = {
  async test(_, env) {
    const e = child(env);
    for (const Class of [Error, TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError]) {
      const error = await rejects(e.relay(() => { throw new Class("m"); }));
      equal(error.constructor, Class);
      equal(error.message, "m");
      equal(Object.hasOwn(error, "name"), false);
    }
    await thrown(env, "renamed", (error) => equal(error.constructor, TypeError));
  },
};

export const aCustomNameIsKeptWithoutItsClass = {
  async test(_, env) {
    for (const [name, wanted] of [["custom", "Foo"], ["getter", "Baz"], ["unnamed", ""]]) {
      await thrown(env, name, (error) => {
        equal(error.constructor, Error);
        equal(error.name, wanted);
        equal(Object.keys(error).includes("name"), true, "an own, enumerable name");
      });
    }
    await thrown(env, "subclass", (error) => equal(error.constructor, TypeError));
  },
};

export const aggregatesKeepTheirErrors = {
  async test(_, env) {
    await thrown(env, "aggregate", (error) => {
      equal(error.constructor, AggregateError);
      equal(error.errors[0].constructor, RangeError);
      equal(error.errors[0].cause, 1);
      equal(error.errors[0].remote, undefined);
      equal(error.errors[1], 5);
    });
    const error = await given(env, "aggregate");
    ok(error instanceof AggregateError);
    equal(error.remote, undefined);
  },
};

export const suppressedErrorsKeepBoth = {
  async test(_, env) {
    await thrown(env, "suppressed", (error) => {
      equal(error.constructor, SuppressedError);
      equal(error.error.message, "a");
      equal(error.suppressed.constructor, TypeError);
    });
  },
};

export const causesTravelToAnyDepth = {
  async test(_, env) {
    await thrown(env, "cause", (error) => {
      equal(error.cause.constructor, TypeError);
      equal(error.cause.cause, "deeper");
      equal(Object.keys(error).includes("cause"), true);
    });
  },
};

export const ownPropertiesTravel = {
  async test(_, env) {
    await thrown(env, "props", (error) => deepEqual([error.code, error.map.get(1), error.hidden], [7, 2, 1]));
    await thrown(env, "getterProp", (error) => equal(error.g, 5));
    await thrown(env, "symbolProp", (error) => deepEqual(Object.keys(error).sort(), ["a", "remote"]));
    await thrown(env, "retryable", (error) => equal(error.retryable, true));
    await thrown(env, "long", (error) => equal(error.message.length, 100_000));
    await thrown(env, "odd", (error) => includes(error.message, "ü"));
  },
};

// A thrown error is copied as plain data; what is not leaves name and message.
export const propertiesThatCannotBeCopiedLeaveNameAndMessage = {
  async test(_, env) {
    for (const name of ["functionProp", "promiseProp", "cyclic"]) {
      await thrown(env, name, (error) => {
        equal(error.message, "m");
        deepEqual(Object.keys(error), ["remote"]);
      });
    }
    await thrown(env, "instanceProp", (error) => deepEqual([error.a, error.u.x], [1, 1]));
  },
};

export const aReturnedErrorIsAValueLikeAnyOther = {
  async test(_, env) {
    const e = child(env);
    const cause = await given(env, "cause");
    equal(cause.cause.cause, "deeper");
    equal(cause.remote, undefined);
    equal(typeof (await given(env, "functionProp")).f, "function");
    equal((await given(env, "markedRemote")).remote, true, "a property of its own");
    await rejects(e.give("promiseProp"), { name: "DataCloneError" });
    await rejects(e.give("instanceProp"), { name: "DataCloneError", message: '"User"' });
    await rejects(e.give("cyclic"), { name: "Error", message: "Unable to deserialize cloned data" });
  },
};

export const domExceptionsKeepNameAndCode = {
  async test(_, env) {
    await thrown(env, "dom", (error) => {
      ok(error instanceof DOMException);
      deepEqual([error.name, error.code, error.message], ["AbortError", 20, "m"]);
    });
    await thrown(env, "customDom", (error) => deepEqual([error.name, error.code], ["Custom", 0]));
    equal((await given(env, "dom")).remote, undefined);
  },
};

export const stacksAreNotDisclosed = {
  async test(_, env) {
    const error = await rejects(child(env).deep());
    ok(!error.stack.includes("secretFrame"));
    ok(!error.stack.includes("mayfly:"));
    equal(error.stack.split("\n")[0], "Error: d");
    equal(Object.keys(error).includes("stack"), false);
    await thrown(env, "fakeStack", (fake) => ok(!String(fake.stack).includes("secret place")));
  },
};

export const thrownPrimitivesBecomeErrors = {
  async test(_, env) {
    for (const [name, message] of [["string", "s"], ["number", "5"], ["nothing", "null"], ["undefined", "undefined"], ["symbol", "Symbol(y)"], ["bigint", "5"]]) {
      await thrown(env, name, (error) => {
        equal(error.constructor, Error);
        equal(error.message, message);
      });
    }
  },
};

export const thrownObjectsArriveAsThemselves = {
  async test(_, env) {
    await thrown(env, "object", (error) => deepEqual({ ...error }, { a: 1, remote: true }));
    await thrown(env, "array", (error) => deepEqual([error.length, error[1]], [2, 2]));
    await thrown(env, "map", (error) => equal(error.get(1), 2));
    await thrown(env, "date", (error) => equal(error.getTime(), 5));
    await thrown(env, "user", (error) => deepEqual({ ...error }, { x: 1, remote: true }));
    await thrown(env, "nullPrototype", (error) => equal(error.a, 1));
  },
};

export const whatCannotBeThrownIsDescribed = {
  async test(_, env) {
    const texts = { function: "() => 1", target: "#<Target>", response: "#<Response>", stream: "#<ReadableStream>", promise: "#<Promise>", weakMap: "#<WeakMap>", objectWithFunction: "#<Object>", stub: "#<RpcStub>" };
    for (const [name, text] of Object.entries(texts)) {
      await thrown(env, name, (error) => {
        equal(error.constructor, Error, name);
        equal(error.message, text);
      });
    }
  },
};

export const errorsOfCallbacksReachTheCallee = {
  async test(_, env) {
    const e = child(env);
    const seen = await e.caught(() => { throw Object.assign(new TypeError("cb"), { code: 3 }); });
    deepEqual([seen.remote, seen.name, seen.code], [true, "TypeError", 3]);
    const back = await rejects(e.relay(() => { throw Object.assign(new RangeError("there and back"), { code: 4 }); }), { name: "RangeError" });
    deepEqual([back.code, back.remote], [4, true]);
  },
};

export const everyPipelinedCallFailsWithTheFirst = {
  async test(_, env) {
    const e = child(env);
    const first = e.raise("props");
    const second = first.a();
    const third = second.b.c();
    for (const promise of [first, second, third, e.raise("props").x]) {
      const error = await rejects(Promise.resolve(promise), { name: "Error", message: "m" });
      deepEqual([error.code, error.remote], [7, true]);
    }
  },
};

export const systemErrorsAreNotRemote = {
  async test(_, env) {
    const load = (source) => entry(env, source);
    equal((await rejects(load("throw new Error('boom');").x(), { message: "boom" })).remote, undefined);
    equal((await rejects(env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": "export default {};" } }).getEntrypoint("nope").x(), { message: "no such entrypoint" })).remote, undefined);
  },
};

export const anErrorMayBeSentOnAsAnArgument = {
  async test(_, env) {
    const e = child(env);
    const error = await rejects(e.raise("props"));
    const { error: again } = await e.caught(() => { throw error; });
    deepEqual([again.message, again.code, again.remote], ["m", 7, true]);
  },
};
