import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { global, run, runAsync, platform } = sandbox;
const { Request, Response, Headers, FormData, Blob, URLSearchParams, ReadableStream } = global;

test("a Request has defaults", () => {
  const request = new Request("http://h/p?q#f");
  same(
    [
      request.method,
      request.url,
      request.redirect,
      request.body,
      request.bodyUsed,
      request.integrity,
      request.keepalive,
      [...request.headers],
    ],
    ["GET", "http://h/p?q#f", "follow", null, false, "", false, []],
  );
  assert.ok(request.signal instanceof global.AbortSignal);
  assert.equal(request.signal, request.signal);
  assert.equal(new Request(new global.URL("http://h/x")).url, "http://h/x");
});

test("methods are checked, and put in upper case", async () => {
  same(
    ["get", "Post", "PATCH", "patch", "purge"].map((method) => new Request("http://h", { method }).method),
    ["GET", "POST", "PATCH", "PATCH", "PURGE"],
  );
  for (const method of ["CONNECT", "FOO", "TRACK", "a b", ""])
    await throws(() => new Request("http://h", { method }), "TypeError");
});

test("only absolute URLs; a user name and password stay with the Request", async () => {
  await throws(() => new Request("/relative"), "TypeError", "Invalid URL: /relative");
  assert.equal(new Request("http://user:pw@h/").url, "http://user:pw@h/");
  await throws(() => new Request(), "TypeError");
});

test("options that the platform refuses, and those it ignores", async () => {
  await throws(() => new Request("http://h", { redirect: "error" }), "TypeError", "Invalid redirect value");
  await throws(() => new Request("http://h", { cache: "default" }), "TypeError", "Unsupported cache mode: default");
  await throws(() => new Request("http://h", { integrity: "sha256-x" }), "TypeError");
  await throws(() => new Request("http://h", { signal: {} }), "TypeError");
  await throws(() => new Request("http://h", 5), "TypeError");
  assert.equal(new Request("http://h", { cache: "no-store" }).cache, "no-store");
  assert.equal(new Request("http://h", { cache: "no-cache" }).cache, "no-cache");
  new Request("http://h", {
    mode: "cors",
    credentials: "include",
    referrer: "x",
    referrerPolicy: "y",
    keepalive: true,
    priority: "high",
    duplex: "half",
    window: null,
    integrity: "",
    signal: null,
  });
  same(new Request("http://h", { cf: { a: 1 } }).cf, { a: 1 });
});

test("GET and HEAD have no body", async () => {
  await throws(() => new Request("http://h", { body: "x" }), "TypeError", "cannot have a body");
  await throws(() => new Request("http://h", { method: "HEAD", body: "" }), "TypeError");
  assert.equal(new Request("http://h", { body: null }).body, null);
});

