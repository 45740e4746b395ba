import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, settle, throws } from "./harness.mjs";

/** A sandbox whose network answers from a table of handlers. */
function network(respond) {
  const sandbox = createSandbox();
  sandbox.respond = respond ?? sandbox.respond;
  return sandbox;
}
const reply = (status, headers = [], body = null) => ({ status, statusText: "", headers, body });
const bytes = (sandbox, text) => new sandbox.global.TextEncoder().encode(text);
const to = (location, status = 302) => reply(status, [["Location", location]]);

test("fetch sends a request and gives a response", async () => {
  const sandbox = network(() => ({
    status: 201,
    statusText: "Made",
    headers: [
      ["X-A", "1"],
      ["x-a", "2"],
      ["Set-Cookie", "a"],
      ["set-cookie", "b"],
    ],
    body: bytes(sandbox, '{"ok":true}'),
  }));
  const response = await sandbox.global.fetch("http://h:80/p?q#frag", {
    method: "post",
    headers: { "X-My": "v" },
    body: "hé",
  });
  const [sent] = sandbox.sent;
  same(
    [sent.method, sent.url, sent.headers, [...sent.body]],
    [
      "POST",
      "http://h/p?q",
      [
        ["X-My", "v"],
        ["Content-Type", "text/plain;charset=UTF-8"],
        ["Content-Length", "3"],
      ],
      [104, 195, 169],
    ],
  );
  same(
    [
      response.status,
      response.statusText,
      response.headers.get("x-a"),
      response.headers.getSetCookie(),
      response.url,
      response.redirected,
      response.type,
      response.ok,
    ],
    [201, "Made", "1, 2", ["a", "b"], "http://h/p?q", false, "default", true],
  );
  same(await response.json(), { ok: true });
});

test("a whole body never becomes a stream", async () => {
  const sandbox = network(() => reply(200, [], bytes(sandbox, "x")));
  sandbox.global.ReadableStream.prototype.getReader = () => assert.fail("made a stream");
  const response = await sandbox.global.fetch("http://h/", {
    method: "POST",
    body: new sandbox.global.Uint8Array(65_536),
  });
  assert.equal(sandbox.sent[0].body.byteLength, 65_536);
  assert.equal(sandbox.exported.length, 0);
  assert.equal(await response.text(), "x");
});

test("a long or streamed body leaves through the transport, with its length if known", async () => {
  const sandbox = network();
  const { global } = sandbox;
  const post = (body) => global.fetch("http://h/", { method: "POST", body });
  await post("a".repeat(65_537));
  await post(new global.ReadableStream());
  const fixed = new global.FixedLengthStream(12);
  await post(fixed.readable);
  same(
    sandbox.sent.map((r) => r.body.length),
    [65_537, -1, 12],
  );
  const [{ source }] = sandbox.sent.map((r) => r.body);
  const chunk = await source.stream.getReader().read();
  assert.equal(chunk.value.byteLength, 65_537);
});

test("a streamed response is read through the transport", async () => {
  const sandbox = network(() =>
    reply(200, [], {
      source: { stream: sandbox.global.ReadableStream.from([bytes(sandbox, "ab"), bytes(sandbox, "c")]) },
      length: 3,
    }),
  );
  assert.equal(await (await sandbox.global.fetch("http://h/")).text(), "abc");
  const response = await sandbox.global.fetch("http://h/");
  const got = [];
  for await (const chunk of response.body) got.push(...chunk);
  same(got, [97, 98, 99]);
});

test("a response that is passed on unread keeps its source", () => {
  const sandbox = network();
  const source = { stream: null };
  const response = sandbox.platform.responseFromWire(reply(200, [["A", "b"]], { source, length: 9 }));
  const wire = sandbox.platform.wireResponse(response);
  assert.equal(wire.body.source, source);
  assert.equal(wire.body.length, 9);
  assert.equal(response.bodyUsed, true);
  assert.throws(() => sandbox.platform.wireResponse(response), { name: "TypeError" });
});

test("what cannot be fetched is a rejection, never a throw", async () => {
  const sandbox = network();
  const { fetch } = sandbox.global;
  const cases = [
    ["/x", undefined, "Invalid URL: /x"],
    ["ftp://h/", undefined, "Fetch API cannot load: ftp://h/"],
    ["blob:x", undefined, "Fetch API cannot load"],
    ["http://h", { redirect: "error" }, "Invalid redirect value"],
    ["http://h", { cache: "reload" }, "Unsupported cache mode: reload"],
    ["http://h", { integrity: "x" }, "integrity"],
    ["http://h", { method: "CONNECT" }, "CONNECT"],
  ];
  for (const [input, init, message] of cases) {
    const promise = fetch(input, init);
    assert.ok(promise instanceof sandbox.global.Promise);
    await throws(() => promise, "TypeError", message);
  }
  await throws(() => fetch(), "TypeError");
  assert.equal(sandbox.sent.length, 0);
});

