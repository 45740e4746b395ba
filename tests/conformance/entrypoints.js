// worker-loader.md §2, §3 and §11 "Entrypoints".

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { entry, load, withClass } from "./_load.js";

export const theDefaultExportHasThreeNames = {
  async test(_, env) {
    const stub = load(env, "export default { run() { return 'd'; } }; export const X = { run() { return 'x'; } };");
    for (const name of [undefined, null, "default"]) equal(await stub.getEntrypoint(name).run(0), "d");
    equal(await stub.getEntrypoint("X").run(0), "x");
  },
};

export const missingEntrypointsRejectTheirCalls = {
  async test(_, env) {
    const stub = load(env, "export default {};");
    for (const name of ["nope", "toString", "constructor", ""]) {
      const error = await rejects(stub.getEntrypoint(name).run(0), { message: "no such entrypoint" });
      includes(error.message, name);
      equal(error.remote, undefined);
    }
  },
};

// † 44: a clear error instead of the platform's forwarding to the outbound.
export const aMissingDefaultEntrypointIsNamed = {
  async test(_, env) {
    const e = load(env, "export const X = {};").getEntrypoint();
    await rejects(e.run(0), { message: "no default entrypoint" });
    await rejects(e.fetch("http://h/"), { message: "no default entrypoint" });
  },
};

export const propsArriveAnewForEachInvocation = {
  async test(_, env) {
    const stub = load(env, `import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint { up() { return ++this.ctx.props.n.v; } props() { return this.ctx.props; } }`);
    const e = stub.getEntrypoint(null, { props: { n: { v: 1 } } });
    equal(await e.up(), 2);
    equal(await e.up(), 2);
    deepEqual({ ...(await stub.getEntrypoint().props()) }, {});
    throws(() => stub.getEntrypoint(null, { props: "x" }), { name: "TypeError", message: "props" });
    throws(() => stub.getEntrypoint(null, { props: { f() {} } }), { name: "DataCloneError" });
  },
};

export const stubsOfOneWorkerShareItsState = {
  async test(_, env) {
    const stub = load(env, "let n = 0; export default { run() { return ++n; } };");
    equal(await stub.getEntrypoint(null, { props: { a: 1 } }).run(0), 1);
    equal(await stub.getEntrypoint(null, { props: { a: 2 } }).run(0), 2);
  },
};

export const fetchGivesARealResponse = {
  async test(_, env) {
    const e = entry(env, `export default { async fetch(request) {
      const body = await request.text();
      return new Response(body.toUpperCase(), { status: 201, headers: { "x-url": request.url, "x-method": request.method, "x-a": request.headers.get("a") } });
    } };`);
    const response = await e.fetch("http://h/p?q=1", { method: "POST", body: "hello", headers: { a: "b" } });
    equal(response.status, 201);
    equal(response.headers.get("x-url"), "http://h/p?q=1");
    equal(response.headers.get("x-method"), "POST");
    equal(response.headers.get("x-a"), "b");
    equal(await response.text(), "HELLO");
  },
};

export const bodiesStreamBothWays = {
  async test(_, env) {
    const e = entry(env, `export default { fetch(request) {
      return new Response(request.body.pipeThrough(new TransformStream({ transform(chunk, c) { c.enqueue(chunk.map((b) => b + 1)); } })));
    } };`);
    const size = 300_000;
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent >= size) return controller.close();
        controller.enqueue(new Uint8Array(30_000));
        sent += 30_000;
      },
    });
    const response = await e.fetch("http://h/", { method: "POST", body });
    const bytes = new Uint8Array(await response.arrayBuffer());
    equal(bytes.length, size);
    ok(bytes.every((b) => b === 1));
  },
};

export const aThrowingFetchRejectsTheCall = {
  async test(_, env) {
    const error = await rejects(entry(env, "export default { fetch() { throw new TypeError('bad'); } };").fetch("http://h/"), { name: "TypeError", message: "bad" });
    equal(error.remote, true);
    ok(typeof error.stack === "string");
  },
};

