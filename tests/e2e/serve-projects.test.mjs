// `mayfly serve`: what a configuration makes of a project.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { fixture, folder, project } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const config = (value) => JSON.stringify({ compatibility_date: "2026-04-22", main: "main.js", ...value });

test("vars: strings, JSON values, and .dev.vars over them", options, async (t) => {
  const server = await serve(t, project(t, "export default { fetch: (_, env) => Response.json({ ...env }) };",
    { vars: { WHO: "Ada", LIST: [1, { deep: true }], NONE: null, COUNT: 3, REPLACED: "open" } },
    { ".dev.vars": "REPLACED=secret\nEXTRA=\"two words\" # comment\n" }));
  assert.deepEqual(await json(server, "/"), { WHO: "Ada", LIST: [1, { deep: true }], NONE: null, COUNT: 3, REPLACED: "secret", EXTRA: "two words" });
});

test("TypeScript with imports from node_modules is bundled", options, async (t) => {
  const server = await serve(t, fixture(t, "npm-project"));
  assert.equal((await ask(server, "/quiet?name=Ada")).text, "hello Ada");
  assert.equal((await ask(server, "/loud?name=Ada")).text, "HELLO ADA");
});

test("no_bundle loads modules as they are", options, async (t) => {
  const server = await serve(t, project(t, `
    import { half } from "./lib/half.js";
    import text from "./note.txt";
    export default { fetch: () => Response.json([half, text, typeof import.meta]) };`,
    { no_bundle: true }, { "lib/half.js": "import { one } from '../one.js'; export const half = one / 2;", "one.js": "export const one = 1;", "note.txt": "a note\n" }));
  assert.deepEqual(await json(server, "/"), [0.5, "a note\n", "object"]);
});

test("modules are separate: text and JSON imports of a bundle", options, async (t) => {
  const server = await serve(t, project(t, `import data from "./data.json"; import page from "./page.html"; export default { fetch: () => Response.json([data.n, page]) };`,
    {}, { "data.json": '{"n":5}', "page.html": "<p>é</p>" }));
  assert.deepEqual(await json(server, "/"), [5, "<p>é</p>"]);
});

test("wrangler.toml", options, async (t) => {
  const server = await serve(t, folder(t, {
    "wrangler.toml": 'name = "app"\nmain = "main.js"\ncompatibility_date = "2026-04-22"\n[vars]\nWHO = "Ada"\n',
    "main.js": "export default { fetch: (_, env) => new Response(env.WHO) };",
  }));
  assert.equal((await ask(server, "/")).text, "Ada");
});

test("the configuration of the working directory, as an ordinary user", options, async (t) => {
  const cwd = project(t, "export default { fetch: () => new Response('here') };");
  const server = await serve(t, ".", { cwd, ordinary: true });
  assert.equal((await ask(server, "/")).text, "here");
});

test("several workers: services call each other, by RPC and by fetch", options, async (t) => {
  const root = folder(t, {
    "shop/wrangler.jsonc": config({ name: "shop", mayfly: { workers: ["../orders/wrangler.jsonc"] },
      services: [{ binding: "ORDERS", service: "orders" }, { binding: "ADMIN", service: "orders", entrypoint: "Admin" }] }),
    "shop/main.js": `
      import { WorkerEntrypoint } from "cloudflare:workers";
      export default { async fetch(request, env) {
        const viaFetch = await env.ORDERS.fetch("http://orders/some/path", { method: "POST", body: "body" });
        return Response.json({ rpc: await env.ORDERS.total([1, 2]), admin: await env.ADMIN.whoAmI(), fetched: await viaFetch.json(),
          back: await env.ORDERS.askShop("x"), failed: await env.ORDERS.fails().catch((e) => [e.name, e.message]) });
      } };
      export class Prices extends WorkerEntrypoint { price(name) { return name + ":5"; } }`,
    "orders/wrangler.jsonc": config({ name: "orders", services: [{ binding: "SHOP", service: "shop", entrypoint: "Prices" }] }),
    "orders/main.js": `
      import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint {
        total(list) { return list.reduce((a, b) => a + b); }
        askShop(name) { return this.env.SHOP.price(name); }
        fails() { throw new RangeError("no"); }
        async fetch(request) { return Response.json([request.method, new URL(request.url).pathname, await request.text()]); }
      }
      export class Admin extends WorkerEntrypoint { whoAmI() { return "admin"; } }`,
  });
  const server = await serve(t, `${root}/shop`);
  assert.deepEqual(await json(server, "/"), { rpc: 3, admin: "admin", fetched: ["POST", "/some/path", "body"], back: "x:5", failed: ["RangeError", "no"] });
});

