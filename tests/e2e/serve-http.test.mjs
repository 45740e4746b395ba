// `mayfly serve`: HTTP/1.1 as clients meet it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { once } from "node:events";
import { before, test } from "node:test";
import { ask, json, open } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile, within } from "./_mayfly.mjs";
import { project } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = `
  const routes = {
    "/": () => new Response("Hello World!"),
    "/echo": (request) => new Response(request.body, { headers: { "x-method": request.method } }),
    "/text": async (request) => new Response(await request.text()),
    "/request": (request) => Response.json({ method: request.method, url: request.url, headers: [...request.headers] }),
    "/cookies": () => { const h = new Headers(); h.append("set-cookie", "a=1; Path=/"); h.append("set-cookie", "b=2"); h.append("x-two", "1"); h.append("x-two", "2"); return new Response("c", { headers: h }); },
    "/204": () => new Response(null, { status: 204 }),
    "/304": () => new Response(null, { status: 304, headers: { etag: '"e"' } }),
    "/418": () => new Response("teapot", { status: 418, statusText: "I'm a teapot" }),
    "/throws": () => { throw new Error("secret detail of the program"); },
    "/rejects": async () => { await null; throw new TypeError("secret detail of the program"); },
    "/nothing": () => undefined,
    "/ignores": () => new Response("not read"),
    "/big": () => new Response("x".repeat(3_000_000)),
  };
  export default { async fetch(request, env, ctx) { return (routes[new URL(request.url).pathname] ?? (() => new Response("none", { status: 404 })))(request, env, ctx); } };`;

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const file = wholeFile();
let server;
before(async () => { server = await serve(file, project(file, MAIN)); });


test("hello world", options, async () => {
  const { status, text, headers } = await ask(server, "/");
  assert.equal(status, 200);
  assert.equal(text, "Hello World!");
  assert.equal(headers["content-type"], "text/plain;charset=UTF-8");
  assert.equal(headers["content-length"], "12");
});