export const aWorkerWithoutFetchSaysSo = {
  async test(_, env) {
    await rejects(entry(env, "export default { run() {} };").fetch("http://h/"), { message: "does not export a fetch() function" });
    await rejects(entry(env, "export default { fetch() { return 5; } };").fetch("http://h/"), { name: "TypeError" });
  },
};

export const relativeUrlsAreRefused = {
  async test(_, env) {
    await rejects(entry(env, "export default { fetch() { return new Response(); } };").fetch("/x"), { name: "TypeError", message: "/x" });
  },
};

export const redirectsAreFollowedInTheWorker = {
  async test(_, env) {
    const e = entry(env, `export default { fetch(request) {
      const { pathname } = new URL(request.url);
      return pathname === "/a" ? new Response(null, { status: 302, headers: { location: "/b" } }) : new Response(pathname + " " + request.redirect);
    } };`);
    const response = await e.fetch("http://h/a");
    equal(await response.text(), "/b manual");
    equal(response.redirected, true);
    equal(response.url, "http://h/b");
    equal((await e.fetch("http://h/a", { redirect: "manual" })).status, 302);
  },
};

export const anExceptionDoesNotHurtTheWorker = {
  async test(_, env) {
    const e = entry(env, "let n = 0; export default { run(x) { n++; if (x) throw new Error('x'); return n; } };");
    await rejects(e.run(true));
    equal(await e.run(false), 2);
  },
};

export const aFetcherCanBeAwaited = {
  async test(_, env) {
    const e = entry(env, "export default {};");
    equal(await e, e);
    equal(e.then, undefined);
    equal(typeof e.anything, "function");
  },
};

export const objectHandlersTakeOneArgument = {
  async test(_, env) {
    const e = entry(env, "export default { a(x, env, ctx) { return [x, typeof env, typeof ctx.waitUntil]; }, four(a, b, c, d) {} };", { env: { k: 1 } });
    deepEqual([...(await e.a(1))], [1, "object", "function"]);
    await rejects(e.a(), { name: "TypeError", message: "wrong number of arguments" });
    await rejects(e.a(1, 2), { name: "TypeError", message: "wrong number of arguments" });
    await rejects(e.four(1), { name: "TypeError", message: "Cannot call handler function" });
  },
};

export const waitUntilWorkGoesOnAfterTheAnswer = {
  async test(_, env) {
    const e = withClass(env, `
      run() { this.ctx.waitUntil(new Promise((r) => setTimeout(() => { globalThis.done = true; r(); }, 5))); return 1; }
      fail() { this.ctx.waitUntil(Promise.reject(new Error("later"))); return 2; }
      torn() { const { waitUntil } = this.ctx; waitUntil(1); }
      async done() { for (let i = 0; i < 100 && !globalThis.done; i++) await scheduler.wait(1); return globalThis.done; }`);
    equal(await e.run(), 1);
    equal(await e.fail(), 2);
    equal(await e.done(), true);
    await rejects(e.torn(), { name: "TypeError", message: "Illegal invocation" });
  },
};

export const abortEndsTheInvocation = {
  async test(_, env) {
    const e = withClass(env, "run(x) { if (x) { this.ctx.abort(new RangeError('ab')); return new Promise(() => {}); } return 'fine'; }");
    const error = await rejects(e.run(true), { name: "RangeError", message: "ab" });
    equal(error.remote, undefined);
    equal(await e.run(false), "fine");
  },
};

export const exportsCallBackIntoTheSameWorker = {
  async test(_, env) {
    const e = entry(env, `import { WorkerEntrypoint } from "cloudflare:workers";
      export class Other extends WorkerEntrypoint { hello(x) { return "hello " + x + " " + this.ctx.props.p; } }
      export default class extends WorkerEntrypoint { async run() { return (await this.ctx.exports.Other({ props: { p: 1 } }).hello("a")) + (await this.ctx.exports.Other.hello("b")); } }`);
    equal(await e.run(), "hello a 1hello b undefined");
  },
};

