// Named workers and compatibility, as an operator meets them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./_http.mjs";
import { mayfly, serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { familyOf, isAlive, sandboxesOf, statOf, until } from "./_processes.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const DATE = "2026-04-22";
const BLANKS = 1;

// GET /NAME counts the calls of the worker of that name, and how often its code was asked for.
const NAMED = `
  let asked = 0;
  export default {
    async fetch(request, env) {
      const name = new URL(request.url).pathname.slice(1);
      const stub = env.LOADER.get(name, () => {
        asked++;
        return { compatibilityDate: "${DATE}", mainModule: "m.js", globalOutbound: null, modules: { "m.js": "let n = 0; export default { run() { return ++n; } };" } };
      });
      return Response.json({ calls: await stub.getEntrypoint().run(0), asked });
    },
  };`;

test("a named worker that nobody calls gives its sandbox back, without another request", options, async (t) => {
  const server = await serve(t, project(t, NAMED, { ...WITH_LOADER, mayfly: { pool: { blank: BLANKS, idleMs: 300 } } }));
  await until("a blank sandbox", () => sandboxesOf(server.pid).length === BLANKS);
  const before = familyOf(server.pid).length;
  const [first] = sandboxesOf(server.pid).map(statOf);
  assert.deepEqual(await json(server, "/a"), { calls: 1, asked: 1 });
  assert.ok(isAlive(first), "the sandbox stays while its worker is fresh in memory");
  await until("the end of the idle sandbox", () => !isAlive(first));
  await until("as many processes as before", () => familyOf(server.pid).length === before);
  // The code is still known: the next call starts it anew and asks nobody.
  assert.deepEqual(await json(server, "/a"), { calls: 1, asked: 1 });
});

test("a named worker in use keeps its sandbox beyond the idle time", options, async (t) => {
  const server = await serve(t, project(t, NAMED, { ...WITH_LOADER, mayfly: { pool: { blank: BLANKS, idleMs: 1000 } } }));
  const started = performance.now();
  let calls = 0;
  while (performance.now() - started < 2500) assert.deepEqual(await json(server, "/busy"), { calls: ++calls, asked: 1 });
});

// Answers with what a program gives that is loaded with the fields of ?code=JSON.
const LOADS = `
  export default {
    async fetch(request, env) {
      const fields = JSON.parse(new URL(request.url).searchParams.get("code"));
      const program = "export default { run() { const before = Date.now(); while (Date.now() === before && performance.now() - before < 50); return Date.now() > before; } };";
      try {
        const stub = env.LOADER.load({ compatibilityDate: "${DATE}", mainModule: "m.js", modules: { "m.js": program }, globalOutbound: null, ...fields });
        return Response.json({ result: await stub.getEntrypoint().run(0) });
      } catch (error) {
        return Response.json({ error: error.message, code: error.code });
      }
    },
  };`;
const load = (server, fields) => json(server, `/?code=${encodeURIComponent(JSON.stringify(fields))}`);

test("two loaders have names of their own", options, async (t) => {
  const app = project(t, `
    const code = (who) => ({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": "let n = 0; export default { next(who) { return who + ++n; } };" }, globalOutbound: null });
    export default { async fetch(request, env) {
      const ask = (loader, who) => loader.get("same", () => code(who)).getEntrypoint().next(who);
      return Response.json([await ask(env.ONE, "a"), await ask(env.ONE, "a"), await ask(env.TWO, "b"), await ask(env.ONE, "a")]);
    } };`, { worker_loaders: [{ binding: "ONE" }, { binding: "TWO" }] });
  const server = await serve(t, app);
  assert.deepEqual(await json(server, "/"), ["a1", "a2", "b1", "a3"]);
});

test("a grandchild is loaded by an entrypoint of the parent, and inherits no more than it is given", options, async (t) => {
  const LEAF = "export default { async run(n) { return [n, await fetch('http://x/').catch((e) => e.message.slice(0, 30))]; } };";
  const CHILD = "export default { run(n, env) { return env.LOADS.run(env.LEAF, n + 1); } };";
  const app = project(t, `
    import { WorkerEntrypoint } from "cloudflare:workers";
    const code = (source, rest) => ({ compatibilityDate: "${DATE}", mainModule: "m.js", modules: { "m.js": source }, globalOutbound: null, ...rest });
    export class Loads extends WorkerEntrypoint {
      run(source, argument) { return this.env.LOADER.load(code(source)).getEntrypoint().run(argument); }
    }
    export default { async fetch(request, { LOADER, LEAF, CHILD }, ctx) {
      const child = LOADER.load(code(CHILD, { env: { LEAF, LOADS: ctx.exports.Loads({ props: {} }) } }));
      return Response.json(await child.getEntrypoint().run(1));
    } };`, { ...WITH_LOADER, vars: { LEAF, CHILD } });
  const server = await serve(t, app);
  assert.deepEqual(await json(server, "/"), [2, "This worker is not permitted t"]);
});

test("an experimental parent may let its workers have experimental flags, and a clock that goes on", options, async (t) => {
  const server = await serve(t, project(t, LOADS, { ...WITH_LOADER, compatibility_flags: ["experimental"] }));
  assert.deepEqual(await load(server, { allowExperimental: true, compatibilityFlags: ["precise_timers"] }), { result: true });
  assert.match((await load(server, { compatibilityFlags: ["precise_timers"] })).error, /The compatibility flag precise_timers is experimental/);
});

test("with a clock that stands, a loop that waits for time to pass ends by its CPU limit", options, async (t) => {
  const server = await serve(t, project(t, LOADS, WITH_LOADER));
  assert.equal((await load(server, { limits: { cpuMs: 50 } })).code, "ERR_CPU_LIMIT");
  assert.match((await load(server, { allowExperimental: true })).error, /'allowExperimental' is only allowed when/);
});

test("a configured worker with unknown flags or an impossible date does not start", options, async (t) => {
  const refused = async (config, message) => {
    const { status, stderr } = await mayfly(["serve", project(t, LOADS, { ...WITH_LOADER, ...config }), "--listen", "127.0.0.1:0"]);
    assert.notEqual(status, 0);
    assert.match(stderr, message);
  };
  await refused({ compatibility_flags: ["no_such_flag"] }, /No such compatibility flag: no_such_flag/);
  await refused({ compatibility_flags: ["nodejs_compat", "no_nodejs_compat"] }, /mutually contradictory: nodejs_compat vs no_nodejs_compat/);
  await refused({ compatibility_date: "1999-01-01" }, /Invalid compatibility date: 1999-01-01/);
});
