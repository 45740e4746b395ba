// worker-loader.md §2.3, §4.2, §5.3, §10.1 and §11 items 49-52, 97, 98, 120: requests, responses and fetch() itself.

import { WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { entry } from "./_load.js";

const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(200);

export class Service extends WorkerEntrypoint {
  async fetch(request) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/seen":
        return Response.json({ method: request.method, url: request.url, redirect: request.redirect, cf: request.cf ?? null, cache: request.cache ?? null, body: await request.text() });
      case "/status": {
        const status = Number(url.searchParams.get("s"));
        return new Response([204, 205, 304].includes(status) ? null : "x", { status });
      }
      case "/text":
        return new Response("x", { statusText: url.searchParams.get("t") });
      case "/immutable":
        return Response.json([request, request.clone(), new Request(request)].map(({ headers }) => { try { headers.set("a", "b"); return "set"; } catch (e) { return e.message; } }));
      case "/cookies": {
        const headers = new Headers({ "X-A": "1" });
        headers.append("Set-Cookie", "a=1");
        headers.append("set-cookie", "b=2");
        headers.append("x-a", "2");
        return new Response(null, { headers });
      }
      case "/gzip":
      case "/br":
        return new Response(TEXT, { headers: { "content-encoding": url.pathname.slice(1) } });
      case "/gzip-stream": {
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        const encoder = new TextEncoder();
        (async () => { for (const part of ["one ", "two ", "three"]) await writer.write(encoder.encode(part)); await writer.close(); })();
        return new Response(readable, { headers: { "content-encoding": "gzip" } });
      }
      case "/forward-gzip":
        return this.ctx.exports.Service({ props: {} }).fetch("http://h/gzip");
      case "/rewrap-gzip": {
        const response = await this.ctx.exports.Service({ props: {} }).fetch("http://h/gzip");
        return new Response(response.body, response);
      }
      case "/not-gzip":
        return new Response(TEXT, { headers: { "content-encoding": "gzip" }, encodeBody: "manual" });
      case "/not-br":
        return new Response(TEXT, { headers: { "content-encoding": "br" }, encodeBody: "manual" });
      case "/other-coding":
        return new Response("plain", { headers: { "content-encoding": url.searchParams.get("c") } });
      case "/unicode":
        return new Response(null, { headers: { "x-u": "\u20ac \u00e9" }, statusText: "\u20ac" });
      case "/midway": {
        let pulls = 0;
        return new Response(new ReadableStream({ pull(c) { if (pulls++ === 0) c.enqueue(new Uint8Array([65])); else c.error(new RangeError("midway")); } }));
      }
      case "/cf":
        return new Response(null, { cf: { a: 1 } });
    }
    return new Response(null, { status: 302, headers: { location: "/seen" } });
  }
  response() {
    return new Response("abc", { status: 404, statusText: "Nope", headers: { a: "b" }, cf: { x: 1 } });
  }
  errorResponse() {
    return Response.error();
  }
  gzipResponse() {
    return new Response(TEXT, { headers: { "content-encoding": "gzip" } });
  }
  request() {
    return new Request("http://u:p@h/x#f", { method: "POST", body: "b", headers: { a: "b" }, cf: { q: 1 }, cache: "no-store" });
  }
  async describe(r) {
    r.headers.set("mutable", "yes");
    return [r.method, r.url, [...r.headers], await r.text(), r.cf ?? null, r.redirect, r.cache ?? null];
  }
}

const service = (ctx) => ctx.exports.Service({ props: {} });
const ask = (ctx, path, init) => service(ctx).fetch(`http://h${path}`, init);

// A Fetcher's fetch() ---------------------------------------------------------------------------------

export const aServiceSeesARequestOfItsOwn = {
  async test(_, env, ctx) {
    const response = await ask(ctx, "/seen#f", { method: "PUT", body: "b", cf: { a: 1 }, redirect: "follow" });
    deepEqual(await response.json(), { method: "PUT", url: "http://h/seen", redirect: "manual", cf: { a: 1 }, cache: null, body: "b" });
    deepEqual([response.url, response.redirected, response.type], ["http://h/seen", false, "default"]);
  },
};

export const aServicesRedirectIsFollowed = {
  async test(_, env, ctx) {
    const response = await ask(ctx, "/elsewhere");
    deepEqual([response.url, response.redirected, (await response.json()).url], ["http://h/seen", true, "http://h/seen"]);
    equal((await ask(ctx, "/elsewhere", { redirect: "manual" })).status, 302);
  },
};

export const aServiceIsAskedWithAbsoluteWebUrls = {
  async test(_, env, ctx) {
    for (const url of ["/seen", "seen", ""]) await rejects(service(ctx).fetch(url), { name: "TypeError", message: `Invalid URL: ${url}` });
    for (const url of ["ftp://h/seen", "foo:bar"]) await rejects(service(ctx).fetch(url), { name: "TypeError", message: `Fetch API cannot load: ${url}` });
    equal(await (await service(ctx).fetch("data:,x")).text(), "x");
  },
};