const WORKERS = 'import * as workers from "cloudflare:workers"; const { WorkerEntrypoint, DurableObject, RpcTarget, WorkflowEntrypoint } = workers;';
/** An entrypoint whose class has the given members, with all of cloudflare:workers at hand; `top` runs at the top level. */
const withWorkers = (env, members, extra, top = "") => entry(env, `${WORKERS} ${top}; export default class extends WorkerEntrypoint { ${members} }`, extra);

export const entrypointNamesAreConverted = {
  async test(_, env) {
    const stub = load(env, "export default {}; export const five = { run() { return 5; } }; export { five as '5' };");
    equal(await stub.getEntrypoint(5).run(0), 5);
    equal(await stub.getEntrypoint({ toString: () => "five" }).run(0), 5);
    throws(() => stub.getEntrypoint(Symbol("name")), { name: "TypeError" });
    await rejects(stub.getEntrypoint("a\u0000b").run(0), { message: "no such entrypoint: a\u0000b" });
  },
};

export const entrypointOptionsAreADictionary = {
  async test(_, env) {
    const stub = load(env, "export default { run(_, env, ctx) { return ctx.props; } };");
    for (const options of [undefined, null, {}, () => {}, { props: undefined }, { limits: null }]) deepEqual({ ...(await stub.getEntrypoint(null, options).run(0)) }, {});
    for (const options of [5, "x", true]) throws(() => stub.getEntrypoint(null, options), { name: "TypeError", message: "parameter 2 is not of type 'EntrypointOptions'" });
    for (const props of [null, 5, "x"]) throws(() => stub.getEntrypoint(null, { props }), { name: "TypeError", message: "'props' field on 'EntrypointOptions'" });
    for (const props of [() => {}, new (class Own {}), Object.create(null)]) throws(() => stub.getEntrypoint(null, { props }), { name: "DataCloneError" });
    throws(() => stub.getEntrypoint(null, { limits: 5 }), { name: "TypeError", message: "'limits' field on 'EntrypointOptions'" });
    throws(() => stub.getEntrypoint(null, { limits: { cpuMs: "x" } }), { name: "TypeError", message: "not an integer" });
    deepEqual([...(await stub.getEntrypoint(null, { props: [1, 2] }).run(0))], [1, 2]);
    equal((await stub.getEntrypoint(null, { props: new Map([[1, 2]]) }).run(0)).get(1), 2);
  },
};

export const nestedHandlersFollowTheSameRules = {
  async test(_, env) {
    const e = entry(env, "export default { o: { k: 3, f(...args) { return [this.k, args.length, args[0], typeof args[1]]; }, four(a, b, c, d) {} } };", { env: { k: 1 } });
    deepEqual([...(await e.o.f(1))], [3, 3, 1, "object"]);
    for (const args of [[], [1, 2]]) await rejects(e.o.f(...args), { name: "TypeError", message: 'Attempted to call RPC function "o.f" with the wrong number of arguments' });
    await rejects(e.o.four(1), { name: "TypeError", message: 'Cannot call handler function "o.four" over RPC' });
  },
};

export const ownFieldsOfInstancesAreHandlers = {
  async test(_, env) {
    const e = entry(env, "class Own { k = 4; method() { return 'prototype'; } field = (x, env, ctx) => [x, typeof env, typeof ctx.waitUntil]; bound = function () { return this.k; } } export default new Own();");
    deepEqual([...(await e.field(1))], [1, "object", "function"]);
    equal(await e.bound(0), 4);
    equal(await e.k, 4);
    await rejects(e.field(1, 2), { name: "TypeError", message: "wrong number of arguments" });
    await rejects(e.method(1), { name: "TypeError", message: "does not implement the method" });
  },
};

