// `mayfly serve` and WebSockets: clients from outside, and servers outside.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { before, test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { project, WITH_LOADER } from "./_project.mjs";
import { acceptKey, dial, Frames } from "./_websocket.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = `
  const CHILD = \`export default { fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => server.send("child " + data));
    return new Response(null, { status: 101, webSocket: client });
  } };\`;
  const DIALS = \`export default { async run(to) {
    const log = [];
    try {
      const socket = new WebSocket(to, ["p1"]);
      socket.binaryType = "arraybuffer";
      await new Promise((resolve) => {
        socket.addEventListener("open", () => { log.push(["open", socket.protocol]); socket.send("hi"); socket.send(new Uint8Array([1, 2])); });
        socket.addEventListener("message", ({ data }) => { log.push(typeof data === "string" ? data.slice(0, 100) + (data.length > 100 ? data.length : "") : [...new Uint8Array(data)]); if (data === "echo end") socket.close(4000, "done"); });
        socket.addEventListener("error", ({ message, error }) => log.push(["error", error.code ?? null, message]));
        socket.addEventListener("close", ({ code, reason, wasClean }) => { log.push(["close", code, reason, wasClean]); resolve(); });
      });
    } catch (error) { log.push([error.name, error.message]); }
    return log;
  } };\`;
  const load = (env, source, extra) => env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": source }, globalOutbound: null, ...extra }).getEntrypoint();
  const open = (serve, headers = {}) => {
    const [client, server] = Object.values(new WebSocketPair());
    server.binaryType = "arraybuffer";
    server.accept();
    serve(server);
    return new Response(null, { status: 101, webSocket: client, headers });
  };
  const closes = [];
  export default { async fetch(request, env) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/echo": return open((server) => {
        server.addEventListener("message", ({ data }) => server.send(typeof data === "string" ? "echo " + data : data));
        server.addEventListener("close", ({ code, reason, wasClean }) => closes.push([code, reason, wasClean]));
      }, { "Sec-WebSocket-Protocol": "p1", "x-mine": "yes", "sec-websocket-accept": "nonsense" });
      case "/closes": return Response.json(closes);
      case "/greets": return open((server) => { server.send("first"); server.send(new Uint8Array([1, 2, 3])); server.close(4001, "enough"); });
      case "/child": return load(env, CHILD).fetch(request);
      case "/plain": return new Response("no socket here", { status: 418 });
      case "/throws": throw new Error("boom");
      case "/dial": return Response.json(await load(env, DIALS, { globalOutbound: undefined }).run(url.searchParams.get("to")));
      case "/fetch": {
        const { status, webSocket } = await fetch(url.searchParams.get("to"), { headers: { upgrade: "websocket" } });
        if (webSocket === null) return Response.json([status]);
        webSocket.accept();
        const got = new Promise((resolve) => webSocket.addEventListener("message", ({ data }) => resolve(data)));
        webSocket.send("by fetch");
        const answer = [status, await got];
        webSocket.close(1000);
        return Response.json(answer);
      }
    }
    return new Response("", { status: 404 });
  } };`;

const file = wholeFile();
let server;
let origin;   // a WebSocket server outside
let port;
let closed;   // a mayfly whose operator allows nothing
let heard = [];

before(async () => {
  origin = createServer((request, response) => response.end("plain"));
  origin.on("upgrade", (request, socket, head) => {
    heard.push(request.headers);
    if (request.url === "/drop") return socket.destroy();
    if (request.url === "/403") return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${request.url === "/wrong" ? "nonsense" : acceptKey(request.headers["sec-websocket-key"])}`];
    if (request.headers["sec-websocket-protocol"]) lines.push("Sec-WebSocket-Protocol: p1");
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    void converse(new Frames(socket, false, head), request.url).catch(() => {});
  });
  origin.listen(0, "127.0.0.1");
  file.after(() => { origin.closeAllConnections(); origin.close(); });
  await once(origin, "listening");
  port = origin.address().port;
  server = await serve(file, project(file, MAIN, { ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${port}`] } } }));
  closed = await serve(file, project(file, MAIN, WITH_LOADER));
});

async function converse(frames, url) {
  for (;;) {
    const message = await frames.next();
    if (message === null) return;
    if (message.code !== undefined) {
      frames.close(message.code, message.reason);
      frames.end();
      return;
    }
    if (url === "/vanish") return frames.drop();
    if (url === "/huge") return frames.sendFrame(1, Buffer.alloc(40 << 20, "x"));
    if (url === "/lies") return frames.sendFrame(3, Buffer.from("reserved"));
    frames.send(typeof message === "string" ? `echo ${message}` : message);
    if (typeof message !== "string") frames.send("echo end");
  }
}

test("a client from outside exchanges messages with the worker", options, async (t) => {
  const { status, headers, frames } = await dial(t, server.port, "/echo");
  assert.deepEqual([status, headers["sec-websocket-protocol"], headers["x-mine"]], [101, "p1", "yes"]);
  frames.send("a");
  assert.equal(await frames.next(), "echo a");
  frames.send(Buffer.from([1, 2, 3]));
  assert.deepEqual(await frames.next(), Buffer.from([1, 2, 3]));
  frames.sendFrame(1, Buffer.from("in "), { fin: false });
  frames.sendFrame(0, Buffer.from("pieces"));
  assert.equal(await frames.next(), "echo in pieces");
});