export const aStatusHasItsText = {
  async test(_, env, ctx) {
    const texts = { 200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content", 304: "Not Modified", 400: "Bad Request", 404: "Not Found", 413: "Payload Too Large", 418: "I'm a teapot", 422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable", 299: "Successful", 306: "Redirection", 499: "Client Error", 599: "Server Error" };
    for (const [status, text] of Object.entries(texts)) equal((await ask(ctx, `/status?s=${status}`)).statusText, text, status);
    equal((await ask(ctx, "/text?t=Fine")).statusText, "Fine");
    equal(new Response().statusText, "");
  },
};

export const aHeadRequestHasNoBodyInItsAnswer = {
  async test(_, env, ctx) {
    const response = await ask(ctx, "/text?t=x", { method: "HEAD" });
    deepEqual([response.body, await response.text(), response.headers.get("content-type")], [null, "", "text/plain;charset=UTF-8"]);
    equal((await ask(ctx, "/status?s=204")).body, null);
  },
};

export const cookiesAreNotJoined = {
  async test(_, env, ctx) {
    const { headers } = await ask(ctx, "/cookies");
    deepEqual([headers.getSetCookie(), headers.getAll("Set-Cookie"), headers.get("set-cookie"), headers.get("x-a")], [["a=1", "b=2"], ["a=1", "b=2"], "a=1, b=2", "1, 2"]);
    deepEqual([...headers].filter(([name]) => name === "set-cookie"), [["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
    throws(() => headers.getAll("x-a"), { name: "TypeError", message: "Set-Cookie" });
  },
};

export const headersThatArrivedCannotBeChanged = {
  async test(_, env, ctx) {
    const text = "Can't modify immutable headers.";
    deepEqual(await (await ask(ctx, "/immutable")).json(), [text, text, "set"]);
    const response = await ask(ctx, "/cookies");
    for (const change of [(h) => h.set("a", "b"), (h) => h.append("a", "b"), (h) => h.delete("a")]) throws(() => change(response.headers), { name: "TypeError", message: text });
    throws(() => response.clone().headers.set("a", "b"), { name: "TypeError", message: text });
    throws(() => Response.redirect("http://h/").headers.set("a", "b"), { name: "TypeError", message: text });
    new Response(response.body, response).headers.set("a", "b");
    new Headers(response.headers).set("a", "b");
    (await service(ctx).response()).headers.set("a", "b");
    (await fetch("data:,x")).headers.set("a", "b");
  },
};

export const headersHoldUnicode = {
  async test(_, env, ctx) {
    const response = await ask(ctx, "/unicode");
    deepEqual([response.headers.get("x-u"), response.statusText], ["\u20ac \u00e9", "\u20ac"]);
  },
};

export const aBodyThatBreaksOffBreaksWithItsReason = {
  async test(_, env, ctx) {
    await rejects((await ask(ctx, "/midway")).text(), { name: "RangeError", message: "midway" });
  },
};

export const cfOfAResponseStaysBehind = {
  async test(_, env, ctx) {
    equal((await ask(ctx, "/cf")).cf, undefined);
    deepEqual({ ...(await service(ctx).response()).cf }, { x: 1 });
  },
};

export const cfIsCopiedAsJson = {
  test() {
    const cf = { a: [1], u: undefined, f() {} };
    const request = new Request("http://h/", { cf });
    cf.a.push(2);
    deepEqual(request.cf, { a: [1] });
    ok(request.cf !== cf && request.clone().cf !== request.cf && new Request(request).cf !== request.cf);
    cf.self = cf;
    throws(() => new Request("http://h/", { cf }), { name: "TypeError" });
    for (const bad of [5, null, "x"]) throws(() => new Request("http://h/", { cf: bad }), { name: "TypeError", message: "'cf'" });
  },
};

// Content-Encoding ------------------------------------------------------------------------------------

export const anEncodedAnswerIsReadPlain = {
  async test(_, env, ctx) {
    for (const coding of ["gzip", "br"]) {
      const response = await ask(ctx, `/${coding}`);
      deepEqual([response.headers.get("content-encoding"), await response.text()], [coding, TEXT]);
      let bytes = 0;
      for await (const chunk of (await ask(ctx, `/${coding}`)).body) bytes += chunk.byteLength;
      equal(bytes, TEXT.length);
    }
  },
};

export const anEncodedStreamIsReadPlain = {
  async test(_, env, ctx) {
    equal(await (await ask(ctx, "/gzip-stream")).text(), "one two three");
  },
};

export const anEncodedAnswerCanBePassedOn = {
  async test(_, env, ctx) {
    for (const path of ["/forward-gzip", "/rewrap-gzip"]) {
      const response = await ask(ctx, path);
      deepEqual([response.headers.get("content-encoding"), await response.text()], ["gzip", TEXT], path);
    }
    equal(await (await service(ctx).gzipResponse()).text(), TEXT);
  },
};

export const anEncodedAnswerCanBeCloned = {
  async test(_, env, ctx) {
    const response = await ask(ctx, "/gzip");
    const twin = response.clone();
    deepEqual([await response.text(), await twin.text()], [TEXT, TEXT]);
  },
};

export const whatIsNotEncodedAsItSaysIsAnError = {
  async test(_, env, ctx) {
    await rejects((await ask(ctx, "/not-gzip")).text(), { name: "TypeError", message: "Gzip decompression failed." });
    await rejects((await ask(ctx, "/not-br")).text(), { name: "TypeError", message: "Brotli decompression failed." });
  },
};

export const otherCodingsAreTheProgramsAffair = {
  async test(_, env, ctx) {
    for (const coding of ["deflate", "zstd", "GZIP", "gzip,br", "identity"]) {
      const response = await ask(ctx, `/other-coding?c=${coding}`);
      deepEqual([response.headers.get("content-encoding"), await response.text()], [coding, "plain"]);
    }
  },
};

export const theCodingCanBeLeftOn = {
  async test(_, env, ctx) {
    const bytes = await (await ask(ctx, "/gzip", { encodeResponseBody: "manual" })).bytes();
    deepEqual([bytes[0], bytes[1]], [0x1f, 0x8b]);
    ok(bytes.length < TEXT.length / 10);
    throws(() => new Response("x", { encodeBody: "x" }), { name: "TypeError", message: "encodeBody" });
    throws(() => new Request("http://h/", { encodeResponseBody: "x" }), { name: "TypeError", message: "encodeResponseBody" });
  },
};

export const aBodyMadeHereIsNotEncodedForItsMaker = {
  async test() {
    equal(await new Response("plain", { headers: { "content-encoding": "gzip" } }).text(), "plain");
  },
};

// As RPC values ---------------------------------------------------------------------------------------

export const aResponseIsAnRpcValue = {
  async test(_, env, ctx) {
    const response = await service(ctx).response();
    deepEqual([response.status, response.statusText, response.headers.get("a"), response.url, response.redirected, await response.text()], [404, "Nope", "b", "", false, "abc"]);
    const failed = await service(ctx).errorResponse();
    deepEqual([failed.type, failed.status], ["error", 0]);
  },
};

export const aRequestIsAnRpcValue = {
  async test(_, env, ctx) {
    const all = ["POST", "http://u:p@h/x#f", [["a", "b"], ["content-type", "text/plain;charset=UTF-8"], ["mutable", "yes"]], "b", { q: 1 }, "follow", "no-store"];
    const init = { method: "POST", body: "b", headers: { a: "b" }, cf: { q: 1 }, cache: "no-store" };
    deepEqual(structuredClone(JSON.parse(JSON.stringify(await service(ctx).describe(new Request("http://u:p@h/x#f", init))))), all);
    const back = await service(ctx).request();
    deepEqual([back.method, back.url, back.redirect, back.cache, back.cf.q, await back.text()], ["POST", "http://u:p@h/x#f", "follow", "no-store", 1, "b"]);
    equal((await service(ctx).describe(new Request("http://h/", { redirect: "manual" })))[5], "manual");
  },
};

export const aSignalDoesNotTravel = {
  async test(_, env, ctx) {
    await rejects((async () => service(ctx).describe(new Request("http://h/", { signal: new AbortController().signal })))(), { name: "DataCloneError", message: "AbortSignal serialization is not enabled." });
  },
};

export const whatIsSentIsUsed = {
  async test(_, env, ctx) {
    const request = new Request("http://h/seen", { method: "POST", body: "b" });
    equal((await (await service(ctx).fetch(request)).json()).body, "b");
    ok(request.bodyUsed);
    await rejects(service(ctx).fetch(request), { name: "TypeError" });
  },
};

// A dynamic worker on the other side ------------------------------------------------------------------

export const aWorkersErrorIsNoResponse = {
  async test(_, env) {
    const error = await rejects(entry(env, `export default { fetch() { throw Object.assign(new TypeError("bad"), { code: 7 }); } };`).fetch("http://h/"), { name: "TypeError", message: "bad" });
    deepEqual([error.remote, error.code], [true, 7]);
    await rejects(entry(env, "export default {};").fetch("http://h/"), { message: "does not export a fetch() function" });
    await rejects(entry(env, "export default { fetch() { return 5; } };").fetch("http://h/"), { name: "TypeError" });
  },
};

export const aWorkersRedirectIsFollowedInTheWorker = {
  async test(_, env) {
    const e = entry(env, `export default { fetch(request) {
      const { pathname } = new URL(request.url);
      return pathname === "/a" ? new Response(null, { status: 302, headers: { location: "/b" } }) : Response.json([pathname, request.redirect]);
    } };`);
    const response = await e.fetch("http://h/a");
    deepEqual([await response.json(), response.url, response.redirected], [["/b", "manual"], "http://h/b", true]);
  },
};

export const aWorkersEncodedAnswerIsReadPlain = {
  async test(_, env) {
    const e = entry(env, `export default { fetch() { return new Response("x".repeat(100_000), { headers: { "content-encoding": "gzip" } }); } };`);
    const text = await (await e.fetch("http://h/")).text();
    deepEqual([text.length, text[99_999]], [100_000, "x"]);
  },
};
