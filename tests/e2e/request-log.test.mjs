// `mayfly serve --request-log`: one line for each HTTP request, and parents that use too much CPU time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, open } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { project } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const LISTEN = ["--listen", "127.0.0.1:0"];
const MAIN = `export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/throw") throw new Error("no");
  if (pathname === "/missing") return new Response("", { status: 404 });
  if (pathname === "/slow") { await scheduler.wait(60_000); return new Response(""); }
  if (pathname === "/loop") for (;;);
  if (pathname === "/endless") return new Response(new ReadableStream({ async pull(c) { c.enqueue(new Uint8Array(1000)); await scheduler.wait(5); } }));
  return new Response("here");
} };`;

test("each request is one line of text, with what became of it and nothing that looks like a secret", options, async (t) => {
  const server = await serve(t, project(t, MAIN), { args: [...LISTEN, "--request-log", "on"] });
  await ask(server, "/?card=4111111111111111&page=2");
  await ask(server, "/missing", { method: "POST", body: "x" });
  await ask(server, "/throw");
  await server.logged(/GET \/throw/);
  assert.match(server.output.stderr, /^mayfly\[app\] info: GET \/\?card=REDACTED&page=2 200 [\d.]+ ms$/m);
  assert.match(server.output.stderr, /^mayfly\[app\] info: POST \/missing 404 [\d.]+ ms$/m);
  assert.match(server.output.stderr, /^mayfly\[app\] warn: GET \/throw 500 [\d.]+ ms exception$/m);
});

test("with --json-logs each request is a JSON object", options, async (t) => {
  const server = await serve(t, project(t, MAIN), { args: [...LISTEN, "--request-log=on", "--json-logs"] });
  await ask(server, "/a");
  await server.logged(/"source":"request".*\n/);
  const line = server.output.stderr.split("\n").filter((text) => text.startsWith("{")).map((text) => JSON.parse(text)).find(({ source }) => source === "request");
  assert.ok(line.durationMs >= 0 && typeof line.time === "string", JSON.stringify(line));
  assert.deepEqual({ ...line, time: "", durationMs: 0 },
    { time: "", source: "request", level: "info", worker: "app", method: "GET", path: "/a", status: 200, durationMs: 0, outcome: "ok" });
});

test("a client that leaves is told from one that leaves in mid-answer", options, async (t) => {
  const server = await serve(t, project(t, MAIN), { args: [...LISTEN, "--request-log=on"] });
  for (const [path, outcome] of [["/slow", /GET \/slow - [\d.]+ ms canceled/], ["/endless", /GET \/endless 200 [\d.]+ ms responseStreamDisconnected/]]) {
    const connection = await open(server, t);
    connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    if (path === "/endless") await connection.received(/\r\n\r\n/);
    else await ask(server, "/");
    connection.socket.destroy();
    await server.logged(outcome);
  }
});

test("bytes of the request cannot forge a line or steer the terminal", options, async (t) => {
  const server = await serve(t, project(t, MAIN), { args: [...LISTEN, "--request-log=on"] });
  const connection = await open(server, t);
  connection.send(`GET /\x1b[2J\u00ff?${"x".repeat(6000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await connection.closed;
  await ask(server, "/after");
  await server.logged(/GET \/after/);
  assert.doesNotMatch(server.output.stderr, /\x1b/);
  assert.ok(server.output.stderr.split("\n").every((line) => line.length < 3000));
});

test("without a terminal there is no request log unless it is asked for", options, async (t) => {
  const server = await serve(t, project(t, MAIN));
  await ask(server, "/");
  assert.equal((await server.end()).stderr.includes("GET /"), false);
});

test("limits.cpu_ms ends a parent that loops; it is started anew and serves", options, async (t) => {
  const server = await serve(t, project(t, MAIN, { limits: { cpu_ms: 100 } }));
  for (let i = 0; i < 30; i++) assert.equal((await ask(server, "/")).text, "here");
  await assert.rejects(ask(server, "/loop"));
  await server.logged(/worker app ended and is started anew: cpuLimit/);
  assert.equal((await ask(server, "/")).text, "here");
});
