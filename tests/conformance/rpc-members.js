// worker-loader.md §3.2, §4.3 and §4.4: which members a server exposes, and calls on results that are still to come.

import { WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, rejects } from "./_assert.js";
import { load, withClass } from "./_load.js";

const MISSING = (name) => ({ name: "TypeError", message: `The RPC receiver does not implement the method "${name}".` });

const CHILD = `
  constructor(ctx, env) { super(ctx, env); this.assigned = () => 1; }
  field = 1; arrow = () => 1; #priv() { return 1; } m(x) { return x ?? "m"; } get data() { return { a: { b: () => "deep", c: 5 }, list: [1], f: Object.assign(() => "f", { x: 3, y: { z: () => "z" } }), n: 1 }; }
  obj() { return this.data; } get bad() { throw new RangeError("getter"); } get later() { return Promise.resolve({ z: () => "later" }); } "a.b"() { return "dot"; } ""() { return "empty"; } "weird name"() { return "weird"; }
  tail() { return "tail"; } scheduled() { return "scheduled"; } queue() { return "queue"; } email() { return "email"; } test() { return "test"; }
  target() { return new (class extends Base { own = 1; get g() { return 3; } m() { return "derived " + super.m(); } get nested() { return { f: () => "nested" }; } })(); }
  mixed() { return new RpcStub({ user: new User(), map: new Map(), bare: Object.create(null), n: 5, s: "abc", list: [() => 1] }); }
  num() { return 5; } text() { return "abc"; } nothing() { return null; } date() { return new Date(0); } arr() { return [1, { a: 1 }]; } fail() { throw new TypeError("first"); }
  fetcher() { return this.env.api; } nestedFetcher() { return { api: this.env.api }; } promised() { return Promise.resolve({ f: () => "promised" }); } cls() { return class { static s() { return "static"; } m() { return 1; } }; }`;
const BASE = `class Base extends RpcTarget { m() { return "base"; } fetch() { return "fetch"; } connect() { return "connect"; } alarm() { return "alarm"; } inherited() { return "inherited"; } toString() { return "never"; } } Base.prototype.value = { q: 7 }; class User { m() { return 1; } }`;

export class Api extends WorkerEntrypoint {
  who() { return `api ${this.ctx.props.u}`; }
}

const child = (env, ctx) => load(env, `import { WorkerEntrypoint, RpcTarget, RpcStub } from "cloudflare:workers"; ${BASE} export default class extends WorkerEntrypoint { ${CHILD} }
  const shared = { a(x, env, ctx) { return [x, typeof env, typeof ctx]; }, none() { return "none"; }, four(a, b, c, d) {}, v: 5, nest: { f(...args) { return args.length; } }, get g() { return () => "g"; }, alarm() {}, rest(...args) { return args.length; } };
  export const handlers = shared;
  class Instance { m() { return 1; } own = (x) => "own " + x; }
  export const instance = new Instance();`, { env: { api: ctx.exports.Api({ props: { u: 7 } }) } });

export const instanceMembersAreInvisible = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    for (const name of ["field", "arrow", "#priv", "assigned", "env", "ctx"]) {
      equal((await rejects(e[name](), MISSING(name))).remote, true);
      equal((await rejects(Promise.resolve(e[name]), MISSING(name))).remote, true);
    }
    const t = await e.target();
    await rejects(t.own(), MISSING("own"));
    deepEqual([await t.m(), await t.g, await t.inherited(), await t.value.q], ["derived base", 3, "inherited", 7]);
  },
};

export const anyStringMayNameAMethod = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    deepEqual([await e["a.b"](), await e[""](), await e["weird name"]()], ["dot", "empty", "weird"]);
  },
};

export const reservedNamesOfTargetsAreFewer = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    for (const name of ["alarm", "webSocketMessage", "webSocketClose", "webSocketError", "dup"]) {
      await rejects(e[name](), { name: "TypeError", message: `'${name}' is a reserved method and cannot be called over RPC.` });
    }
    const t = await e.target();
    deepEqual([await t.fetch(), await t.connect(), await t.alarm()], ["fetch", "connect", "alarm"]);
    await rejects(e.target().dup(), { name: "TypeError", message: "'dup' is a reserved method" });
    await rejects(e.obj().dup(), { name: "TypeError", message: "'dup' is a reserved method" });
  },
};

export const handlersOfOtherEventsAreOrdinaryMethods = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    for (const name of ["tail", "scheduled", "queue", "email", "test"]) equal(await e[name](), name);
  },
};

