import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, settle, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { WebSocketPair, WebSocket } = sandbox.global;

function watched(socket, log, name) {
  for (const type of ["open", "message", "close", "error"]) {
    socket.addEventListener(type, (event) => log.push([name, type, event.data ?? event.code ?? event.message]));
  }
  return socket;
}

function pair(options = {}) {
  const log = [];
  const [a, b] = new WebSocketPair();
  watched(a, log, "a").accept(options);
  watched(b, log, "b").accept(options);
  return { a, b, log };
}

test("messages arrive in order, and never within send()", async () => {
  const { a, b, log } = pair();
  a.send("1");
  b.send("x");
  a.send("2");
  same(log, []);
  await settle();
  same(
    log.filter(([name]) => name === "b"),
    [["b", "message", "1"], ["b", "message", "2"]],
  );
  same(log.filter(([name]) => name === "a"), [["a", "message", "x"]]);
});

test("bytes are copied when they are sent, and arrive as the binaryType says", async () => {
  const { a, b } = pair();
  const got = [];
  b.addEventListener("message", (event) => got.push(event.data));
  b.binaryType = "arraybuffer";
  const bytes = new Uint8Array([1, 2, 3]).subarray(1);
  a.send(bytes);
  bytes.fill(9);
  await settle();
  same([...new Uint8Array(got[0])], [2, 3]);
  b.binaryType = "blob";
  a.send(bytes.buffer);
  await settle();
  assert.equal(sandbox.platform.isBlob(got[1]), true);
  b.binaryType = "nonsense";
  assert.equal(b.binaryType, "blob");
});

test("a message sent before the other end accepts waits for it", async () => {
  const [a, b] = new WebSocketPair();
  const log = [];
  a.accept();
  a.send("early");
  await settle();
  watched(b, log, "b").accept();
  await settle();
  same(log, [["b", "message", "early"]]);
});

test("close is answered by itself: both ends see it, and then are CLOSED", async () => {
  const { a, b, log } = pair();
  a.close(4001, "bye");
  same([a.readyState, b.readyState], [WebSocket.CLOSING, WebSocket.OPEN]);
  await settle();
  same(log, [["b", "close", 4001], ["a", "close", 4001]]);
  same([a.readyState, b.readyState], [WebSocket.CLOSED, WebSocket.CLOSED]);
  await throws(() => b.send("x"), "TypeError", "after close()");
  b.close();
});

test("with allowHalfOpen the other end may go on", async () => {
  const { a, b, log } = pair({ allowHalfOpen: true });
  a.close(1000);
  await settle();
  same([a.readyState, b.readyState], [WebSocket.CLOSING, WebSocket.CLOSING]);
  b.send("still here");
  b.close(4002);
  await settle();
  same(log, [["b", "close", 1000], ["a", "message", "still here"], ["a", "close", 4002]]);
  assert.equal(a.readyState, WebSocket.CLOSED);
});

test("a listener that throws ends the connection for the other side", async () => {
  const { a, b, log } = pair();
  b.addEventListener("message", () => {
    throw new Error("lost track");
  });
  a.send("x");
  await settle();
  assert.equal(sandbox.exceptions.pop().message, "lost track");
  same(
    log.filter(([name]) => name === "a"),
    [["a", "close", 1006], ["a", "error", "Uncaught Error: Network connection lost."]],
  );
});

test("an end must be accepted before it is used", async () => {
  const [a] = new WebSocketPair();
  await throws(() => a.send("x"), "TypeError", "accept()");
  await throws(() => a.close(), "TypeError", "accept()");
});

test("codes and reasons of close() are checked", async () => {
  const { a } = pair();
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 5000, null]) await throws(() => a.close(code), "InvalidAccessError");
  await throws(() => a.close(undefined, "why"), "InvalidAccessError");
  await throws(() => a.close(1000, "é".repeat(62)), "SyntaxError");
  a.close("4000", "é".repeat(61));
});

test("a message over 32 MiB is refused by send()", async () => {
  const { a } = pair();
  await throws(() => a.send(new ArrayBuffer(33554433)), "RangeError", "33554432");
});

test("an attachment is a copy", () => {
  const { a } = pair();
  const value = { n: 1 };
  assert.equal(a.deserializeAttachment(), null);
  a.serializeAttachment(value);
  value.n = 2;
  same(a.deserializeAttachment(), { n: 1 });
});