test("tail_consumers: another worker of the project is told of each request", options, async (t) => {
  const root = folder(t, {
    "app/wrangler.jsonc": config({ name: "app", mayfly: { workers: ["../watch/wrangler.jsonc"] }, tail_consumers: [{ service: "watch" }],
      services: [{ binding: "WATCH", service: "watch" }] }),
    "app/main.js": `export default { async fetch(request, env) {
      if (new URL(request.url).pathname === "/seen") return Response.json(await env.WATCH.seen());
      console.log("hello", { n: 1 });
      throw new RangeError("no luck");
    } };`,
    "watch/wrangler.jsonc": config({ name: "watch" }),
    "watch/main.js": `
      import { WorkerEntrypoint } from "cloudflare:workers";
      const seen = [];
      export default class extends WorkerEntrypoint {
        tail(events) { seen.push(...JSON.parse(JSON.stringify(events))); }
        seen() { return seen.filter((item) => item.outcome === "exception"); }
      }`,
  });
  const server = await serve(t, `${root}/app`);
  assert.equal((await ask(server, "/fail?key=1", { headers: { authorization: "secret" } })).status, 500);
  let items = [];
  for (let i = 0; i < 100 && items.length === 0; i++) items = await json(server, "/seen");
  const [item] = items;
  assert.equal(item.event.request.method, "GET");
  assert.match(item.event.request.url, /\/fail\?key=1$/);
  assert.equal(item.event.request.headers.authorization, "REDACTED");
  assert.deepEqual(item.logs.map(({ message }) => message), [["hello", { n: 1 }]]);
  assert.deepEqual(item.exceptions.map(({ name, message }) => [name, message]), [["RangeError", "no luck"]]);
});

test("--listen takes IPv4, IPv6 and names; else `dev` counts", options, async (t) => {
  const root = project(t, "export default { fetch: () => new Response('ok') };", { dev: { ip: "127.0.0.1", port: 0 } });
  for (const [args, pattern] of [
    [["--listen", "127.0.0.1:0"], /^http:\/\/127\.0\.0\.1:\d+$/], [["--listen", "0.0.0.0:0"], /^http:\/\/0\.0\.0\.0:\d+$/],
    [["--listen", "localhost:0"], /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/], [[], /^http:\/\/127\.0\.0\.1:(?!8787$)\d+$/],
    [["--listen", "[::]:0"], /^http:\/\/\[::\]:\d+$/],
  ]) {
    const server = await serve(t, root, { args });
    assert.match(server.url, pattern);
    assert.equal((await ask(server, "/")).text, "ok");
    assert.equal((await server.end()).status, 0);
  }
});

test("answers arrive as they are produced", options, async (t) => {
  const server = await serve(t, project(t, `
    let release; const released = new Promise((resolve) => { release = resolve; });
    export default { fetch(request) {
      if (request.url.endsWith("/release")) { globalThis.go = true; return new Response("released"); }
      const encoder = new TextEncoder();
      return new Response(new ReadableStream({
        async start(controller) {
          controller.enqueue(encoder.encode("first;"));
          while (!globalThis.go) await scheduler.wait(5);
          controller.enqueue(encoder.encode("last"));
          controller.close();
        },
      }));
    } };`));
  const response = await fetch(server.url);
  const reader = response.body.getReader();
  assert.equal(Buffer.from((await reader.read()).value).toString(), "first;");   // "last" waits for what follows
  await ask(server, "/release");
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += Buffer.from(part.value);
  assert.equal(rest, "last");
});

