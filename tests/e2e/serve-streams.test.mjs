// `mayfly serve`: a gibibyte through a sandbox of 64 MiB, both ways; and stubs that nobody keeps hold no process.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { childrenOf, sandboxesOf, statOf, until, zygoteOf } from "./_processes.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const GIB = 2 ** 30;
const BLANKS = 2;
const DEADLINE_MS = 30_000;

const PARENT = `
  const code = (source, limits) => ({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": source }, globalOutbound: null, limits });
  const LIMITS = { memoryMb: 64, cpuMs: 30_000, wallMs: 60_000 };
  const COMMON = \`import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
    const gibibyte = () => { let left = ${GIB}; const chunk = new Uint8Array(65536).fill(7);
      return new ReadableStream({ type: "bytes", pull(c) { c.enqueue(chunk.slice()); left -= chunk.length; if (left === 0) c.close(); } }); };
    const sizeOf = async (stream) => { let size = 0; for await (const chunk of stream) size += chunk.byteLength; return size; };\`;
  const CHILD = COMMON + \`export default class extends WorkerEntrypoint {
    fetch() { return new Response(gibibyte()); }
    give() { return gibibyte(); }
    take(stream) { return sizeOf(stream); }
    make() { return new (class extends RpcTarget { ping() { return "pong"; } })(); }
    run(x) { return x; } }\`;
  \${COMMON_HERE}
  export default { async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    const load = (limits = LIMITS) => env.LOADER.load(code(CHILD, limits)).getEntrypoint();
    switch (pathname) {
      case "/out": return Response.json(await sizeOf((await load().fetch("http://x/")).body));
      case "/give": return Response.json(await sizeOf(await load().give()));
      case "/through": return load().fetch("http://x/");
      case "/in": return Response.json(await load().take(gibibyte()));
      case "/drop": {
        for (let i = 0; i < Number(searchParams.get("n")); i++) { const made = await load().make(); await made.ping(); }
        return new Response("dropped");
      }
    }
  } };`.replace("${COMMON_HERE}", `
    const gibibyte = () => { let left = ${GIB}; const chunk = new Uint8Array(65536).fill(7);
      return new ReadableStream({ type: "bytes", pull(c) { c.enqueue(chunk.slice()); left -= chunk.length; if (left === 0) c.close(); } }); };
    const sizeOf = async (stream) => { let size = 0; for await (const chunk of stream) size += chunk.byteLength; return size; };`);

/** The most resident memory that each process below `pids` had while `work` went on, in MiB. */
async function watching(server, work) {
  const most = { supervisor: 0, parent: 0, sandbox: 0 };
  const look = () => {
    const parent = childrenOf(zygoteOf(server.pid, "parents"))[0];
    for (const [name, pids] of [["supervisor", [server.pid]], ["parent", [parent]], ["sandbox", sandboxesOf(server.pid)]]) {
      for (const pid of pids) {
        try {
          const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
          most[name] = Math.max(most[name], kilobytes / 1024);
        } catch {
          // It ended meanwhile.
        }
      }
    }
  };
  const timer = setInterval(look, 200);
  const started = performance.now();
  try {
    const result = await work();
    look();
    return { result, most, ms: performance.now() - started };
  } finally {
    clearInterval(timer);
  }
}

async function bounded(server, work, expected) {
  const { result, most, ms } = await watching(server, work);
  assert.equal(result, expected);
  assert.ok(ms < DEADLINE_MS, `${ms} ms`);
  // Resident memory includes what all sandboxes share with their zygote, about 90 MiB.
  assert.ok(most.sandbox < 90 + 64 + 32, JSON.stringify(most));
  assert.ok(most.supervisor < 64, JSON.stringify(most));
  assert.ok(most.parent < 256, JSON.stringify(most));
  return { most, ms };
}

for (const [name, path] of [
  ["a body that a sandbox answers with", "/out"], ["a stream that a sandbox returns", "/give"], ["a stream that a sandbox is given", "/in"],
]) {
  test(`a gibibyte through 64 MiB: ${name}`, options, async (t) => {
    const server = await serve(t, project(t, PARENT, WITH_LOADER));
    await bounded(server, () => json(server, path), GIB);
  });
}

test("a gibibyte through 64 MiB: a body passed on to the client", options, async (t) => {
  const server = await serve(t, project(t, PARENT, WITH_LOADER));
  await bounded(server, async () => {
    let size = 0;
    for await (const chunk of (await fetch(`${server.url}/through`)).body) size += chunk.byteLength;
    return size;
  }, GIB);
});

test("stubs that nobody disposed of hold no process once their request is over", options, async (t) => {
  const server = await serve(t, project(t, PARENT, { ...WITH_LOADER, mayfly: { pool: { blank: BLANKS } } }));
  await until("the blank sandboxes", () => sandboxesOf(server.pid).length === BLANKS);
  const first = sandboxesOf(server.pid).map(statOf);
  assert.equal((await ask(server, "/drop?n=20")).text, "dropped");
  await until("blank sandboxes only", () => sandboxesOf(server.pid).length === BLANKS);
  assert.ok(sandboxesOf(server.pid).every((pid) => !first.some((stat) => stat?.pid === pid && stat.startTime === statOf(pid)?.startTime)), "those are fresh");
});

test("a parent may answer with the response of a sandbox, whole or streamed", options, async (t) => {
  const server = await serve(t, project(t, `
    const child = (body) => ({ compatibilityDate: "2026-04-22", mainModule: "m.js", globalOutbound: null,
      modules: { "m.js": "export default { fetch() { return new Response(" + body + "); } };" } });
    const BODIES = { "/short": "'short'", "/long": "'long'.repeat(50000)",
      "/stream": "new ReadableStream({ async start(c) { for (let i = 0; i < 5; i++) { await scheduler.wait(5); c.enqueue(new TextEncoder().encode('piece')); } c.close(); } })" };
    export default { fetch(request, env) { return env.LOADER.load(child(BODIES[new URL(request.url).pathname])).getEntrypoint().fetch(request); } };`, WITH_LOADER));
  assert.equal((await ask(server, "/short")).text, "short");
  assert.equal((await ask(server, "/long")).text, "long".repeat(50000));
  assert.equal((await ask(server, "/stream")).text, "piece".repeat(5));
});
