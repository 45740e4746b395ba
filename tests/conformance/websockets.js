// worker-loader.md §2.3 (101 responses), §5.1, §5.2, §10.1 (WebSocket) and checklist 53, 67.

import { WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { entry } from "./_load.js";

const UPGRADE = { headers: { Upgrade: "websocket" } };

/** Resolves to the next event of this type. */
const next = (socket, type) => new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));

/** The data of the next `count` messages. */
function messages(socket, count) {
  return new Promise((resolve) => {
    const got = [];
    socket.addEventListener("message", ({ data }) => {
      if (got.push(data) === count) resolve(got);
    });
  });
}

function accepted(options) {
  const [a, b] = Object.values(new WebSocketPair());
  a.accept(options);
  b.accept(options);
  return [a, b];
}

const ECHO = `export default {
  fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => { if (data === "bye") server.close(4000, "ok"); else server.send("echo " + data); });
    server.addEventListener("close", ({ code, reason, wasClean }) => { globalThis.closed = [code, reason, wasClean]; });
    if (new URL(request.url).pathname === "/greet") server.send("hello");
    return new Response(null, { status: 101, webSocket: client, headers: { "sec-websocket-protocol": "p1" } });
  },
  closed() { return globalThis.closed ?? null; },
};`;

export class Out extends WorkerEntrypoint {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/refuse") return new Response("no", { status: 403 });
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.send([request.method, request.url, request.headers.get("upgrade"), this.ctx.props.tenant].join(" "));
    server.addEventListener("message", ({ data }) => server.send(`out:${data}`));
    const headers = request.headers.has("sec-websocket-protocol") ? { "sec-websocket-protocol": "p2" } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }
}

// The platform's own class -------------------------------------------------------------------------------

export const aPairHasTwoEndsUnderTheirNumbers = {
  test() {
    const pair = new WebSocketPair();
    deepEqual(Object.keys(pair), ["0", "1"]);
    deepEqual([...pair].map((end) => end instanceof WebSocket && end instanceof EventTarget), [true, true]);
    equal(Object.prototype.toString.call(pair), "[object WebSocketPair]");
    equal(Object.prototype.toString.call(pair[0]), "[object WebSocket]");
    deepEqual([pair[0].readyState, pair[0].url, pair[0].protocol, pair[0].extensions], [1, null, "", ""]);
    throws(() => WebSocketPair(), { name: "TypeError" });
  },
};

export const theStatesHaveNames = {
  test() {
    deepEqual([WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED], [0, 1, 2, 3]);
    deepEqual([WebSocket.READY_STATE_OPEN, WebSocket.prototype.OPEN], [1, 1]);
    equal("onmessage" in WebSocket.prototype, false);
  },
};

export const anEndMustBeAcceptedBeforeItIsUsed = {
  test() {
    const [a, b] = Object.values(new WebSocketPair());
    throws(() => a.send("x"), { name: "TypeError", message: "accept()" });
    throws(() => a.close(), { name: "TypeError", message: "accept()" });
    equal(a.accept(), undefined);
    equal(a.accept(), undefined);
    b.accept();
    b.close();
  },
};

export const messagesArriveAsEvents = {
  async test() {
    const [a, b] = accepted();
    const arrived = next(b, "message");
    a.send("x");
    const event = await arrived;
    ok(event instanceof MessageEvent);
    deepEqual([event.type, event.data, event.isTrusted, event.target === b], ["message", "x", true, true]);
    a.close();
  },
};

export const messagesWaitForAccept = {
  async test() {
    const [a, b] = Object.values(new WebSocketPair());
    a.accept();
    a.send("1");
    a.send("2");
    const got = messages(b, 2);
    b.accept();
    deepEqual(await got, ["1", "2"]);
    a.close();
  },
};