test("large messages pass, both ways", options, async (t) => {
  const { frames } = await dial(t, server.port, "/echo");
  const large = "x".repeat(5 << 20);
  frames.send(large);
  assert.equal((await frames.next()).length, large.length + 5);
});

test("a Close frame is answered with its code, and the worker sees it", options, async (t) => {
  const { frames } = await dial(t, server.port, "/echo");
  frames.close(4007, "over");
  assert.deepEqual(await frames.next(), { code: 4007, reason: "over" });
  assert.equal(await frames.next(), null);
  assert.deepEqual((await json(server, "/closes")).find(([code]) => code === 4007), [4007, "over", true]);
});

test("a Close frame right before the end of the connection still arrives", options, async (t) => {
  const { frames } = await dial(t, server.port, "/echo");
  frames.send("last words");
  frames.close(4008);
  frames.end();
  assert.equal(await frames.next(), "echo last words");
  assert.deepEqual(await frames.next(), { code: 4008, reason: "" });
});

test("a client that vanishes is close 1006", options, async (t) => {
  const { frames } = await dial(t, server.port, "/echo");
  frames.send("x");
  await frames.next();
  frames.drop();
  for (let tries = 0; tries < 200; tries++) {
    if ((await json(server, "/closes")).some(([code, , wasClean]) => code === 1006 && !wasClean)) return;
  }
  assert.fail("the worker never saw it");
});

test("what the worker says before it returns is the first to arrive", options, async (t) => {
  const { frames } = await dial(t, server.port, "/greets");
  assert.equal(await frames.next(), "first");
  assert.deepEqual(await frames.next(), Buffer.from([1, 2, 3]));
  assert.deepEqual(await frames.next(), { code: 4001, reason: "enough" });
});

test("a dynamic worker's socket reaches the client through its parent", options, async (t) => {
  const { status, frames } = await dial(t, server.port, "/child");
  assert.equal(status, 101);
  frames.send("x");
  assert.equal(await frames.next(), "child x");
  frames.close(1000);
  assert.deepEqual(await frames.next(), { code: 1000, reason: "" });
});

test("a worker that does not upgrade answers as always", options, async (t) => {
  assert.equal((await dial(t, server.port, "/plain")).status, 418);
  assert.equal((await dial(t, server.port, "/throws")).status, 500);
  assert.equal((await ask(server, "/echo")).status, 500);
});

test("a protocol error ends one connection, not the server", options, async (t) => {
  const { frames } = await dial(t, server.port, "/echo");
  frames.sendFrame(3, Buffer.from("reserved opcode"));
  while ((await frames.next()) !== null);
  assert.equal((await ask(server, "/plain")).status, 418);
});

test("a handshake without its key is refused", options, async (t) => {
  assert.equal((await dial(t, server.port, "/echo", { "Sec-WebSocket-Version": "7" })).status, 400);
});

const to = (path, scheme = "ws") => `to=${encodeURIComponent(`${scheme}://127.0.0.1:${port}${path}`)}`;

test("a dynamic worker's new WebSocket reaches an allowed server", options, async () => {
  assert.deepEqual(await json(server, `/dial?${to("/")}`), [["open", "p1"], "echo hi", [1, 2], "echo end", ["close", 4000, "done", true]]);
  const headers = heard.at(-1);
  assert.deepEqual([headers.host, headers["sec-websocket-version"], headers["sec-websocket-protocol"]], [`127.0.0.1:${port}`, "13", "p1"]);
});

test("fetch with an Upgrade header does too", options, async () => {
  assert.deepEqual(await json(server, `/fetch?${to("/", "http")}`), [101, "echo by fetch"]);
  assert.deepEqual(await json(server, `/fetch?${to("/403", "http")}`), [403]);
});

test("servers that refuse, hang up, lie or vanish are errors of that one socket", options, async () => {
  for (const path of ["/403", "/drop", "/wrong"]) {
    const log = await json(server, `/dial?${to(path)}`);
    assert.equal(log[0][0], "error", `${path}: ${JSON.stringify(log)}`);
    assert.deepEqual(log[1], ["close", 1006, "Failed to establish websocket connection", false]);
  }
  for (const path of ["/vanish", "/huge", "/lies"]) {
    const log = await json(server, `/dial?${to(path)}`);
    assert.equal(log.find(([kind]) => kind === "close")[1], 1006, `${path}: ${JSON.stringify(log)}`);
  }
});

test("what the operator does not allow is refused, by name and number alike", options, async () => {
  const before = heard.length;
  for (const host of ["127.0.0.1", "localhost", "127.1", "[::1]", "10.0.0.1", "169.254.169.254"]) {
    const log = await json(closed, `/dial?to=${encodeURIComponent(`ws://${host}:${port}/`)}`);
    assert.deepEqual(log[0].slice(0, 2), ["error", "ERR_OUTBOUND_BLOCKED"], `${host}: ${JSON.stringify(log)}`);
    assert.equal(log[1][1], 1006);
  }
  assert.equal(heard.length, before);
});