test("each kind of body has its Content-Type", async () => {
  const kinds = [
    ["text", "text/plain;charset=UTF-8", "text"],
    [new URLSearchParams({ a: "b c" }), "application/x-www-form-urlencoded;charset=UTF-8", "a=b+c"],
    [new Blob(["b"], { type: "x/y" }), "x/y", "b"],
    [new Blob(["b"]), null, "b"],
    [new global.Uint8Array([65, 66]).subarray(1), null, "B"],
    [new global.Uint8Array([65]).buffer, null, "A"],
    [
      new ReadableStream({
        start(c) {
          c.enqueue(new global.Uint8Array([67]));
          c.close();
        },
      }),
      null,
      "C",
    ],
    [5, "text/plain;charset=UTF-8", "5"],
    [{}, "text/plain;charset=UTF-8", "[object Object]"],
    ["", "text/plain;charset=UTF-8", ""],
  ];
  for (const [body, type, text] of kinds) {
    const response = new Response(body);
    assert.equal(response.headers.get("content-type"), type);
    assert.equal(await response.text(), text);
  }
  assert.equal(new Response("x", { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
});

test("readers give text, JSON, bytes, buffer and blob", async () => {
  assert.equal(await new Response("\ufeffé").text(), "é");
  assert.equal(await new Response(new global.Uint8Array([0xef, 0xbb, 0xbf, 0xff])).text(), "\ufffd");
  same(await new Response('{"a":[1]}').json(), { a: [1] });
  const buffer = await new Response("ab").arrayBuffer();
  assert.ok(buffer instanceof global.ArrayBuffer);
  assert.equal(buffer.byteLength, 2);
  same([...(await new Response("ab").bytes())], [97, 98]);
  const blob = await new Response("ab", { headers: { "Content-Type": "X/Y" } }).blob();
  same([blob.type, blob.size], ["x/y", 2]);
  await throws(() => new Response("{").json(), "SyntaxError");
  await throws(() => new Response().json(), "SyntaxError");
  assert.equal(await new Response().text(), "");
  assert.equal((await new Response(null).arrayBuffer()).byteLength, 0);
});

test("a body is read once", async () => {
  for (const method of ["text", "json", "arrayBuffer", "bytes", "blob", "formData"]) {
    const response = new Response("1", { headers: { "content-type": "application/x-www-form-urlencoded" } });
    assert.equal(response.bodyUsed, false);
    await response.text();
    assert.equal(response.bodyUsed, true);
    await throws(() => response[method](), "TypeError", "Body has already been used");
  }
  const empty = new Response();
  await empty.text();
  assert.equal(await empty.text(), "");
  assert.equal(empty.bodyUsed, false);
});

test("readers reject on other objects, and do not throw", async () => {
  const promise = Response.prototype.text.call({});
  await throws(() => promise, "TypeError");
});

test("body is a stream that is made when asked for, and the same each time", async () => {
  const response = new Response("abc");
  const { body } = response;
  assert.equal(response.body, body);
  assert.ok(body instanceof ReadableStream);
  assert.equal(response.bodyUsed, false);
  const reader = body.getReader();
  await throws(() => response.text(), "TypeError", "locked");
  same([...(await reader.read()).value], [97, 98, 99]);
  assert.equal((await reader.read()).done, true);
  assert.equal(response.bodyUsed, true);
  const other = new Response("abc");
  void other.body;
  assert.equal(await other.text(), "abc");
  const late = new Response("abc");
  await late.text();
  assert.ok(late.body instanceof ReadableStream);
  assert.equal((await late.body.getReader().read()).done, true);
  assert.equal(new Response("").body instanceof ReadableStream, true);
  assert.equal((await new Response("").body.getReader().read()).done, true);
});

test("used and locked streams are no bodies", async () => {
  const locked = new ReadableStream();
  locked.getReader();
  await throws(() => new Response(locked), "TypeError", "locked");
  const used = ReadableStream.from([]);
  await used.cancel();
  await throws(() => new Response(used), "TypeError", "disturbed");
});

test("a stream of text chunks counts as UTF-8, other chunks fail", async () => {
  assert.equal(await new Response(ReadableStream.from(["a", "é"])).text(), "aé");
  await throws(() => new Response(ReadableStream.from([5])).text(), "TypeError", "did not return bytes");
  await throws(
    () =>
      new Response(
        new ReadableStream({
          pull() {
            throw new global.RangeError("mid");
          },
        }),
      ).text(),
    "RangeError",
    "mid",
  );
});

test("clones read the same; used bodies cannot be cloned", async () => {
  const response = new Response("abc", { status: 201, headers: { a: "1" } });
  const clone = response.clone();
  clone.headers.set("a", "2");
  (await clone.bytes())[0] = 0;
  same([await response.text(), response.headers.get("a"), clone.status], ["abc", "1", 201]);
  await throws(() => response.clone(), "TypeError");
  const streamed = new Response(ReadableStream.from([new global.Uint8Array([65])]));
  const second = streamed.clone();
  same([await streamed.text(), await second.text()], ["A", "A"]);
  const request = new Request("http://h", { method: "POST", body: "x" });
  const copy = request.clone();
  same([await request.text(), await copy.text(), copy.method], ["x", "x", "POST"]);
});

test("status and status text are checked", async () => {
  same(
    [
      new Response().status,
      new Response().ok,
      new Response("", { status: 404 }).ok,
      new Response(null, { status: 299 }).ok,
    ],
    [200, true, false, true],
  );
  for (const status of [199, 600, 0, 100, 101, 102, NaN, "x"])
    await throws(() => new Response(null, { status }), "RangeError");
  assert.equal(new Response(null, { status: "201" }).status, 201);
  await throws(() => new Response(null, { statusText: "a\nb" }), "TypeError");
  assert.equal(new Response(null, { statusText: "Ok é" }).statusText, "Ok é");
});

test("statuses without body refuse one", async () => {
  for (const status of [204, 205, 304]) {
    await throws(() => new Response("x", { status }), "TypeError", "null body status");
    assert.equal(new Response(null, { status }).body, null);
    assert.equal(new Response("", { status }).body, null);
  }
});

test("Response.json, redirect and error", async () => {
  const json = Response.json({ a: 1 }, { status: 202, headers: { x: "y" } });
  same(
    [json.status, json.headers.get("content-type"), json.headers.get("x"), await json.text()],
    [202, "application/json", "y", '{"a":1}'],
  );
  assert.equal(Response.json(1, { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
  await throws(() => Response.json(undefined), "TypeError");
  await throws(() => Response.json(1n), "TypeError");
  const redirect = Response.redirect("http://h/x y", 307);
  same([redirect.status, redirect.headers.get("location")], [307, "http://h/x%20y"]);
  assert.equal(Response.redirect("http://h").status, 302);
  await throws(() => Response.redirect("/x"), "TypeError");
  await throws(() => Response.redirect("http://h", 200), "RangeError");
  same([Response.error().type, Response.error().status, Response.error().ok], ["error", 0, false]);
});

test("a Response can be made of another's parts", async () => {
  const first = new Response("abc", { status: 203, statusText: "s", headers: { a: "1" } });
  const second = new Response(first.body, first);
  second.headers.set("b", "2");
  same(
    [second.status, second.statusText, [...second.headers], await second.text()],
    [
      203,
      "s",
      [
        ["a", "1"],
        ["b", "2"],
        ["content-type", "text/plain;charset=UTF-8"],
      ],
      "abc",
    ],
  );
  assert.equal(first.headers.has("b"), false);
});

test("a WebSocket needs status 101", async () => {
  const webSocket = new sandbox.global.WebSocketPair()[0];
  const response = new Response(null, { status: 101, webSocket });
  same([response.status, response.webSocket === webSocket, response.body], [101, true, null]);
  assert.equal(new Response(null, response).webSocket, webSocket);
  assert.equal(new Response().webSocket, null);
  await throws(() => new Response(null, { webSocket }), "RangeError");
  await throws(() => new Response(null, { status: 200, webSocket }), "RangeError");
  await throws(() => new Response("x", { status: 101, webSocket }), "TypeError", "null body status");
  await throws(() => new Response(null, { status: 101, webSocket: {} }), "TypeError", "WebSocket");
  await throws(() => response.clone(), "TypeError");
});

test("a Request made of a Request takes its body over", async () => {
  const first = new Request("http://h", {
    method: "POST",
    body: "x",
    headers: { a: "1" },
    redirect: "manual",
    cf: { z: 1 },
  });
  const second = new Request(first, { headers: { b: "2" } });
  same(
    [second.method, second.redirect, [...second.headers], first.bodyUsed, await second.text()],
    ["POST", "manual", [["b", "2"]], true, "x"],
  );
  await throws(() => new Request(first), "TypeError", "used body");
  assert.equal(new Request(first, { body: "new" }).bodyUsed, false);
  const third = new Request(new Request("http://h", { method: "POST", body: "x" }), { method: "PUT" });
  same([third.method, await third.text(), third.headers.get("content-type")], ["PUT", "x", "text/plain;charset=UTF-8"]);
  await throws(
    () => new Request(new Request("http://h", { method: "POST", body: "x" }), { method: "GET" }),
    "TypeError",
  );
  const controller = new global.AbortController();
  const signalled = new Request(new Request("http://h", { signal: controller.signal }));
  controller.abort();
  assert.equal(signalled.signal.aborted, true);
});

test("a form goes through multipart and back", async () => {
  const form = new FormData();
  form.append("text", "a\nb");
  form.append('na"me\r\n', "é");
  form.append("empty", "");
  form.append("file", new Blob(["\r\n--x\0\xff"], { type: "t/t" }), 'f"1.txt');
  form.append("nofile", new Blob([]), "");
  const request = new Request("http://h", { method: "POST", body: form });
  assert.match(request.headers.get("content-type"), /^multipart\/form-data; boundary=/);
  const back = await request.formData();
  same([...back.keys()], ["text", 'na"me\r\n', "empty", "file", "nofile"]);
  same([back.get("text"), back.get('na"me\r\n'), back.get("empty")], ["a\r\nb", "é", ""]);
  const file = back.get("file");
  same([file.name, file.type, await file.text()], ['f"1.txt', "t/t", "\r\n--x\0\xff"]);
  same([back.get("nofile").name, back.get("nofile").size], ["", 0]);
  assert.equal([...(await new Response(new FormData()).formData())].length, 0);
});

test("a urlencoded form is read", async () => {
  const response = new Response("a=1&b=x+y&a=%C3%A9", {
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
  });
  same(
    [...(await response.formData())],
    [
      ["a", "1"],
      ["b", "x y"],
      ["a", "é"],
    ],
  );
});

test("malformed multipart is a TypeError", async () => {
  const parse = (text, type = "multipart/form-data; boundary=b") =>
    new Response(text, { headers: { "content-type": type } }).formData();
  const part = 'Content-Disposition: form-data; name="a"';
  same([...(await parse(`--b\r\n${part}\r\n\r\nv\r\n--b--`))], [["a", "v"]]);
  same(
    [...(await parse(`preamble\r\n--b \r\n${part}\r\n\r\nv\r\n--b--`, 'multipart/form-data; boundary="b"'))],
    [["a", "v"]],
  );
  same(
    [
      ...(await parse(
        `--b\r\ncontent-disposition: form-data; name=a; x=y\r\n\r\n1\r\n--b\r\n${part}\r\nX: y\r\n\r\n2\r\n--b--\r\nepilogue`,
      )),
    ],
    [
      ["a", "1"],
      ["a", "2"],
    ],
  );
  for (const bad of [
    "",
    "--b",
    "--b\r\n",
    `--b\r\n${part}\r\n\r\nv`,
    `--b\r\n${part}\r\n\r\nv\r\n--c--`,
    "--b\r\nX: y\r\n\r\nv\r\n--b--",
    `--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nv\r\n--b--`,
    `--bx${part}`,
  ]) {
    await throws(() => parse(bad), "TypeError", "multipart/form-data");
  }
  await throws(() => parse("x", "multipart/form-data"), "TypeError", "boundary");
  await throws(() => parse("x", "text/plain"), "TypeError", "Content-Type");
  await throws(() => new Response("x").formData(), "TypeError");
});

test("at global scope bodies are refused, messages without one are not", async () => {
  sandbox.atGlobalScope = true;
  for (const code of [
    'new Response("x")',
    "Response.json(1)",
    'new Request("http://h", { method: "POST", body: "x" })',
  ])
    await throws(() => run(code), "Error", "Disallowed operation");
  run(
    'new Response(); new Response(null, { status: 204 }); new Request("http://h"); new Headers({ a: "b" }); new Blob(["x"]); Response.redirect("http://h")',
  );
  sandbox.atGlobalScope = false;
});

test("subclasses work", async () => {
  same(
    await runAsync(
      `class My extends Response { get twice() { return this.text().then((t) => t + t) } } const m = new My("ab"); return [await m.twice, m instanceof Response]`,
    ),
    ["abab", true],
  );
});

test("brand checks see through prototypes", () => {
  assert.equal(platform.isRequest(new Request("http://h")), true);
  assert.equal(platform.isRequest(Object.create(Request.prototype)), false);
  assert.equal(platform.isResponse(Object.setPrototypeOf(new Response(), null)), true);
  assert.equal(platform.isHeaders(new Headers()), true);
  assert.equal(platform.isHeaders(null), false);
});

test("nobody sees what another does to the bytes of a shared body", async () => {
  const response = new Response(new global.Uint8Array([1, 2]));
  const clone = response.clone();
  (await clone.bytes())[0] = 9;
  same([...(await response.bytes())], [1, 2]);
  const first = new Response(new global.Uint8Array([1, 2]));
  const second = first.clone();
  (await first.bytes())[0] = 9;
  same([...(await second.bytes())], [1, 2]);
  const blob = new Blob([new global.Uint8Array([1, 2])]);
  (await new Response(blob).bytes())[0] = 9;
  new global.Uint8Array(await new Response(blob).arrayBuffer())[0] = 9;
  for await (const chunk of new Response(blob).body) chunk[0] = 9;
  same([...(await blob.bytes())], [1, 2]);
  const source = new global.Uint8Array([1, 2]);
  const copied = new Response(source);
  source[0] = 9;
  same([...(await copied.bytes())], [1, 2]);
});