export const pathsGoThroughPlainObjectsAndFunctions = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    deepEqual([await e.data.a.b(), await e.data.a.c, await e.data.f(), await e.data.f.x, await e.data.f.y.z()], ["deep", 5, "f", 3, "z"]);
    deepEqual([await e.obj().a.b(), await e.obj().f.y.z(), await e.target().nested.f(), await e.cls().s()], ["deep", "z", "nested", "static"]);
    await rejects(e.data.nope(), MISSING("nope"));
    await rejects(e.data.a.nope(), MISSING("nope"));
  },
};

// The error names the member that leads to what cannot be entered.
export const pathsEndAtOtherValues = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    await rejects(e.data.n.x(), MISSING("n"));
    await rejects(e.data.list.length.x(), MISSING("list"));
    const mixed = await e.mixed();
    await rejects(mixed.user.m(), MISSING("user"));
    await rejects(Promise.resolve(mixed.map.size), MISSING("map"));
    await rejects(mixed.bare.x(), MISSING("bare"));
    await rejects(Promise.resolve(mixed.s.length), MISSING("s"));
    equal(await mixed.n, 5);
  },
};

export const whatIsNoFunctionCannotBeCalled = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    await rejects(e.data.n(), { name: "TypeError", message: '"data.n" is not a function.' });
    await rejects(e.obj().a.c(), { name: "TypeError", message: '"a.c" is not a function.' });
    await rejects(e.obj()(), { name: "TypeError", message: '"(this)" is not a function.' });
    await rejects((await e.target())(), { name: "TypeError", message: '"(this)" is not a function.' });
    await rejects((await e.cls())(), { name: "TypeError" });
  },
};

export const gettersThatThrowRejectEveryUse = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    for (const use of [() => e.bad, () => e.bad(), () => e.bad.a.b()]) {
      equal((await rejects(Promise.resolve(use()), { name: "RangeError", message: "getter" })).remote, true);
    }
    equal(typeof (await e.later).z, "function", "a promise is awaited there");
  },
};

export const pipeliningOnAPrimitiveFails = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    for (const name of ["num", "text", "nothing", "date"]) {
      equal((await rejects(e[name]().x(), MISSING("x"))).remote, true);
      equal((await rejects(Promise.resolve(e[name]().x), MISSING("x"))).remote, true);
      await rejects(e[name]()(), { name: "TypeError", message: '"(this)" is not a function.' });
    }
    const settled = e.num();
    await settled;
    await rejects(settled.x(), { name: "TypeError", message: "Can't pipeline on RPC that did not return an object." });
  },
};

export const pipeliningGoesOnAfterTheResult = {
  async test(_, env, ctx) {
    const settled = child(env, ctx).getEntrypoint().obj();
    await settled;
    deepEqual([await settled.a.b(), await settled.a.c, await settled.f(), await settled.f.x], ["deep", 5, "f", 3]);
    equal((await rejects(Promise.resolve(settled.nope), MISSING("nope"))).remote, true);
    equal((await rejects(settled.n(), { message: '"n" is not a function.' })).remote, true);
  },
};

export const pipeliningThroughFetchersAndPromises = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint();
    deepEqual([await e.fetcher().who(), await e.nestedFetcher().api.who(), await e.promised().f()], ["api 7", "api 7", "promised"]);
    const { api } = await e.nestedFetcher();
    equal(await api.who(), "api 7");
  },
};

export const handlerObjectsTakeOneArgument = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint("handlers");
    deepEqual([...(await e.a(1))], [1, "object", "object"]);
    equal(await e.none(1), "none");
    equal(await e.rest(1), 3);
    for (const args of [[], [1, 2]]) await rejects(e.a(...args), { name: "TypeError", message: 'Attempted to call RPC function "a" with the wrong number of arguments' });
    await rejects(e.four(1), { name: "TypeError", message: 'Cannot call handler function "four" over RPC' });
    await rejects(e.v(1), { name: "TypeError", message: '"v" is not a function.' });
    await rejects(e.alarm(1), { name: "TypeError", message: "reserved" });
    equal(await e.v, 5);
  },
};

export const nestedHandlersAreHandlersToo = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint("handlers");
    equal(await e.nest.f(1), 3);
    await rejects(e.nest.f(1, 2), { name: "TypeError", message: 'RPC function "nest.f"' });
    equal(await e.g(1), "g");
  },
};

export const anExportedInstanceShowsItsOwnProperties = {
  async test(_, env, ctx) {
    const e = child(env, ctx).getEntrypoint("instance");
    equal(await e.own(1), "own 1");
    await rejects(e.m(1), MISSING("m"));
  },
};