test("a target that refuses rejects the fetch with its error", async () => {
  const sandbox = network();
  sandbox.target = {
    send: async () => {
      throw new sandbox.global.Error("This worker is not permitted to access the internet");
    },
  };
  await throws(() => sandbox.global.fetch("http://h/"), "Error", "not permitted");
  assert.equal(await (await sandbox.global.fetch("data:,x")).text(), "x");
});

test("at global scope fetch rejects", async () => {
  const sandbox = network();
  sandbox.atGlobalScope = true;
  const promise = sandbox.global.fetch("http://h/");
  await throws(() => promise, "Error", "Disallowed operation called within global scope");
});

test("data: URLs are decoded here", async () => {
  const { fetch } = network().global;
  const load = async (url) => {
    const r = await fetch(url);
    same([r.statusText, r.url, r.type], ["OK", "", "default"]);
    return [r.headers.get("content-type"), await r.text(), r.status];
  };
  same(await load("data:,a%20b"), ["text/plain;charset=US-ASCII", "a b", 200]);
  same(await load("data:text/html;charset=utf-8,%C3%A9#x"), ["text/html;charset=utf-8", "é", 200]);
  same(await load("data:text/plain;base64,aGk="), ["text/plain", "hi", 200]);
  same(await load("data:;charset=x;BASE64,aG%6b"), ["text/plain;charset=x", "hi", 200]);
  same(await load("data:nonsense,x"), ["text/plain;charset=US-ASCII", "x", 200]);
  await throws(() => fetch("data:no-comma"), "TypeError", "Fetch API cannot load");
  same(await load("data:;base64,%"), ["text/plain;charset=US-ASCII", "", 200]);
  assert.equal(await (await fetch("data:,x", { method: "POST" })).text(), "");
});

test("redirects are followed, and the response says so", async () => {
  const sandbox = network(({ url }) =>
    url === "http://h/a" ? to("/b?x") : url === "http://h/b?x" ? to("https://i/c#new", 301) : reply(200),
  );
  const response = await sandbox.global.fetch("http://h/a#frag");
  same([response.url, response.redirected, response.status], ["https://i/c", true, 200]);
  same(
    sandbox.sent.map((r) => r.url),
    ["http://h/a", "http://h/b?x", "https://i/c"],
  );
});

test("manual redirects are handed to the program", async () => {
  const sandbox = network(() => to("/b", 307));
  const response = await sandbox.global.fetch("http://h/a", { redirect: "manual" });
  same(
    [response.status, response.headers.get("location"), response.redirected, sandbox.sent.length],
    [307, "/b", false, 1],
  );
  const { Request } = sandbox.global;
  assert.equal((await sandbox.global.fetch(new Request("http://h/", { redirect: "manual" }))).status, 307);
});

test("a redirect without Location is an answer", async () => {
  const sandbox = network(() => reply(302));
  assert.equal((await sandbox.global.fetch("http://h/")).status, 302);
  const multiple = network(() => to("/x", 300));
  assert.equal((await multiple.global.fetch("http://h/")).status, 300);
});

test("twenty redirects are followed, not more", async () => {
  const twenty = network((_, n) => (n <= 20 ? to(`/${n}`) : reply(200)));
  assert.equal((await twenty.global.fetch("http://h/")).url, "http://h/20");
  const endless = network((_, n) => to(`/${n}`));
  await throws(() => endless.global.fetch("http://h/"), "TypeError", "Too many redirects.");
  assert.equal(endless.sent.length, 21);
});

test("the method changes as the standard says; headers stay", async () => {
  for (const [status, method, expected] of [
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [307, "POST", "POST"],
    [308, "PUT", "PUT"],
  ]) {
    const sandbox = network((_, n) => (n === 1 ? to("/b", status) : reply(200)));
    const body = method === "HEAD" ? undefined : "text";
    await sandbox.global.fetch("http://h/", { method, body, headers: { "Content-Language": "x", "X-Keep": "k" } });
    const [, second] = sandbox.sent;
    assert.equal(second.method, expected, `${status} ${method}`);
    const names = second.headers.map(([name]) => name);
    assert.ok(names.includes("X-Keep"));
    const rewritten = expected === "GET";
    assert.equal(names.includes("Content-Type"), body !== undefined);
    assert.equal(names.includes("Content-Length"), !rewritten && body !== undefined);
    assert.ok(names.includes("Content-Language"));
    same(second.body && [...second.body].length, rewritten || body === undefined ? null : 4);
  }
});

test("a streamed body cannot be sent twice", async () => {
  const sandbox = network((_, n) => (n === 1 ? to("/b", 307) : reply(200)));
  await throws(
    () => sandbox.global.fetch("http://h/", { method: "POST", body: new sandbox.global.ReadableStream() }),
    "TypeError",
    "one-time-use body",
  );
  const other = network((_, n) => (n === 1 ? to("/b", 303) : reply(200)));
  assert.equal(
    (await other.global.fetch("http://h/", { method: "POST", body: new other.global.ReadableStream() })).status,
    200,
  );
});