export const prototypesOfExportedObjects = {
  async test(_, env) {
    await rejects(entry(env, "export default Object.create({ f() { return 1; } });").f(1), { name: "TypeError", message: "does not implement the method" });
    await rejects(entry(env, "export default Object.assign(Object.create(null), { f() {} });").f(1), { message: "Exported value's prototype chain does not end in Object." });
    const e = entry(env, "class Own { fetch() { return new Response('inherited'); } } export default new Own();");
    equal(await (await e.fetch("http://h/")).text(), "inherited");
  },
};

export const exportedObjectsAreLive = {
  async test(_, env) {
    const e = entry(env, "const o = { k: 3, run() { o.later = () => 'later'; return this.k; } }; export default o;");
    equal(await e.run(0), 3);
    equal(await e.later(0), "later");
  },
};

export const onlyObjectsAndFunctionsAreExported = {
  async test(_, env) {
    for (const value of ["5", "null", "undefined", "'s'", "5n", "true", "Symbol('x')"]) {
      await rejects(entry(env, `export const X = ${value}; export default { run() {} };`).run(0), { message: "Failed to start Worker:\nUncaught TypeError: " });
    }
    for (const value of ["() => {}", "class {}", "[]", "new Map()", "Promise.resolve()", "new Proxy({}, {})", "new Date()"]) {
      equal(await entry(env, `export const X = ${value}; export default { run() { return 1; } };`).run(0), 1);
    }
  },
};

export const exportsThatAreNoEntrypoint = {
  async test(_, env) {
    const stub = load(env, `${WORKERS} export class Plain {} export function fn() {} export class Lasting extends DurableObject {} export class Flow extends WorkflowEntrypoint {} export default {};`);
    for (const name of ["Plain", "fn", "Lasting", "Flow"]) await rejects(stub.getEntrypoint(name).run(0));
  },
};

export const baseClassesNeedTheirArguments = {
  async test(_, env) {
    const e = withWorkers(env, `run() {
      const made = (...args) => { try { return Object.keys(new WorkerEntrypoint(...args)).join(); } catch (e) { return e.name; } };
      return [made(), made(5), made(null), made({}), made({}, {}), made(this.ctx, this.env)]; }`);
    deepEqual([...(await e.run())], ["TypeError", "TypeError", "TypeError", "TypeError", "ctx,env", "ctx,env"]);
  },
};

export const constructorsGetContextAndEnv = {
  async test(_, env) {
    const e = withWorkers(env, "constructor(...args) { super(...args); this.same = [args.length, args[0] === this.ctx, args[1] === this.env].join(); } run() { return this.same; }");
    equal(await e.run(), "2,true,true");
    const throwing = withWorkers(env, "constructor(ctx, env) { super(ctx, env); throw new TypeError('made'); } run() {} fetch() {}");
    await rejects(throwing.run(), { name: "TypeError", message: "made" });
    await rejects(throwing.fetch("http://h/"), { name: "TypeError", message: "made" });
    await rejects(withWorkers(env, "constructor() {} run() {}").run(), { name: "ReferenceError" });
  },
};

export const whatCloudflareWorkersExports = {
  async test(_, env) {
    const e = withWorkers(env, "run() { return Object.keys(workers).sort().map((name) => name + ' ' + typeof workers[name]); }");
    deepEqual([...(await e.run())], [
      "DurableObject function", "RpcPromise function", "RpcProperty function", "RpcStub function", "RpcTarget function", "ServiceStub function", "WorkerEntrypoint function",
      "WorkflowEntrypoint function", "abortIsolate function", "cache object", "env object", "exports object", "restore symbol", "tracing object", "waitUntil function",
      "withEnv function", "withEnvAndExports function", "withExports function",
    ]);
  },
};

