// `mayfly serve`: more sandboxes are wanted than the operator allows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { sandboxesOf, until } from "./_processes.mjs";
import { folder, project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const BLANKS = 2;
const pool = (more) => ({ mayfly: { pool: { blank: BLANKS, ...more } } });

// /many?n=N: N loads and calls at once. /hold: a call that ends with /let-go. /named?id=X: a kept worker's call count.
const PARENT = `
  const code = (source) => ({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": source }, globalOutbound: null });
  const COUNT = "let n = 0; export default { count() { return ++n; }, echo(x) { return x; }, async wait(gate) { await gate(); return 'waited'; } }";
  const outcome = (promise) => promise.then((value) => ({ value }), (e) => ({ name: e.name, message: e.message, code: e.code, overloaded: e.overloaded }));
  let letGo, gate = new Promise((resolve) => { letGo = resolve; });
  export default {
    async fetch(request, env) {
      const url = new URL(request.url);
      const n = Number(url.searchParams.get("n"));
      const load = () => env.LOADER.load(code(COUNT)).getEntrypoint();
      switch (url.pathname) {
        case "/many": return Response.json(await Promise.all(Array.from({ length: n }, (_, i) => outcome(load().echo(i)))));
        case "/in-turn": {
          const kept = [];
          for (let i = 0; i < n; i++) kept.push([load(), i]);
          const first = [];
          for (const [stub, i] of kept) first.push(await outcome(stub.echo(i)));
          return Response.json([first, await outcome(kept[0][0].count(0))]);
        }
        case "/hold": return Response.json(await Promise.all(Array.from({ length: n }, () => outcome(load().wait(() => gate)))));
        case "/let-go": letGo(); return new Response("");
        case "/named": return Response.json(await outcome(env.LOADER.get(url.searchParams.get("id"), () => code(COUNT)).getEntrypoint().count(0)));
      }
    },
  };`;

const start = (t, caps) => serve(t, project(t, PARENT, { ...WITH_LOADER, ...pool(caps) }));

test("more calls at once than sandboxes allowed: they wait and all are answered", options, async (t) => {
  const server = await start(t, { max: 4 });
  const many = await json(server, "/many?n=64");
  assert.deepEqual(many, Array.from({ length: 64 }, (_, value) => ({ value })));
  await until("only blank sandboxes", () => sandboxesOf(server.pid).length <= BLANKS);
});

test("idle sandboxes of the same request make room: all loaded, one called after the other", options, async (t) => {
  const server = await start(t, { max: 3 });
  const [first, again] = await json(server, "/in-turn?n=20");
  assert.deepEqual(first, Array.from({ length: 20 }, (_, value) => ({ value })));
  assert.equal(again.message, undefined, JSON.stringify(again));
});

test("idle named workers make room, the least recently used first", options, async (t) => {
  const server = await start(t, { max: 3 });
  for (const id of ["a", "b", "c", "a"]) await json(server, `/named?id=${id}`);
  assert.deepEqual(await json(server, "/many?n=1"), [{ value: 0 }]);
  assert.deepEqual(await json(server, "/named?id=a"), { value: 3 }, "a was used last and is still the same");
  assert.deepEqual(await json(server, "/named?id=b"), { value: 1 }, "b had to go");
});

test("who waits too long is refused with a code, and told to come back", options, async (t) => {
  const server = await start(t, { max: 2, waitMs: 300 });
  const held = json(server, "/hold?n=2");
  await until("two busy sandboxes", async () => (await json(server, "/many?n=1"))[0].code !== undefined);
  const [refused] = await json(server, "/many?n=1");
  assert.deepEqual(refused, { name: "Error", message: "this worker holds 2 sandboxes, as many as it may; none became free within 0.3 s", code: "ERR_TENANT_LIMIT", overloaded: true });
  await ask(server, "/let-go");
  assert.deepEqual(await held, [{ value: "waited" }, { value: "waited" }]);
  assert.deepEqual(await json(server, "/many?n=1"), [{ value: 0 }]);
});

test("the queue is bounded", options, async (t) => {
  const server = await start(t, { max: 2, maxWaiting: 3, waitMs: 60_000 });
  const held = json(server, "/hold?n=2");
  const waiting = json(server, "/many?n=8");
  const probe = until("five refusals", async () => (await json(server, "/named?id=x")).code === "ERR_TENANT_LIMIT");
  await probe;
  await ask(server, "/let-go");
  await held;
  const codes = (await waiting).map((one) => one.code ?? "answered");
  assert.equal(codes.filter((code) => code === "answered").length + codes.filter((code) => code === "ERR_TENANT_LIMIT").length, 8, JSON.stringify(codes));
  assert.ok(codes.includes("answered"), JSON.stringify(codes));
});

test("a client that leaves the queue makes no sandbox; the others get theirs", options, async (t) => {
  const server = await start(t, { max: 1, waitMs: 60_000 });
  const held = json(server, "/hold?n=1");
  const leaving = new AbortController();
  const left = fetch(`${server.url}/many?n=5`, { signal: leaving.signal }).catch((error) => error.name);
  const staying = json(server, "/many?n=1");
  await until("the one sandbox in use", () => sandboxesOf(server.pid).length === BLANKS + 1);
  leaving.abort();
  assert.equal(await left, "AbortError");
  await ask(server, "/let-go");
  assert.deepEqual(await held, [{ value: "waited" }]);
  assert.deepEqual(await staying, [{ value: 0 }]);
});

test("two workers share the total: the idle sandboxes of one make room for the other", options, async (t) => {
  const worker = (name, more) => JSON.stringify({ name, main: "main.js", compatibility_date: "2026-04-22", ...WITH_LOADER, ...more });
  const root = folder(t, {
    "a/wrangler.jsonc": worker("a", { ...pool({ max: 2 }), services: [{ binding: "OTHER", service: "b" }], mayfly: { workers: ["../b/wrangler.jsonc"], pool: { blank: BLANKS, max: 2 } } }),
    "a/main.js": PARENT.replace('case "/many"', 'case "/other": return env.OTHER.fetch("http://b/many?n=6"); case "/many"'),
    "b/wrangler.jsonc": worker("b"),
    "b/main.js": PARENT,
  });
  const server = await serve(t, `${root}/a`);
  for (const id of ["x", "y"]) assert.deepEqual(await json(server, `/named?id=${id}`), { value: 1 });
  assert.deepEqual(await json(server, "/other"), Array.from({ length: 6 }, (_, value) => ({ value })));
});
