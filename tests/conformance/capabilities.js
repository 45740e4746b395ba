// worker-loader.md §1.7, §1.8, §5.1, §5.2 and §11 "env, outbound, tails" (without tails).

import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, includes, rejects, throws } from "./_assert.js";
import { entry, load, withClass } from "./_load.js";

export class Api extends WorkerEntrypoint {
  who(x) {
    return `${this.ctx.props.u} ${x}`;
  }
  async fetch(request) {
    return new Response(`api ${new URL(request.url).pathname} ${this.ctx.props.u}`);
  }
}

export class Broker extends WorkerEntrypoint {
  target() {
    return new (class extends RpcTarget {
      hi() { return "from the parent"; }
    })();
  }
  async call(f) { return await f(); }
}

export class Out extends WorkerEntrypoint {
  async fetch(request) {
    if (new URL(request.url).pathname === "/redirect") {
      return new Response(null, { status: 302, headers: { location: "/q" } });
    }
    return Response.json({ url: request.url, method: request.method, body: await request.text(), redirect: request.redirect, tenant: this.ctx.props.tenant });
  }
}

export const plainValuesKeepTheirTypes = {
  async test(_, env) {
    const values = { a: 1, d: new Date(0), m: new Map([[1, 2]]), s: new Set(["x"]), b: new Uint8Array([1, 2]), n: null, big: 5n, r: /x/g };
    const e = withClass(env, "env_() { const { ...copy } = this.env; return copy; } type(k) { return this.env[k].constructor.name; }", { env: values });
    deepEqual({ ...(await e.env_()) }, values);
    equal(await e.type("d"), "Date");
    equal(await e.type("m"), "Map");
    deepEqual({ ...(await withClass(env, "env_() { return { ...this.env }; }").env_()) }, {});
  },
};

export const whatCannotBeCopiedIsRefused = {
  test(_, env, ctx) {
    for (const bad of [{ f() {} }, { c: new (class Foo {})() }, { s: Symbol("x") }, { p: Promise.resolve() }, { api: ctx.exports.Api }, { l: env.LOADER }]) {
      throws(() => load(env, "export default {};", { env: bad }), { name: "DataCloneError" });
    }
    includes(throws(() => load(env, "export default {};", { env: { api: ctx.exports.Api } })).message, "LoopbackServiceStub");
    throws(() => load(env, "export default {};", { env: "x" }), { name: "TypeError", message: "env" });
  },
};