test("services with props and entrypoint; named entrypoints know their own props only", options, async (t) => {
  const root = folder(t, {
    "shop/wrangler.jsonc": config({ name: "shop", mayfly: { workers: ["../desk/wrangler.jsonc"] }, services: [
      { binding: "PLAIN", service: "desk" }, { binding: "EU", service: "desk", entrypoint: "Region", props: { region: "eu", deep: { n: [1] } } },
      { binding: "US", service: "desk", entrypoint: "Region", props: { region: "us" } }, { binding: "SELF", service: "shop", entrypoint: "Own" }] }),
    "shop/main.js": `import { WorkerEntrypoint } from "cloudflare:workers";
      export default { async fetch(_, env) { return Response.json([await env.PLAIN.props(), await env.EU.props(), await env.US.props(), await env.SELF.who()]); } };
      export class Own extends WorkerEntrypoint { who() { return "own"; } }`,
    "desk/wrangler.jsonc": config({ name: "desk" }),
    "desk/main.js": `import { WorkerEntrypoint } from "cloudflare:workers";
      export default class extends WorkerEntrypoint { props() { return this.ctx.props; } }
      export class Region extends WorkerEntrypoint { props() { return this.ctx.props; } }`,
  });
  const server = await serve(t, `${root}/shop`);
  assert.deepEqual(await json(server, "/"), [{}, { region: "eu", deep: { n: [1] } }, { region: "us" }, "own"]);
});

test(".env gives secrets where there is no .dev.vars", options, async (t) => {
  const main = "export default { fetch: (_, env) => Response.json({ ...env }) };";
  const server = await serve(t, project(t, main, { vars: { A: "open" } }, { ".env": "A=secret\nB='two words'\n" }));
  assert.deepEqual(await json(server, "/"), { A: "secret", B: "two words" });
  const both = await serve(t, project(t, main, {}, { ".env": "A=env\n", ".dev.vars": "B=vars\n" }));
  assert.deepEqual(await json(both, "/"), { B: "vars" });
});

test("limits.subrequests of a worker holds for each of its requests", options, async (t) => {
  const server = await serve(t, project(t, `
    export default { async fetch(request, env) {
      if (request.url.endsWith("/inner")) return new Response("");
      let done = 0;
      try { for (;;) { await env.SELF.fetch("http://x/inner"); done++; } } catch (e) { return Response.json([done, e.message.slice(0, 20)]); }
    } };`, { limits: { subrequests: 3 }, services: [{ binding: "SELF", service: "app" }] }));
  for (let i = 0; i < 2; i++) assert.deepEqual(await json(server, "/"), [3, "Too many subrequests"]);
});

test("keys with no effect here are named at the start with what they would need; hosting keys are not", options, async (t) => {
  const server = await serve(t, project(t, "export default { fetch: () => new Response('ok') };", {
    workers_dev: true, observability: { enabled: true }, placement: { mode: "smart" }, account_id: "x",
    kv_namespaces: [{ binding: "KV", id: "1" }], triggers: { crons: ["* * * * *"] }, routes: ["example.com/*"], compatability_flags: [],
  }));
  assert.equal((await ask(server, "/")).text, "ok");
  const { stderr } = server.output;
  for (const key of ["kv_namespaces", "triggers", "routes"]) assert.match(stderr, new RegExp(`the key "${key}" has no effect`));
  assert.match(stderr, /"compatability_flags" is unknown.*\n(.*\n)*.*did you mean "compatibility_flags"/);
  for (const key of ["workers_dev", "observability", "placement", "account_id"]) assert.equal(stderr.includes(key), false, key);
});