export const bytesArriveAsTheBinaryTypeSays = {
  async test() {
    const [a, b] = accepted();
    equal(b.binaryType, "blob");
    let got = messages(b, 1);
    a.send(new Uint8Array([1, 2, 3]).subarray(1));
    const [blob] = await got;
    ok(blob instanceof Blob);
    deepEqual([...new Uint8Array(await blob.arrayBuffer())], [2, 3]);
    b.binaryType = "arraybuffer";
    got = messages(b, 2);
    a.send(new Uint8Array([4]).buffer);
    a.send(new DataView(new ArrayBuffer(2)));
    deepEqual((await got).map((buffer) => [...new Uint8Array(buffer)]), [[4], [0, 0]]);
    a.close();
  },
};

export const whatIsNotBytesIsSentAsText = {
  async test() {
    const [a, b] = accepted();
    const got = messages(b, 3);
    a.send(5);
    a.send(undefined);
    a.send({});
    throws(() => a.send(), { name: "TypeError" });
    deepEqual(await got, ["5", "undefined", "[object Object]"]);
    a.close();
  },
};

export const aCloseIsAnsweredByItself = {
  async test() {
    const [a, b] = accepted();
    const there = next(b, "close");
    const back = next(a, "close");
    a.close(4001, "bye");
    deepEqual([a.readyState, b.readyState], [2, 1]);
    throws(() => a.send("x"), { name: "TypeError", message: "after close()" });
    const event = await there;
    ok(event instanceof CloseEvent);
    deepEqual([event.code, event.reason, event.wasClean, b.readyState], [4001, "bye", true, 3]);
    throws(() => b.send("x"), { name: "TypeError", message: "after close()" });
    deepEqual([(await back).code, a.readyState], [4001, 3]);
    b.close();
  },
};

export const aCloseWithoutCodeIs1005 = {
  async test() {
    const [a, b] = accepted();
    const there = next(b, "close");
    a.close();
    const { code, reason, wasClean } = await there;
    deepEqual([code, reason, wasClean], [1005, "", true]);
  },
};

export const aHalfOpenSocketGoesOnSending = {
  async test() {
    const [a, b] = accepted({ allowHalfOpen: true });
    const there = next(b, "close");
    a.close(1000, "half");
    await there;
    deepEqual([a.readyState, b.readyState], [2, 2]);
    const got = messages(a, 1);
    const back = next(a, "close");
    b.send("more");
    b.close(4002);
    deepEqual(await got, ["more"]);
    deepEqual([(await back).code, a.readyState, b.readyState], [4002, 3, 3]);
  },
};

export const closeCodesAndReasonsAreChecked = {
  test() {
    const [a] = accepted();
    for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 5000, null]) throws(() => a.close(code), { name: "InvalidAccessError" });
    throws(() => a.close(undefined, "x"), { name: "InvalidAccessError" });
    throws(() => a.close(1000, "x".repeat(124)), { name: "SyntaxError" });
    equal(a.close(3000, "x".repeat(123)), undefined);
  },
};

export const socketsAreForbiddenAtTheTopLevel = {
  async test(_, env) {
    for (const code of ["new WebSocketPair()", "new WebSocket('ws://x')"]) {
      const e = entry(env, `let said; try { ${code}; } catch (error) { said = error.message; } export default { said() { return said; } };`);
      includes(await e.said(0), "Disallowed operation called within global scope");
    }
  },
};

export const aWebSocketIsNotAValue = {
  async test(_, env) {
    const e = entry(env, `export default { take(x) {}, give() { return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] }); } };`);
    await rejects(e.take(new WebSocketPair()[0]), { name: "DataCloneError", message: '"WebSocket"' });
    await rejects(e.give(0), { name: "DataCloneError", message: '"WebSocket"' });
  },
};

// Responses ----------------------------------------------------------------------------------------------