export const anEntrypointOfAnotherWorkerDoesNotTravel = {
  test(_, env) {
    const other = entry(env, "export default {};");
    for (const extra of [{ env: { other } }, { globalOutbound: other }]) {
      throws(() => load(env, "export default {};", extra), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers" });
    }
  },
};

export const aCapabilityCallsBackWithItsProps = {
  async test(_, env, ctx) {
    const e = withClass(env, "run(x) { return this.env.api.who(x); } get(u) { return this.env.api.fetch(u).then((r) => r.text()); }", {
      env: { api: ctx.exports.Api({ props: { u: 7 } }), deep: { api: ctx.exports.Api({ props: { u: 8 } }) } },
    });
    equal(await e.run("a"), "7 a");
    equal(await e.get("http://anything/p"), "api /p 7");
    const deep = withClass(env, "run(x) { return this.env.list[0].api.who(x); }", { env: { list: [{ api: ctx.exports.Api({ props: { u: 9 } }) }] } });
    equal(await deep.run("b"), "9 b");
  },
};

export const tailsAreFetchers = {
  test(_, env, ctx) {
    throws(() => load(env, "export default {};", { tails: "x" }), { name: "TypeError", message: "tails" });
    throws(() => load(env, "export default {};", { tails: [ctx.exports.Api, {}] }), { name: "TypeError", message: "array element 1" });
    const other = entry(env, "export default {};");
    throws(() => load(env, "export default {};", { tails: [other] }), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers" });
    load(env, "export default {};", { tails: [ctx.exports.Api({ props: {} })] });
  },
};

export const envIsCopiedOnce = {
  async test(_, env) {
    const given = { o: { n: 1 } };
    const e = withClass(env, "run() { return ++this.env.o.n; }", { env: given });
    given.o.n = 100;
    equal(await e.run(), 2);
    equal(await e.run(), 3);
    equal(given.o.n, 100);
  },
};

export const tooLargeAnEnvIsRefused = {
  test(_, env) {
    includes(throws(() => load(env, "export default {};", { env: { x: "x".repeat(1048576) } })).message, "env size");
  },
};

export const importedEnvIsTheSame = {
  async test(_, env) {
    const e = entry(env, `import { env, withEnv } from "cloudflare:workers";
      const early = env.a;
      const read = async () => { await null; return env.a; };
      export default { async run() { return [early, env.a, await withEnv({ a: 2 }, read), await read()]; } };`, { env: { a: 1 } });
    deepEqual([...(await e.run(0))], [1, 1, 2, 1]);
  },
};

export const noOutboundMeansNoNetwork = {
  async test(_, env) {
    const e = withClass(env, `
      async run() { let error; const p = fetch("http://example.com/"); try { await p; } catch (e) { error = e; } return [error.name, error.message, error.remote]; }
      async data() { return (await fetch("data:,x")).text(); }
      escape() { return fetch("http://example.com/"); }`);
    const [name, message, remote] = await e.run();
    equal(name, "Error");
    includes(message, "This worker is not permitted to access the internet via global functions like fetch().");
    equal(remote, undefined);
    equal(await e.data(), "x");
    equal((await rejects(e.escape(), { message: "not permitted" })).remote, true);
  },
};

export const anInterceptorGetsTheRequests = {
  async test(_, env, ctx) {
    const e = withClass(env, `
      async run() { return (await fetch("http://h/p#f", { method: "POST", body: "b" })).json(); }
      async hop() { const r = await fetch("http://h/redirect"); return [r.redirected, (await r.json()).url]; }`, {
      globalOutbound: ctx.exports.Out({ props: { tenant: "t1" } }),
    });
    deepEqual({ ...(await e.run()) }, { url: "http://h/p", method: "POST", body: "b", redirect: "manual", tenant: "t1" });
    deepEqual([...(await e.hop())], [true, "http://h/q"]);
  },
};

export const anUncalledExportMayIntercept = {
  async test(_, env, ctx) {
    const e = withClass(env, "async run() { return (await (await fetch('http://h/x')).json()).url; }", { globalOutbound: ctx.exports.Out });
    equal(await e.run(), "http://h/x");
  },
};

export const outboundMustBeAFetcher = {
  test(_, env) {
    for (const bad of [{}, "x", 5]) {
      const error = throws(() => load(env, "export default {};", { globalOutbound: bad }), { name: "TypeError" });
      includes(error.message, "globalOutbound");
      includes(error.message, "Fetcher");
    }
  },
};

export const aWorkerSeesNothingItWasNotGiven = {
  async test(_, env) {
    const e = entry(env, `export default { run() {
      return ["process", "require", "Deno", "Bun", "window", "document", "XMLHttpRequest", "Worker", "gc", "__mayflyOps"].filter((name) => name in globalThis);
    } };`);
    deepEqual([...(await e.run(0))], []);
  },
};

// security.md §2, L1: no memory is shared between threads, and none can be.
export const thereIsNoSharedMemory = {
  async test(_, env) {
    equal(await entry(env, "export default { run() { return typeof SharedArrayBuffer; } };").run(0), "undefined");
  },
};

// Capabilities flow in every direction -----------------------------------------------------------------

const PEER = `
  mk() { return new (class extends RpcTarget { hi() { return "from " + globalThis.name; } })(); } name(n) { globalThis.name = n; }
  async use(t) { return await t.hi(); } echo(x) { return x; } async viaBroker() { return await this.env.broker.call(() => "callback of a child"); }
  brokered() { return this.env.broker.target(); } async wrapped() { return { t: await this.env.broker.target() }; } broker() { return { broker: this.env.broker }; }
  async who(f) { return await f.who("asked"); } async fetched(f) { return await (await f.fetch("http://x/p")).text(); }
  async several(f) { const out = []; for (let i = 0; i < 3; i++) out.push(await f(i)); return out; } async nested(f) { return await f((x) => x + 1); }
  killable() { const { ctx } = this; return new (class extends RpcTarget { die() { ctx.abort(new RangeError("died")); } async slow() { await scheduler.wait(5000); } hi() { return "hi"; } })(); }`;

export const aTargetOfOneChildServesAnother = {
  async test(_, env) {
    const a = withClass(env, PEER);
    const b = withClass(env, PEER);
    await a.name("a");
    using target = await a.mk();
    equal(await b.use(target), "from a");
    using echoed = await b.echo(target);
    equal(await echoed.hi(), "from a");
  },
};

export const targetsOfTheParentComeBackThroughItsChild = {
  async test(_, env, ctx) {
    const e = withClass(env, PEER, { env: { broker: ctx.exports.Broker({ props: {} }) } });
    equal(await e.brokered().hi(), "from the parent");
    using target = await e.brokered();
    equal(await target.hi(), "from the parent");
    using wrapped = await e.wrapped();
    equal(await wrapped.t.hi(), "from the parent");
    equal(await e.wrapped().t.hi(), "from the parent");
    equal(await e.broker().broker.target().hi(), "from the parent");
  },
};

export const callbacksGoEitherWay = {
  async test(_, env, ctx) {
    const e = withClass(env, PEER, { env: { broker: ctx.exports.Broker({ props: {} }) } });
    equal(await e.viaBroker(), "callback of a child");
    deepEqual([...(await e.several((i) => i * 10))], [0, 10, 20]);
    equal(await e.nested(async (f) => (await f(1)) + 10), 12);
  },
};

export const fetchersTravelAsArgumentsAndResults = {
  async test(_, env, ctx) {
    const e = withClass(env, PEER);
    const api = ctx.exports.Api({ props: { u: 5 } });
    equal(await e.who(api), "5 asked");
    equal(await e.fetched(api), "api /p 5");
    const back = await e.echo({ list: [api] });
    equal(await back.list[0].who("again"), "5 again");
  },
};

export const aDynamicEntrypointIsNoArgument = {
  async test(_, env) {
    const e = withClass(env, PEER);
    const error = await rejects(e.echo(withClass(env, PEER)), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers" });
    equal(error.remote, undefined);
    const self = entry(env, "import { WorkerEntrypoint } from 'cloudflare:workers'; export default class extends WorkerEntrypoint { own() { return this.ctx.exports.default({ props: {} }); } plain() { return this.ctx.exports.default; } }");
    equal((await rejects(self.own(), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers" })).remote, true);
    await rejects(self.plain(), { name: "DataCloneError", message: "LoopbackServiceStub" });
  },
};

export const anAbortedInvocationEndsCallsOnItsTargets = {
  async test(_, env) {
    const target = await withClass(env, PEER).killable();
    const slow = rejects(target.slow(), { name: "RangeError", message: "died" });
    await rejects(target.die(), { name: "RangeError", message: "died" });
    await slow;
    await rejects(target.hi(), { name: "Error", message: "The execution context which hosts this callback is no longer running." });
  },
};
