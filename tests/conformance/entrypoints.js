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