export const aResponseWithAWebSocketHasStatus101 = {
  test() {
    const [webSocket] = Object.values(new WebSocketPair());
    const response = new Response(null, { status: 101, webSocket });
    ok(response.webSocket === webSocket);
    ok(new Response(null, response).webSocket === webSocket);
    for (const init of [{ webSocket }, { status: 200, webSocket }, { status: 101 }, { status: 101, webSocket: null }]) {
      throws(() => new Response(null, init), { name: "RangeError" });
    }
    throws(() => new Response("x", { status: 101, webSocket }), { name: "TypeError", message: "null body status" });
    throws(() => new Response(null, { status: 101, webSocket: {} }), { name: "TypeError", message: "WebSocket" });
    throws(() => response.clone(), { name: "TypeError" });
    equal(new Response().webSocket, null);
  },
};

// Through the wall ---------------------------------------------------------------------------------------

export const aChildsSocketTalksWithItsParent = {
  async test(_, env) {
    const e = entry(env, ECHO);
    const response = await e.fetch("http://x/greet", UPGRADE);
    deepEqual([response.status, response.body, response.headers.get("sec-websocket-protocol")], [101, null, "p1"]);
    const socket = response.webSocket;
    ok(response.webSocket === socket);
    const got = messages(socket, 3);
    socket.accept();
    socket.send("one");
    socket.send("two");
    deepEqual(await got, ["hello", "echo one", "echo two"]);
    const closed = next(socket, "close");
    socket.send("bye");
    const { code, reason, wasClean } = await closed;
    deepEqual([code, reason, wasClean, socket.readyState], [4000, "ok", true, 3]);
    deepEqual([...(await e.closed(0))], [4000, "ok", true]);
  },
};

export const manyAndLargeMessagesArriveWholeAndInOrder = {
  async test(_, env) {
    const e = entry(env, ECHO);
    const { webSocket: socket } = await e.fetch("http://x/", UPGRADE);
    const got = messages(socket, 301);
    socket.accept();
    for (let i = 0; i < 300; i++) socket.send(String(i));
    const large = "x".repeat(900_000);
    socket.send(large);
    const all = await got;
    deepEqual(all.slice(0, 300), Array.from({ length: 300 }, (_, i) => `echo ${i}`));
    ok(all[300] === `echo ${large}`);
    socket.close();
  },
};

export const whatTheChildSaysBeforeTheParentAcceptsIsKept = {
  async test(_, env) {
    const e = entry(env, `export default { fetch() {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept(); server.send("x"); server.close(1000, "done");
      return new Response(null, { status: 101, webSocket: client }); } };`);
    const { webSocket: socket } = await e.fetch("http://x/", UPGRADE);
    await scheduler.wait(20);
    const got = messages(socket, 1);
    const closed = next(socket, "close");
    socket.accept();
    deepEqual(await got, ["x"]);
    deepEqual([(await closed).code, (await closed).reason], [1000, "done"]);
  },
};

export const aListenerThatThrowsEndsTheConnection = {
  async test(_, env) {
    const e = entry(env, `export default { fetch() {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept(); server.addEventListener("message", () => { throw new Error("lost track"); });
      return new Response(null, { status: 101, webSocket: client }); } };`);
    const { webSocket: socket } = await e.fetch("http://x/", UPGRADE);
    socket.accept();
    const closed = next(socket, "close");
    socket.send("x");
    const { code, wasClean } = await closed;
    deepEqual([code, wasClean], [1006, false]);
  },
};

export const aSocketNeedsARequestThatAsksForIt = {
  async test(_, env) {
    const e = entry(env, ECHO);
    const error = await rejects(e.fetch("http://x/"), { name: "TypeError", message: 'did not contain the header "Upgrade: websocket"' });
    equal(error.remote, true);
    equal((await e.fetch("http://x/", { method: "POST", headers: { upgrade: "WebSocket" } })).status, 101);
    await rejects(e.fetch("ws://x/", UPGRADE), { name: "TypeError", message: "Fetch API cannot load: ws://x/" });
    const plain = await entry(env, "export default { fetch() { return new Response('plain'); } };").fetch("http://x/", UPGRADE);
    deepEqual([plain.status, plain.webSocket, await plain.text()], [200, null, "plain"]);
  },
};