export const classesOfStubsCannotBeMade = {
  async test(_, env) {
    const e = withWorkers(env, "run() { return ['RpcPromise', 'RpcProperty', 'ServiceStub'].map((name) => { try { new workers[name](); } catch (e) { return e.name + ': ' + e.message; } }); }");
    deepEqual([...(await e.run())], Array(3).fill("TypeError: Illegal constructor"));
    equal(await withWorkers(env, "run() { try { new this.ctx.constructor(); } catch (e) { return e.name + ': ' + e.message; } }").run(), "TypeError: Illegal constructor");
  },
};

export const fetchersAreServiceStubs = {
  async test(_, env, ctx) {
    const { ServiceStub } = await import("cloudflare:workers");
    equal(entry(env, "export default {};") instanceof ServiceStub, true);
    equal(typeof Fetcher, "undefined");
  },
};

export const theImportedEnvIsTheSameContent = {
  async test(_, env) {
    const e = withWorkers(env, `run() { const seen = [workers.env === this.env, top, Object.keys(workers.env).join(), "a" in workers.env];
      workers.env.b = 2; this.env.c = 3; seen.push(this.env.b, workers.env.c, delete workers.env.a, this.env.a); return seen; }`, { env: { a: 1 } }, "const top = workers.env.a");
    deepEqual([...(await e.run())], [false, 1, "a", true, 2, 3, true, undefined]);
  },
};

export const withEnvHoldsForWhatItStarts = {
  async test(_, env) {
    const e = withWorkers(env, `async run() {
      const see = async () => { await 0; await scheduler.wait(1); return [workers.env.a, this.env.a].join(); };
      const during = workers.withEnv({ a: 2 }, see);
      return [await during, workers.env.a, workers.withEnv({ a: 3 }, () => workers.env.a), top,
        workers.withEnv({ a: 4 }, () => workers.withExports({ q: 5 }, () => workers.env.a + workers.exports.q)),
        workers.withEnvAndExports({ a: 6 }, { q: 7 }, () => workers.env.a + workers.exports.q)]; }`, { env: { a: 1 } }, "const top = workers.withEnv({ a: 9 }, () => workers.env.a)");
    deepEqual([...(await e.run())], ["2,1", 1, 3, 9, 9, 13]);
  },
};

export const withEnvNeedsAFunction = {
  async test(_, env) {
    const e = withWorkers(env, `run() {
      const caught = (body) => { try { return body(); } catch (e) { return e.name + ": " + e.message; } };
      return [caught(() => workers.withEnv({ a: 2 }, () => { throw new Error("out"); })), workers.env.a, caught(() => workers.withEnv({}, 5)).slice(0, 9), caught(() => workers.withEnv({})).slice(0, 9)]; }`, { env: { a: 1 } });
    deepEqual([...(await e.run())], ["Error: out", 1, "TypeError", "TypeError"]);
  },
};

export const tracingIsAPlaceholder = {
  async test(_, env) {
    const e = withWorkers(env, "run() { return workers.tracing.enterSpan('x', (span) => { span.setAttribute('k', 1); return 5; }); }");
    equal(await e.run(), 5);
  },
};

export const abortIsolateEndsTheWorker = {
  async test(_, env) {
    const e = withWorkers(env, "run(how) { globalThis.n = (globalThis.n ?? 0) + 1; if (how) { try { workers.abortIsolate('on purpose'); } catch { return 'caught'; } return 'after'; } return n; }");
    equal(await e.run(false), 1);
    const error = await rejects(e.run(true), { name: "Error" });
    equal(error.remote, undefined);
  },
};

export const contextMethodsCheckTheirReceiver = {
  async test(_, env) {
    for (const method of ["waitUntil", "passThroughOnException", "abort"]) {
      await rejects(withClass(env, `run() { const { ${method} } = this.ctx; ${method}(1); }`).run(), { name: "TypeError", message: "Illegal invocation" });
      await rejects(withClass(env, `run() { this.ctx.${method}.call({}, 1); }`).run(), { name: "TypeError", message: "Illegal invocation" });
    }
  },
};

