// Bodies between the network, a worker and a client: content codings, bombs, lengths, connections that are used again.
import assert from "node:assert/strict";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { http, origin } from "./_origin.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(4000);
const BOMB_MIB = 512;
const MAIN = `
  const CHILD = \`export default {
    async text(to) { const r = await fetch(to); return [r.headers.get("content-encoding"), await r.text()]; },
    async count(to) { let bytes = 0, most = 0; for await (const chunk of (await fetch(to)).body) { bytes += chunk.byteLength; most = Math.max(most, chunk.byteLength); } return { bytes, most }; },
    async first(to) { const reader = (await fetch(to)).body.getReader(); const { value } = await reader.read(); await reader.cancel(); return value.byteLength; },
    async swallow(to) { return (await (await fetch(to)).arrayBuffer()).byteLength; },
    async several(to) { const seen = []; for (let i = 0; i < 5; i++) seen.push(await (await fetch(to)).text()); return seen; },
    async atOnce(to) { return (await Promise.all(Array.from({ length: 60 }, async () => (await fetch(to)).text()))).length; },
  };\`;
  const routes = {
    "/pass": (to) => fetch(to),
    "/rewrap": async (to) => { const r = await fetch(to); const made = new Response(r.body, r); made.headers.set("x-mine", "1"); return made; },
    "/made": (to, url) => new Response("made here", { headers: { "content-encoding": url.searchParams.get("c") } }),
    "/manual": (to) => new Response(new Uint8Array([1, 2, 3]), { headers: { "content-encoding": "gzip" }, encodeBody: "manual" }),
    "/plain": async (to) => new Response(await (await fetch(to)).text()),
    "/direct": async (to) => Response.json(await Promise.all([1, 2, 3].map(async () => (await fetch(to)).text()))),
  };
  export default { async fetch(request, env) {
    const url = new URL(request.url);
    const to = url.searchParams.get("to");
    const method = url.searchParams.get("run");
    try {
      if (method === null) return await routes[url.pathname](to, url);
      const modules = { "m.js": CHILD };
      const sandbox = env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules, limits: { cpuMs: 20000, memoryMb: 64 } });
      return Response.json({ result: await sandbox.getEntrypoint()[method](to) });
    } catch (error) { return Response.json({ name: error.name, message: error.message, code: error.code ?? null }); }
  } };`;

const file = wholeFile();
let seen;
let server;
let bomb;

before(async () => {
  // Half a gibibyte of zeros, as a server with bad intentions would send it.
  bomb = gzipSync(Buffer.alloc(BOMB_MIB << 20), { level: 9 });
  const coded = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT) };
  seen = await origin(file, ({ path, connection }, socket) => {
    if (path === "/connection") return http(200, {}, String(connection));
    if (path === "/bomb") return http(200, { "Content-Encoding": "gzip" }, bomb);
    if (path === "/broken") return http(200, { "Content-Encoding": "gzip" }, coded.gzip.subarray(0, 50));
    if (path === "/short") {
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      return undefined;
    }
    const coding = path.slice(1);
    return http(200, { "Content-Encoding": coding, ETag: '"e"' }, coded[coding]);
  });
  server = await serve(file, project(file, MAIN, { ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${seen.port}`] }, limits: { memoryMb: { max: 256 } } } }));
});

const at = (path) => encodeURIComponent(`http://127.0.0.1:${seen.port}${path}`);
const run = (method, path) => json(server, `/?run=${method}&to=${at(path)}`);

for (const [coding, decode] of [["gzip", gunzipSync], ["br", brotliDecompressSync]]) {
  test(`${coding}: a program reads text`, options, async () => {
    assert.deepEqual(await run("text", `/${coding}`), { result: [coding, TEXT] });
    assert.equal((await ask(server, `/plain?to=${at(`/${coding}`)}`)).text, TEXT);
  });

  test(`${coding}: what is passed on arrives as the header says, unchanged if nobody looked at it`, options, async () => {
    const passed = await ask(server, `/pass?to=${at(`/${coding}`)}`);
    assert.equal(passed.headers["content-encoding"], coding);
    assert.equal(passed.headers.etag, '"e"');
    assert.equal(Number(passed.headers["content-length"]), passed.body.length);
    assert.deepEqual(passed.body, coding === "gzip" ? gzipSync(TEXT) : brotliCompressSync(TEXT));
    const rewrapped = await ask(server, `/rewrap?to=${at(`/${coding}`)}`);
    assert.deepEqual([rewrapped.headers["content-encoding"], rewrapped.headers["x-mine"], decode(rewrapped.body).toString()], [coding, "1", TEXT]);
  });

  test(`${coding}: what a program makes is encoded on its way out`, options, async () => {
    const { headers, body } = await ask(server, `/made?c=${coding}`);
    assert.deepEqual([headers["content-encoding"], decode(body).toString()], [coding, "made here"]);
  });
}

test("encodeBody: manual sends the bytes as they are", options, async () => {
  assert.deepEqual([...(await ask(server, "/manual")).body], [1, 2, 3]);
});

test("nothing is asked for that the program did not ask for", options, async () => {
  await run("text", "/gzip");
  assert.doesNotMatch(seen.requests.at(-1).head, /accept-encoding/i);
});

test("a bomb is read in pieces, within the memory of a sandbox", options, async () => {
  const { result } = await run("count", "/bomb");
  assert.equal(result.bytes, BOMB_MIB << 20);
  assert.ok(result.most <= 64 * 1024, `${result.most} bytes at once`);
});

test("a bomb swallowed whole ends its sandbox, not the server", options, async () => {
  const before = memoryKib(server.pid);
  assert.equal((await run("swallow", "/bomb")).code, "ERR_MEMORY_LIMIT");
  assert.ok(memoryKib(server.pid) - before < 32 * 1024, "the supervisor does not unpack");
  assert.deepEqual(await run("first", "/bomb"), { result: 64 * 1024 });
});

test("a body that breaks off says so", options, async () => {
  const broken = await run("text", "/broken");
  assert.deepEqual([broken.name, broken.message], ["TypeError", "Gzip compressed stream ended prematurely."]);
  const short = await run("text", "/short");
  assert.match(short.message, /^Network connection lost\./);
  assert.equal(short.code, "ERR_OUTBOUND_BODY");
});

test("requests after one another share a connection", options, async () => {
  const { result } = await run("several", "/connection");
  assert.equal(new Set(result).size, 1, result.join());
});

test("no two workers share a connection", options, async () => {
  const workers = await Promise.all([run("several", "/connection"), run("several", "/connection")]);
  const connections = workers.map(({ result }) => new Set(result));
  for (const own of connections) assert.equal(own.size, 1);
  assert.equal(connections[0].isDisjointFrom?.(connections[1]) ?? ![...connections[0]].some((one) => connections[1].has(one)), true);
  const parent = await json(server, `/direct?to=${at("/connection")}`);
  assert.ok(!parent.some((one) => connections[0].has(one) || connections[1].has(one)));
});

test("many requests at once wait their turn, and none fails", options, async () => {
  const before = seen.connections;
  assert.deepEqual(await run("atOnce", "/connection"), { result: 60 });
  assert.ok(seen.connections - before <= 32, `${seen.connections - before} connections`);
});

function memoryKib(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}