test("two requests on one connection, one after the other", options, async (t) => {
  const connection = await open(server, t);
  connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await connection.received(/Hello World!$/);
  connection.send("GET /418 HTTP/1.1\r\nHost: h\r\n\r\n");
  assert.match(await connection.received(/teapot$/), /HTTP\/1\.1 418 I'm a teapot\r\n/);
});

test("pipelined requests are answered in order", options, async (t) => {
  const connection = await open(server, t);
  connection.send("POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nfirstGET / HTTP/1.1\r\nHost: h\r\n\r\nGET /418 HTTP/1.1\r\nHost: h\r\n\r\n");
  assert.match(await connection.received(/teapot$/), /first[^]*Hello World![^]*teapot$/);
});

test("a body of 5 MiB comes back unchanged", options, async () => {
  const body = randomBytes(5 << 20);
  const reply = await ask(server, "/echo", { method: "POST", body, headers: { "content-length": body.length } });
  assert.equal(reply.body.length, body.length);
  assert.equal(sha256(reply.body), sha256(body));
});

test("a body streams both ways: what is sent last was not there when the first came back", options, async () => {
  const outgoing = request(server.url, { path: "/echo", method: "POST", agent: false });
  outgoing.write("first;");
  const [incoming] = await once(outgoing, "response");
  incoming.setEncoding("utf8");
  assert.equal((await once(incoming, "data"))[0], "first;");
  outgoing.end("second");
  let rest = "";
  for await (const text of incoming) rest += text;
  assert.equal(rest, "second");
});

test("a chunked upload", options, async (t) => {
  const connection = await open(server, t);
  connection.send("POST /text HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n6\r\npedia \r\n0\r\n\r\n");
  await connection.received(/Wikipedia $/);
});

test("Connection: close ends the connection", options, async (t) => {
  const connection = await open(server, t);
  connection.send("GET / HTTP/1.1\r\nConnection: close\r\nHost: h\r\n\r\n");
  assert.match(await within(10_000, "the server's end of the connection", connection.closed), /Hello World!$/);
});

test("Expect: 100-continue", options, async (t) => {
  const connection = await open(server, t);
  connection.send("POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
  await connection.received(/HTTP\/1\.1 200 OK[^]*\r\n\r\nok$/);
});

test("HEAD has the headers and no body", options, async (t) => {
  const connection = await open(server, t);
  connection.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /418 HTTP/1.1\r\nHost: h\r\n\r\n");
  const text = await connection.received(/teapot$/);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(text, /content-length: 12\r\n/i);
  assert.match(text, /\r\n\r\nHTTP\/1\.1 418/);
  assert.doesNotMatch(text, /Hello/);
});

test("204 and 304 have no body and no length, and the connection goes on", options, async (t) => {
  const connection = await open(server, t);
  connection.send("GET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const [first, second, third] = (await connection.received(/World!$/)).split(/(?=HTTP\/1\.1 )/);
  assert.match(first, /^HTTP\/1\.1 204 No Content\r\n([^]*\r\n)?\r\n$/);
  assert.doesNotMatch(first, /content-length|transfer-encoding/i);
  assert.match(second, /^HTTP\/1\.1 304 Not Modified\r\n[^]*\r\n\r\n$/);
  assert.match(second, /etag: "e"/i);
  assert.match(third, /Hello World!$/);
});

test("several Set-Cookie stay several, other headers are joined", options, async () => {
  const { headers } = await ask(server, "/cookies");
  assert.deepEqual(headers["set-cookie"], ["a=1; Path=/", "b=2"]);
  assert.equal(headers["x-two"], "1, 2");
});

test("methods arrive as they are", options, async () => {
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"]) assert.equal((await json(server, "/request", { method })).method, method);
});

test("headers arrive, large ones too", options, async () => {
  const large = "v".repeat(6000);
  const { headers } = await json(server, "/request", { headers: { "X-Large": large, "x-utf8": "caf\u00e9", accept: "*/*" } });
  const map = new Map(headers);
  assert.equal(map.get("x-large"), large);
  assert.equal(map.get("accept"), "*/*");
});

test("the URL has host, path and query as sent", options, async (t) => {
  const path = "/request?a=1&a=2&b=%C3%A9%20x&c=a+b&d=%2F%3F&e=(~*)";
  const { url } = await json(server, path, { headers: { host: "shop.example:8080" } });
  assert.equal(url, new URL(path, "http://shop.example:8080").href);
  const connection = await open(server, t);
  connection.send("GET /request?raw=\u00e9 HTTP/1.1\r\nHost: h\r\n\r\n");
  assert.match(await connection.received(/\r\n\r\n/), /^HTTP\/1\.1 (200|400) /);
});

test("a body that nobody reads does no harm to the next request", options, async (t) => {
  const connection = await open(server, t);
  connection.send(`POST /ignores HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n${"x".repeat(9000)}GET / HTTP/1.1\r\nHost: h\r\n\r\n`);
  await connection.received(/not read[^]*Hello World!$/);
  const large = await open(server, t);   // the server may hang up after the answer, to be spared the rest
  large.send(`POST /ignores HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n${"x".repeat(900_000)}`);
  await large.received(/not read$/);
  assert.equal((await ask(server, "/")).text, "Hello World!");
});

test("a large answer is whole", options, async () => assert.equal((await ask(server, "/big")).body.length, 3_000_000));

for (const path of ["/throws", "/rejects"]) {
  test(`an exception in fetch (${path}): 500, the detail is the operator's alone`, options, async () => {
    const { status, text } = await ask(server, path);
    assert.equal(status, 500);
    assert.doesNotMatch(text, /secret|main\.js|\bat \S+:\d+/);
    await server.logged(/secret detail of the program/);
  });
}

test("no Response: 500", options, async () => assert.equal((await ask(server, "/nothing")).status, 500));
