// worker-loader.md §4.1: what Fetchers, stubs, promises and properties look like to a program.

import { RpcPromise, RpcProperty, RpcStub, RpcTarget, ServiceStub, WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { withClass } from "./_load.js";

export class Api extends WorkerEntrypoint {
  who() { return `api ${this.ctx.props.u ?? "nobody"}`; }
}

class Target extends RpcTarget {
  m() { return 1; }
}

const MEMBERS = "obj() { return { a: 1 }; } m(x) { return x ?? 'm'; } tgt() { return new (class extends RpcTarget { m() { return 2; } })(); } toJSON() { throw new Error('reached'); }";

/** One of each kind, by name. */
async function each(env, body) {
  const e = withClass(env, MEMBERS);
  const promise = e.obj();
  promise.catch(() => {});
  const kinds = { fetcher: e, localStub: new RpcStub(new Target()), remoteStub: await e.tgt(), promise, property: e.m };
  for (const [kind, object] of Object.entries(kinds)) await body(object, kind);
}

const TAGS = { fetcher: "Fetcher", localStub: "JsRpcStub", remoteStub: "JsRpcStub", promise: "JsRpcPromise", property: "JsRpcProperty" };
const CLASSES = { fetcher: ServiceStub, localStub: RpcStub, remoteStub: RpcStub, promise: RpcPromise, property: RpcProperty };

export const everyKindHasItsClassAndTag = {
  test: (_, env) => each(env, (object, kind) => {
    equal(Object.prototype.toString.call(object), `[object ${TAGS[kind]}]`, kind);
    equal(String(object), `[object ${TAGS[kind]}]`, kind);
    equal(Object.getPrototypeOf(object), CLASSES[kind].prototype, kind);
    equal(object.constructor, CLASSES[kind], kind);
    equal(object instanceof CLASSES[kind], true, kind);
    equal(object instanceof Promise, false, kind);
    equal(typeof object, kind === "fetcher" ? "object" : "function", kind);
  }),
};

export const membersAreThereButNotOwn = {
  test: (_, env) => each(env, (object, kind) => {
    equal("nope" in object, true, kind);
    equal(Object.hasOwn(object, "nope"), false, kind);
    equal(Object.getOwnPropertyDescriptor(object, "nope"), undefined, kind);
    equal(Reflect.ownKeys(object).length, 0, kind);
    equal(Object.keys({ ...object }).length, 0, kind);
    equal(object.foo === object.foo, false, kind);
  }),
};

export const thenIsHiddenWhereItWouldHarm = {
  test: (_, env) => each(env, async (object, kind) => {
    const awaitable = kind === "promise" || kind === "property";
    equal("then" in object, awaitable, kind);
    equal(typeof object.then, awaitable ? "function" : "undefined", kind);
    if (!awaitable) equal(await object, object, kind);
  }),
};

export const symbolsAndArrayIndicesAreLocal = {
  test: (_, env) => each(env, (object, kind) => {
    equal(object[0], undefined, kind);
    equal(object[4294967294], undefined, kind);
    equal(typeof object["4294967295"], "function", `${kind}: no index any more`);
    equal(typeof object["01"], "function", kind);
    equal(object[Symbol.iterator], undefined, kind);
    equal(object[Symbol.asyncDispose], undefined, kind);
  }),
};

export const namesOfObjectPrototypeAreLocal = {
  test: (_, env) => each(env, (object, kind) => {
    for (const name of ["toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "toLocaleString"]) {
      equal(object[name], Object.prototype[name], `${kind}.${name}`);
    }
    for (const name of ["call", "apply", "bind", "name", "length", "onRpcBroken", "toJSON"]) {
      equal(Object.prototype.toString.call(object[name]), "[object JsRpcProperty]", `${kind}.${name}`);
    }
  }),
};

// JSON.stringify(env) must not reach out to the bindings in it.
export const aFetcherIsAnEmptyObjectAsJson = {
  async test(_, env) {
    equal(JSON.stringify({ e: withClass(env, MEMBERS), n: 1 }), '{"e":{},"n":1}');
    equal(JSON.stringify({ s: new RpcStub({}), n: 1 }), '{"n":1}');
  },
};

export const ownPropertiesMayBeAdded = {
  test: (_, env) => each(env, (object, kind) => {
    object.mine = 5;
    equal(object.mine, 5, kind);
    deepEqual(Object.keys(object), ["mine"], kind);
    equal(delete object.mine, true, kind);
    equal(typeof object.mine, "function", kind);
  }),
};

export const newIsACallToo = {
  async test(_, env) {
    const e = withClass(env, "make(x) { return { x }; }");
    equal((await new e.make(3)).x, 3);
    const f = new RpcStub((x) => x + 1);
    equal(await new f(1), 2);
    throws(() => new e(), { name: "TypeError" });
  },
};

export const localMembersCheckTheirReceiver = {
  async test(_, env) {
    const e = withClass(env, MEMBERS);
    const stub = new RpcStub({});
    throws(() => stub[Symbol.dispose].call({}), { name: "TypeError", message: "Illegal invocation" });
    throws(() => stub.dup.call({}), { name: "TypeError", message: "Illegal invocation" });
    throws(() => e.m().then.call({}), { name: "TypeError", message: "Illegal invocation" });
    const { fetch } = e;
    await rejects((async () => fetch("http://x/"))(), { name: "TypeError", message: "Illegal invocation" });
  },
};

export const remoteMethodsMayBeTornOff = {
  async test(_, env) {
    const e = withClass(env, MEMBERS);
    const { m } = e;
    equal(await m("x"), "x");
    const method = e.tgt().m;
    equal(await Reflect.apply(method, undefined, []), 2);
  },
};

export const aProxyAroundAFetcherWorks = {
  async test(_, env) {
    const seen = [];
    const logged = new Proxy(withClass(env, MEMBERS), {
      get(target, key, receiver) {
        seen.push(key);
        return Reflect.get(target, key, receiver);
      },
    });
    equal(await logged.m("x"), "x");
    deepEqual(seen, ["m"]);
    equal(await new Proxy(withClass(env, MEMBERS), {}).m(), "m");
  },
};

export const promisesAreAwaitedInEveryWay = {
  async test(_, env) {
    const e = withClass(env, MEMBERS + " fail() { throw new RangeError('f'); } n = 0; get g() { return globalThis.g = (globalThis.g ?? 0) + 1; }");
    equal(await e.m(1).then((x) => x + 1), 2);
    equal(await e.fail().catch((error) => error.name), "RangeError");
    let ended = false;
    equal(await e.m(1).finally(() => { ended = true; }), 1);
    equal(ended, true);
    deepEqual(await Promise.all([e.m(1), e.m(2)]), [1, 2]);
    ok(e.m().then(() => 1) instanceof Promise);
    const p = e.obj();
    equal(await p, await p, "one result");
    const g = e.g;
    equal(await g, 1);
    equal(await g, 2, "a property is read anew");
  },
};

export const nothingThrowsSynchronously = {
  async test(_, env) {
    const stub = await withClass(env, MEMBERS).tgt();
    stub[Symbol.dispose]();
    const call = stub.m();
    await rejects(call, { message: "RPC stub used after being disposed." });
    await rejects(withClass(env, MEMBERS).m(Symbol("x")), { name: "DataCloneError" });
  },
};

export const pathsHaveALimit = {
  async test(_, env) {
    const e = withClass(env, MEMBERS);
    const deeper = (object, times) => (times === 0 ? object : deeper(object.a, times - 1));
    await rejects(deeper(e, 65)(), { name: "TypeError", message: "does not implement" });
    throws(() => deeper(e, 66), { name: "TypeError", message: "RPC pipelined property path is too deep" });
  },
};

export const aLocalTargetBehavesAsIfRemote = {
  async test() {
    let ran = false;
    const stub = new RpcStub((x) => { ran = true; return { x }; });
    const call = stub(new Map([[1, 2]]));
    equal(ran, false, "not at once");
    const result = await call;
    deepEqual([...result.x], [[1, 2]]);
    await rejects(stub(Promise.resolve()), { name: "DataCloneError" });
    class Hidden extends RpcTarget {
      field = 1;
      get shown() { return 2; }
    }
    const hidden = new RpcStub(new Hidden());
    equal(await hidden.shown, 2);
    await rejects(Promise.resolve(hidden.field), { name: "TypeError", message: 'does not implement the method "field"' });
  },
};

export const whatAStubCanWrap = {
  test(_, env, ctx) {
    for (const good of [{}, () => 1, class {}, new Target(), new Proxy({}, {}), new Proxy(() => 1, {}), new RpcStub({})]) {
      equal(typeof new RpcStub(good), "function");
    }
    for (const bad of [[], new Map(), new Date(), new (class Foo {})(), Object.create(null), new Error("x"), Promise.resolve(), new Response("")]) {
      throws(() => new RpcStub(bad), { name: "TypeError", message: "RpcStubs can only wrap" });
    }
    for (const bad of [5, null, undefined, "x"]) throws(() => new RpcStub(bad), { name: "TypeError" });
    throws(() => RpcStub({}), { name: "TypeError", message: "new" });
    for (const Class of [RpcPromise, RpcProperty, ServiceStub]) throws(() => new Class(), { name: "TypeError", message: "Illegal constructor" });
    ok(ctx.exports.Api instanceof ServiceStub);
  },
};

export const aStubClassMayBeExtended = {
  async test() {
    class Named extends RpcStub {
      local() { return "local"; }
    }
    const stub = new Named({ f: () => "remote" });
    ok(stub instanceof Named);
    equal(stub.local(), "local");
    equal(await stub.f(), "remote");
  },
};

export const aLoopbackStubIsAFetcherOfItsOwnClass = {
  async test(_, env, ctx) {
    equal(Object.prototype.toString.call(ctx.exports.Api), "[object LoopbackServiceStub]");
    equal(typeof ctx.exports.Api, "function");
    equal(await ctx.exports.Api.who(), "api nobody");
    const called = ctx.exports.Api({ props: { u: 3 } });
    equal(Object.getPrototypeOf(called), ServiceStub.prototype);
    equal(await called.who(), "api 3");
    throws(() => ctx.exports.Api(1), { name: "TypeError", message: "Options" });
  },
};

export const structuredCloneRefusesStubs = {
  test: (_, env) => each(env, (object, kind) => {
    throws(() => structuredClone({ object }), { name: "DataCloneError" });
  }),
};