export const aParentCanHandOnItsChildsSocket = {
  async test(_, env, ctx) {
    const { webSocket: socket } = await ctx.exports.Forwarder.fetch("http://x/greet", UPGRADE);
    const got = messages(socket, 2);
    const closed = next(socket, "close");
    socket.accept();
    socket.send("one");
    deepEqual(await got, ["hello", "echo one"]);
    socket.send("bye");
    equal((await closed).code, 4000);
  },
};

export class Forwarder extends WorkerEntrypoint {
  fetch(request) {
    return entry(this.env, ECHO).fetch(request);
  }
}

// Dialling out -------------------------------------------------------------------------------------------

const DIALS = `export default {
  async dial(url, env, ctx) {
    const log = [];
    let socket;
    try { socket = new WebSocket(url, url.includes("proto") ? ["p1", "p2"] : []); } catch (error) { return [error.name, error.message]; }
    log.push(socket.readyState, socket.url);
    await new Promise((resolve) => {
      socket.addEventListener("open", () => { log.push("open", socket.readyState, socket.protocol || "none"); socket.send("hi"); });
      socket.addEventListener("message", ({ data }) => { log.push(data); if (data.startsWith("out:")) socket.close(4000, "bye"); });
      socket.addEventListener("error", ({ message, error }) => { if (socket.readyState === 3 && error && !log.includes("close")) log.push("error " + message.slice(0, 40)); });
      socket.addEventListener("close", ({ code, wasClean }) => { log.push("close", code, wasClean, socket.readyState); resolve(); });
    });
    return log.filter((entry) => !String(entry).includes("Network connection lost"));
  },
  async ask(url) { const { status, webSocket } = await fetch(url, { headers: { Upgrade: "websocket" } }); return [status, webSocket !== null]; },
};`;

export const anInterceptorAnswersNewWebSocket = {
  async test(_, env, ctx) {
    const e = entry(env, DIALS, { globalOutbound: ctx.exports.Out({ props: { tenant: "t1" } }) });
    deepEqual([...(await e.dial("ws://h:81/proto?q"))], [
      0, "ws://h:81/proto?q", "open", 1, "p2", "GET http://h:81/proto?q websocket t1", "out:hi", "close", 4000, true, 3,
    ]);
    equal((await e.dial("wss://h/s"))[5], "GET https://h/s websocket t1");
  },
};

export const anInterceptorMayRefuseAWebSocket = {
  async test(_, env, ctx) {
    const e = entry(env, DIALS, { globalOutbound: ctx.exports.Out({ props: {} }) });
    deepEqual([...(await e.dial("ws://h/refuse"))], [0, "ws://h/refuse", "error Uncaught TypeError: Failed to establish ", "close", 1006, false, 3]);
    deepEqual([...(await e.ask("http://h/x"))], [101, true]);
    deepEqual([...(await e.ask("https://h/refuse"))], [403, false]);
  },
};

export const noOutboundMeansNoWebSocket = {
  async test(_, env) {
    const e = entry(env, DIALS);
    const [name, message] = await e.dial("ws://h/");
    equal(name, "Error");
    includes(message, "This worker is not permitted to access the internet via global functions like fetch().");
    await rejects(e.ask("http://h/"), { name: "Error", message: "not permitted to access the internet" });
  },
};

export const urlsOfWebSocketsAreChecked = {
  test() {
    for (const url of ["nonsense", "/rel", "ftp://h/", "http://h/", "ws://h/#f", "ws://h/#"]) throws(() => new WebSocket(url), { name: "SyntaxError", message: "The url" });
    throws(() => new WebSocket("ws://h/", "a b"), { name: "SyntaxError", message: "protocol" });
    throws(() => new WebSocket("ws://h/", ["a", "a"]), { name: "SyntaxError", message: "repeating" });
    throws(() => new WebSocket(), { name: "TypeError" });
  },
};
