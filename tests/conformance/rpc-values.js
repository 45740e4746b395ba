// worker-loader.md §4.2: what can be sent, as an argument and as a result.

import { RpcStub, RpcTarget } from "cloudflare:workers";
import { deepEqual, equal, includes, ok, rejects } from "./_assert.js";
import { withClass } from "./_load.js";

const ECHO = "echo(x) { return x; } inside(x) { return x.v; } type(x) { return Object.prototype.toString.call(x); } size(x) { return x.length; }";

/** What becomes of `value` on its way there and back, alone and inside an object. */
async function echoed(env, value, check) {
  const e = withClass(env, ECHO);
  check(await e.echo(value));
  check((await e.echo({ v: [value] })).v[0]);
  check(await e.inside({ v: value }));
}

export const boxedPrimitivesStayBoxed = {
  async test(_, env) {
    for (const boxed of [new Number(-0), new String("ab"), new Boolean(false), Object(5n)]) {
      await echoed(env, boxed, (back) => {
        equal(typeof back, "object");
        equal(Object.prototype.toString.call(back), Object.prototype.toString.call(boxed));
        equal(Object.is(back.valueOf(), boxed.valueOf()), true);
      });
    }
  },
};

export const stringsKeepEveryUnit = {
  async test(_, env) {
    for (const text of ["", "a\ud800b\udc00", "ü€𝄞", "\0", "x".repeat(100_000)]) await echoed(env, text, (back) => equal(back, text));
  },
};

export const datesAndExpressions = {
  async test(_, env) {
    await echoed(env, new Date(NaN), (back) => equal(Number.isNaN(back.getTime()), true));
    const expression = /a(?<n>b)/dgimsuy;
    expression.lastIndex = 3;
    await echoed(env, expression, (back) => deepEqual([String(back), back.lastIndex], [String(expression), 0]));
    await echoed(env, /[a--b]/v, (back) => equal(String(back), "/[a--b]/v"));
  },
};

export const arraysKeepHolesAndNamedProperties = {
  async test(_, env) {
    await echoed(env, Object.assign([1, , 3], { name: "x", "-1": 2 }), (back) => {
      deepEqual(Object.keys(back), ["0", "2", "name", "-1"]);
      equal(back.length, 3);
    });
    const sparse = [];
    sparse[1_000_000] = 1;
    await echoed(env, sparse, (back) => equal(back.length, 1_000_001));
    const empty = [];
    empty.length = 5;
    await echoed(env, empty, (back) => deepEqual([back.length, Object.keys(back).length], [5, 0]));
  },
};

export const onlyOwnEnumerableStringKeysAreCopied = {
  async test(_, env) {
    const given = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3 });
    await echoed(env, given, (back) => deepEqual(Reflect.ownKeys(back).filter((key) => typeof key === "string"), ["a"]));
    await echoed(env, Object.assign(new Map([[1, 2]]), { x: 1 }), (back) => deepEqual([back.size, back.x], [1, undefined]));
    await echoed(env, Object.freeze({ a: 1 }), (back) => equal(Object.isFrozen(back), false));
  },
};

export const gettersAreEvaluatedAndTheirErrorsRejectTheCall = {
  async test(_, env) {
    const e = withClass(env, ECHO + " bad() { return { get x() { throw new RangeError('there'); } }; }");
    const here = await rejects(e.echo({ get x() { throw new RangeError("here"); } }), { name: "RangeError", message: "here" });
    equal(here.remote, undefined);
    equal((await rejects(e.bad(), { name: "RangeError", message: "there" })).remote, true);
    const shrinking = { get a() { delete shrinking.b; return 1; }, b: 2 };
    deepEqual(Object.keys(await e.echo(shrinking)), ["a"]);
  },
};

export const everyKindOfBuffer = {
  async test(_, env) {
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const Class of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, globalThis.Float16Array ?? Uint8Array]) {
      await echoed(env, new Class(bytes.slice().buffer), (back) => {
        equal(back.constructor, Class);
        deepEqual([...new Uint8Array(back.buffer)], [...bytes]);
      });
    }
    await echoed(env, new DataView(bytes.buffer, 2, 3), (back) => deepEqual([back.byteLength, back.getUint8(0)], [3, 3]));
    const resizable = new ArrayBuffer(3, { maxByteLength: 10 });
    await echoed(env, resizable, (back) => deepEqual([back.byteLength, back.resizable, back.maxByteLength], [3, true, 10]));
    equal(resizable.detached, false);
  },
};