export const waitUntilTakesAnything = {
  async test(_, env) {
    deepEqual([...(await withClass(env, "run() { return [this.ctx.waitUntil(5), this.ctx.waitUntil(undefined), this.ctx.waitUntil({ then() {} })].map(String); }").run())], ["undefined", "undefined", "undefined"]);
    await rejects(withClass(env, "run() { this.ctx.waitUntil(); }").run(), { name: "TypeError" });
  },
};

export const theContextIsAnOrdinaryObject = {
  async test(_, env) {
    const e = withClass(env, "run() { this.ctx.props.a = 1; return [Object.prototype.toString.call(this.ctx), this.ctx.constructor.name, this.ctx.props.a, typeof this.ctx.exports]; }");
    deepEqual([...(await e.run())], ["[object ExecutionContext]", "ExecutionContext", 1, "object"]);
    deepEqual([...(await e.run())].slice(2, 3), [1]);
  },
};

export const codeAfterAbortDoesNotRun = {
  async test(_, env) {
    const e = withClass(env, "run(abort) { if (abort) this.ctx.abort(new Error('x')); return (globalThis.n = (globalThis.n ?? 0) + 1); }");
    equal(await e.run(false), 1);
    await rejects(e.run(true), { message: "x" });
    equal(await e.run(false), 2);
  },
};

export const abortReasons = {
  async test(_, env) {
    const abort = (reason) => rejects(withClass(env, `run() { this.ctx.abort(${reason}); }`).run());
    includes((await abort("")).message, "ctx.abort()");
    includes((await abort("undefined")).message, "ctx.abort()");
    for (const reason of ["null", "5", "'str'"]) equal((await abort(reason)).message, reason.replaceAll("'", ""));
    const error = await abort("new RangeError('r')");
    deepEqual([error.name, error.message, error.remote], ["RangeError", "r", undefined]);
  },
};

export const loopbackStubsTakeOptions = {
  async test(_, env) {
    const e = withClass(env, `async run() {
      const { exports } = this.ctx;
      const caught = (...args) => { try { exports.default(...args); return "fine"; } catch (e) { return e.name; } };
      return [caught(), caught(5), caught("x"), caught({}), caught({ props: 5 }), caught({ props: null }), caught({ props: { f() {} } }),
        await exports.default.other(1), await exports.default({ props: { q: 2 } }).other(2), (await exports.default.fetch("http://h/")).status, exports.nope, exports.default === exports.default].map(String); }
      other(x) { return x + JSON.stringify(this.ctx.props); } fetch() { return new Response(null, { status: 204 }); }`);
    deepEqual([...(await e.run())], ["TypeError", "TypeError", "TypeError", "fine", "TypeError", "TypeError", "DataCloneError", "1{}", '2{"q":2}', "204", "undefined", "true"]);
  },
};

export const loopbackStubsOfADynamicWorkerStayThere = {
  async test(_, env) {
    const e = withClass(env, `give() { return this.ctx.exports.default({}); } uncalled() { return this.ctx.exports.default; }
      async pass() { return this.ctx.exports.default.take(this.ctx.exports.default({})); } take() {}`);
    for (const method of ["give", "pass"]) await rejects(e[method](), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers cannot be transferred" });
    await rejects(e.uncalled(), { name: "DataCloneError", message: "LoopbackServiceStub" });
  },
};

export const classFetchGetsThreeArguments = {
  async test(_, env) {
    const e = withClass(env, "fetch(request, env, ctx) { return Response.json(arguments.length); }");
    equal(await (await e.fetch("http://h/")).json(), 3);
    equal(await (await withClass(env, "fetch = () => new Response('field');").fetch("http://h/")).text(), "field");
  },
};