test("an Authorization header stays with its origin", async () => {
  const headers = { Authorization: "secret", Cookie: "c", "X-Other": "o" };
  const names = (request) => request.headers.map(([name]) => name);
  const same1 = network((_, n) => (n === 1 ? to("http://h/b") : reply(200)));
  await same1.global.fetch("http://h/", { headers });
  same(names(same1.sent[1]), ["Authorization", "Cookie", "X-Other"]);
  for (const location of ["http://evil/", "https://h/", "http://h:81/"]) {
    const cross = network((_, n) => (n === 1 ? to(location) : reply(200)));
    await cross.global.fetch("http://h/", { headers });
    same(names(cross.sent[0]), ["Authorization", "Cookie", "X-Other"]);
    same(names(cross.sent[1]), ["Cookie", "X-Other"]);
  }
});

test("redirects to other schemes or nonsense fail", async () => {
  for (const location of ["ftp://h/", "data:,x", "javascript:1", "http://"]) {
    const sandbox = network(() => to(location));
    await throws(() => sandbox.global.fetch("http://h/"), "TypeError");
    assert.equal(sandbox.sent.length, 1);
  }
});

test("the bodies of redirects are let go", async () => {
  const source = {};
  const sandbox = network((_, n) => (n === 1 ? { ...to("/b"), body: { source, length: -1 } } : reply(200)));
  await sandbox.global.fetch("http://h/");
  assert.equal(sandbox.dropped[0], source);
});

test("an aborted signal ends a fetch before, during and after", async () => {
  const sandbox = network();
  const { fetch, AbortController, AbortSignal } = sandbox.global;
  await assert.rejects(fetch("http://h/", { signal: AbortSignal.abort("early") }), (e) => e === "early");
  assert.equal(sandbox.sent.length, 0);

  let answer;
  sandbox.respond = () => new Promise((resolve) => (answer = resolve));
  const controller = new AbortController();
  const pending = fetch("http://h/", { signal: controller.signal });
  await settle();
  assert.equal(sandbox.sent[0].signal, controller.signal);
  controller.abort();
  await throws(() => pending, "AbortError");
  const source = {};
  answer(reply(200, [], { source, length: -1 }));
  await settle();
  assert.equal(sandbox.dropped[0], source);

  let cancelled;
  const stream = new sandbox.global.ReadableStream({
    cancel(reason) {
      cancelled = reason;
    },
  });
  sandbox.respond = () => reply(200, [], { source: { stream }, length: -1 });
  const late = new AbortController();
  const response = await fetch("http://h/", { signal: late.signal });
  const reading = response.text();
  await settle();
  late.abort("late");
  await assert.rejects(reading, (e) => e === "late");
  assert.equal(cancelled, "late");
});

test("a body read to its end no longer cares about the signal", async () => {
  const sandbox = network(() =>
    reply(200, [], { source: { stream: sandbox.global.ReadableStream.from([bytes(sandbox, "done")]) }, length: -1 }),
  );
  const controller = new sandbox.global.AbortController();
  const response = await sandbox.global.fetch("http://h/", { signal: controller.signal });
  assert.equal(await response.text(), "done");
  controller.abort();
});

test("fetch(request) uses the request up", async () => {
  const sandbox = network();
  const { fetch, Request } = sandbox.global;
  const request = new Request("http://h/", { method: "POST", body: "x" });
  await fetch(request);
  assert.equal(request.bodyUsed, true);
  await throws(() => fetch(request), "TypeError");
});

test("a request that arrives has manual redirects and a readable body", async () => {
  const sandbox = network();
  const request = sandbox.platform.requestFromWire({
    method: "PUT",
    url: "http://h/p",
    headers: [["A", "b"]],
    body: bytes(sandbox, '{"n":1}'),
  });
  same(
    [request.method, request.url, request.redirect, request.headers.get("a"), request.signal.aborted],
    ["PUT", "http://h/p", "manual", "b", false],
  );
  same(await request.json(), { n: 1 });
  assert.equal(
    sandbox.platform.requestFromWire({ method: "GET", url: "http://h/", headers: [], body: null }).body,
    null,
  );
});

test("a request that arrived can be forwarded", async () => {
  const sandbox = network();
  const source = {};
  const request = sandbox.platform.requestFromWire({
    method: "PUT",
    url: "http://h/p",
    headers: [],
    body: { source, length: 4 },
  });
  await sandbox.global.fetch(request);
  assert.equal(sandbox.sent[0].body.source, source);
  assert.equal(sandbox.sent[0].body.length, 4);
});

test("Response.error() cannot be sent", () => {
  const sandbox = network();
  assert.throws(() => sandbox.platform.wireResponse(sandbox.global.Response.error()), { name: "TypeError" });
});