export const aDetachedBufferIsRefused = {
  async test(_, env) {
    const buffer = new ArrayBuffer(3);
    buffer.transfer();
    await rejects(withClass(env, ECHO).echo(buffer), { name: "DataCloneError", message: "detached" });
  },
};

export const functionsOfEveryKindBecomeStubs = {
  async test(_, env) {
    const e = withClass(env, "async type(f) { return [typeof f, Object.prototype.toString.call(f)]; }");
    for (const f of [() => 1, async () => 1, function* () {}, class Foo {}, Math.max, (() => 1).bind(null), new Proxy(() => 1, {})]) {
      deepEqual([...(await e.type(f))], ["function", "[object JsRpcStub]"]);
    }
  },
};

export const aProxyStandsForWhatItImitates = {
  async test(_, env) {
    const e = withClass(env, "async read(p) { return await p.a; } async call(p) { return await p(2); } async m(p) { return await p.m(); }");
    class Target extends RpcTarget { m() { return "m"; } }
    equal(await e.read(new Proxy({ a: 1 }, {})), 1);
    equal(await e.call(new Proxy((x) => x + 1, {})), 3);
    equal(await e.m(new Proxy(new Target(), {})), "m");
    for (const bad of [new Proxy(new Map(), {}), new Proxy([], {}), new Proxy(new (class Foo {})(), {}), new Proxy(Object.create(null), {})]) {
      await rejects(e.read(bad), { name: "DataCloneError", message: "Proxy could not be serialized" });
    }
  },
};

// A server may implement any name.
export const aWildcardTargetAnswersForEveryName = {
  async test(_, env) {
    class Target extends RpcTarget {}
    const wild = new Proxy(new Target(), {
      get: (target, key, receiver) => (key === "dup" || key === "then" || typeof key === "symbol" ? Reflect.get(target, key, receiver) : (...args) => `${key}(${args})`),
    });
    equal(await withClass(env, "async run(w) { return await w.anything(1, 2); }").run(wild), "anything(1,2)");
  },
};

export const instancesOfClassesAreRefusedByName = {
  async test(_, env) {
    const e = withClass(env, ECHO);
    class Foo { x = 1; }
    class List extends Array {}
    for (const bad of [new Foo(), { deep: [new Foo()] }, Object.assign(new Foo(), { constructor: { name: "Other" } })]) {
      await rejects(e.echo(bad), { name: "DataCloneError", message: 'Could not serialize object of type "Foo"' });
    }
    await rejects(e.echo(Object.create(null)), { name: "DataCloneError", message: 'Could not serialize object of type "Object"' });
    await rejects(e.echo(Object.create({ a: 1 })), { name: "DataCloneError", message: 'type "Object"' });
    await rejects(e.echo(Object.create(RpcTarget.prototype)), { name: "DataCloneError" });
    deepEqual([...(await e.echo(List.from([1, 2])))], [1, 2]);
  },
};

export const platformObjectsThatStayAtHome = {
  async test(_, env, ctx) {
    const e = withClass(env, ECHO);
    const values = {
      URL: new URL("http://h/"), URLSearchParams: new URLSearchParams(), FormData: new FormData(), File: new File(["a"], "n"), AbortController: new AbortController(),
      Event: new Event("x"), EventTarget: new EventTarget(), TextDecoder: new TextDecoder(), TextEncoder: new TextEncoder(), TransformStream: new TransformStream(),
      WorkerLoader: env.LOADER, ExecutionContext: ctx, LoopbackServiceStub: ctx.exports.default ?? ctx.exports.platformObjectsThatStayAtHome,
    };
    for (const [name, value] of Object.entries(values)) await rejects(e.echo(value), { name: "DataCloneError", message: `"${name}"` });
    await rejects(e.echo(new AbortController().signal), { name: "DataCloneError", message: "AbortSignal serialization is not enabled" });
  },
};

export const whatTheLanguageCannotCopy = {
  async test(_, env) {
    const e = withClass(env, ECHO);
    const bad = [Symbol("s"), Object(Symbol("s")), new WeakMap(), new WeakSet(), new WeakRef({}), (function* () {})(), (function () { return arguments; })(1), new Map().entries(), Promise.resolve()];
    for (const value of bad) equal((await rejects(e.echo(value), { name: "DataCloneError" })).code, 25);
  },
};

export const promisesAreNotArguments = {
  async test(_, env) {
    const e = withClass(env, ECHO + " make() { return { a: 1 }; } nested() { return { p: Promise.resolve(1) }; }");
    await rejects(e.echo(e.make()), { name: "DataCloneError", message: '"RpcPromise"' });
    await rejects(e.echo([e.make().a]), { name: "DataCloneError", message: '"RpcProperty"' });
    equal((await rejects(e.nested(), { name: "DataCloneError", message: "Promise" })).remote, true);
  },
};