test("URLs and protocols of the constructor are checked", async () => {
  for (const url of ["/x", "http://h/", "ftp://h/", "ws://h/#", "nonsense"]) await throws(() => new WebSocket(url), "SyntaxError");
  await throws(() => new WebSocket("ws://h/", "a b"), "SyntaxError");
  await throws(() => new WebSocket("ws://h/", ["a", "a"]), "SyntaxError");
  await throws(() => new WebSocket(), "TypeError");
});

test("at the top level of a program there are no sockets", async () => {
  sandbox.atGlobalScope = true;
  try {
    await throws(() => new WebSocketPair(), "Error", "global scope");
    await throws(() => new WebSocket("ws://h/"), "Error", "global scope");
  } finally {
    sandbox.atGlobalScope = false;
  }
});

// Dialling, with the other process played by the test: `handlers` is what we offered, `sent` what we sent to it.
function dialling(respond) {
  const server = { sent: [], handlers: null };
  sandbox.ops.exportMessages = (handlers) => ((server.handlers = handlers), { offered: true });
  sandbox.ops.capSendMessage = async (_, data) => void server.sent.push(data);
  sandbox.ops.capCloseMessages = async (_, code, reason) => void server.sent.push([code, reason]);
  sandbox.respond = respond;
  return server;
}
const SWITCHING = { status: 101, statusText: "", headers: [["Sec-WebSocket-Protocol", "p2"]], body: null, webSocket: { sink: true } };

test("new WebSocket asks with an upgrade, opens, talks, and closes", async () => {
  const server = dialling(() => SWITCHING);
  const log = [];
  const socket = watched(new WebSocket("wss://h/p?q", ["p1", "p2"]), log, "s");
  assert.equal(socket.readyState, WebSocket.CONNECTING);
  await settle();
  const { url, headers } = sandbox.sent.at(-1);
  same([url, headers], ["https://h/p?q", [["upgrade", "websocket"], ["sec-websocket-protocol", "p1, p2"]]]);
  same([socket.readyState, socket.protocol, socket.url], [WebSocket.OPEN, "p2", "wss://h/p?q"]);
  socket.send("up");
  await server.handlers.message("down");
  await server.handlers.close(4000, "done");
  await settle();
  same(server.sent, ["up", [4000, "done"]]);
  same(log, [["s", "open", undefined], ["s", "message", "down"], ["s", "close", 4000]]);
});

test("messages that overtake the answer wait for it", async () => {
  let answer;
  const server = dialling(() => new Promise((resolve) => (answer = resolve)));
  const log = [];
  watched(new WebSocket("ws://h/"), log, "s");
  server.handlers.message("early").catch(() => {});
  await settle();
  same(log, []);
  answer(SWITCHING);
  await settle();
  same(log, [["s", "open", undefined], ["s", "message", "early"]]);
});

test("an ordinary answer, or none, is an error and a close", async () => {
  for (const respond of [() => ({ status: 403, statusText: "", headers: [], body: null }), () => Promise.reject(new Error("refused"))]) {
    dialling(respond);
    const log = [];
    watched(new WebSocket("ws://h/"), log, "s");
    await settle();
    same(log.map(([, type]) => type), ["error", "close"]);
    same(log[1], ["s", "close", 1006]);
  }
});

test("a server that goes without closing is close 1006", async () => {
  const server = dialling(() => SWITCHING);
  const log = [];
  watched(new WebSocket("ws://h/"), log, "s");
  await settle();
  server.handlers.gone();
  await settle();
  same(log.map(([, type, value]) => [type, value]).slice(1, 2), [["close", 1006]]);
});

test("a server that sends faster than it is heard is cut off", async () => {
  const [accepted] = new WebSocketPair();
  accepted.accept();
  const server = dialling(() => new Promise(() => {}));
  new WebSocket("ws://h/");
  const big = new Uint8Array(20 << 20);
  const outcomes = [1, 2, 3, 4].map(() => server.handlers.message(big).then(() => "taken", () => "refused"));
  await settle();
  assert.equal(await Promise.race([outcomes[3], settle().then(() => "waiting")]), "refused");
});