export const aReturnedPromiseIsAwaited = {
  async test(_, env) {
    const e = withClass(env, "slow() { return Promise.resolve({ a: 1 }); } thenable() { return { then(done) { done(5); } }; } async relay(f) { return f(); } field() { return { then: 5 }; }");
    equal((await e.slow()).a, 1);
    equal(await e.thenable(), 5);
    equal(await e.relay(() => 7), 7);
    equal((await e.field()).then, 5);
  },
};

export const headersKeepEachCookie = {
  async test(_, env) {
    await echoed(env, new Headers([["a", "b"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]), (back) => {
      deepEqual(back.getSetCookie(), ["x=1", "y=2"]);
    });
  },
};

export const headersHaveALimit = {
  async test(_, env) {
    const headers = new Headers();
    for (let i = 0; i < 1024; i++) headers.append(`a${i}`, "b");
    equal([...(await withClass(env, ECHO).echo(headers))].length, 1024);
    headers.append("one", "more");
    await rejects(withClass(env, ECHO).echo(headers), { name: "DataCloneError", message: "header count exceeds maximum" });
  },
};

export const blobsAreCopiedAndFilesAreNot = {
  async test(_, env) {
    const blob = await withClass(env, ECHO).echo(new Blob(["abc"], { type: "text/plain" }));
    deepEqual([blob.constructor.name, blob.type, await blob.text()], ["Blob", "text/plain", "abc"]);
  },
};

export const messagesHaveALimitInBothDirections = {
  async test(_, env) {
    const e = withClass(env, ECHO + " make(n) { return 'x'.repeat(n); }");
    const limit = 33_554_432;
    equal((await rejects(e.size("x".repeat(limit)), { name: "Error", message: "limited to 32MiB" })).remote, undefined);
    equal((await rejects(e.make(limit), { name: "Error", message: "limited to 32MiB" })).remote, true);
    equal(await e.size("x".repeat(limit - 12)), limit - 12, "as large as can be");
    equal((await e.make(limit / 2)).length, limit / 2);
  },
};

export const deepNestingIsAnErrorAndNothingDies = {
  async test(_, env) {
    const e = withClass(env, `type(x) { return typeof x; }
      deep(n) { let list = []; for (let i = 0; i < n; i++) list = [list]; return list; }
      deepThrow(n) { let list = []; for (let i = 0; i < n; i++) list = [list]; throw list; }`);
    for (const depth of [10_000, 1_000_000]) {
      let list = [];
      let object = {};
      for (let i = 0; i < depth; i++) [list, object] = [[list], { object }];
      for (const value of [list, object, new Error("e", { cause: list })]) await rejects(e.type(value), { name: "RangeError" });
      await rejects(e.deep(depth), { name: "RangeError" });
      await rejects(e.deepThrow(depth));
    }
    let fair = [];
    for (let i = 0; i < 500; i++) fair = [fair];
    equal(await e.type(fair), "object", "and the worker lives");
  },
};

export const sharedReferencesStaySharedAcrossKinds = {
  async test(_, env) {
    const e = withClass(env, "same(a, b) { return a === b; } pair(x) { return [x, x]; }");
    for (const value of [{}, [], new Map(), new Date(), new RpcTarget(), () => 1, new RpcStub({})]) equal(await e.same(value, value), true);
    const [a, b] = await e.pair(new Map());
    equal(a, b);
  },
};

// The sender keeps such an array in a few bytes, so its receiver must not need megabytes for each.
export const anArrayOfHolesCostsItsReceiverNothing = {
  async test(_, env) {
    const e = withClass(env, "make(n) { return Array.from({ length: n }, () => { const list = [1]; list.length = 4294967295; list.length = 30000000; return list; }); }");
    const lists = await e.make(4);
    deepEqual(lists.map((list) => [list.length, list[0], Object.keys(list).length]), Array(4).fill([30_000_000, 1, 1]));
  },
};

export const valuesMayBeTwoThousandLevelsDeep = {
  async test(_, env) {
    const e = withClass(env, "depth(x) { let n = 0; for (; x.length > 0; x = x[0]) n++; return n; } make(n) { let a = []; for (let i = 0; i < n; i++) a = [a]; return a; }");
    let nested = [];
    for (let i = 0; i < 2000; i++) nested = [nested];
    equal(await e.depth(nested), 2000);
    let depth = 0;
    for (let made = await e.make(2000); made.length > 0; made = made[0]) depth++;
    equal(depth, 2000);
  },
};
