// worker-loader.md §5.3, §10.1 and §11 items 97, 98, 120: Request, Response, Headers and data: URLs as a program meets them.

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";

// Request ---------------------------------------------------------------------------------------------

export const methodsAreThoseOfHttp = {
  test() {
    for (const [given, method] of [["get", "GET"], ["pOsT", "POST"], ["patch", "PATCH"], ["propfind", "PROPFIND"], ["TRACE", "TRACE"], ["purge", "PURGE"]]) equal(new Request("http://h/", { method: given }).method, method);
    for (const bad of ["FOO", "CONNECT", "a b", "", null]) throws(() => new Request("http://h/", { method: bad }), { name: "TypeError", message: `Invalid HTTP method string: ${bad}` });
    for (const method of ["GET", "HEAD"]) throws(() => new Request("http://h/", { method, body: "x" }), { name: "TypeError", message: "Request with a GET or HEAD method cannot have a body." });
    equal(new Request("http://h/", { method: "DELETE", body: "x" }).body !== null, true);
  },
};

export const optionsThatWouldDoNothingAreRefused = {
  async test() {
    for (const redirect of ["error", "x", null]) throws(() => new Request("http://h/", { redirect }), { name: "TypeError", message: "Invalid redirect value" });
    for (const cache of ["default", "reload", "force-cache", "only-if-cached", null]) throws(() => new Request("http://h/", { cache }), { name: "TypeError", message: `Unsupported cache mode: ${cache}` });
    throws(() => new Request("http://h/", { integrity: "sha256-x" }), { name: "TypeError", message: "integrity" });
    throws(() => new Request("http://h/", { signal: {} }), { name: "TypeError", message: "'signal'" });
    for (const headers of [5, "x", null]) throws(() => new Request("http://h/", { headers }), { name: "TypeError", message: "'headers'" });
    for (const init of [5, "x"]) throws(() => new Request("http://h/", init), { name: "TypeError" });
    await rejects(fetch("http://h/", { redirect: "error" }), { name: "TypeError" });
  },
};

export const optionsOfBrowsersAreIgnored = {
  test() {
    new Request("http://h/", { mode: "no-cors", credentials: "x", referrer: "y", referrerPolicy: "z", keepalive: true, priority: "high", duplex: "half", window: null, integrity: "", signal: null });
    const request = new Request("http://h/");
    deepEqual([request.redirect, request.cache, request.integrity, request.keepalive, request.signal.aborted], ["follow", undefined, "", false, false]);
  },
};

export const aRequestMadeOfAnotherTakesItsParts = {
  async test() {
    const first = new Request("http://h/#f", { method: "POST", body: "x", headers: { q: "1" }, redirect: "manual", cf: { z: 1 } });
    const second = new Request(first);
    deepEqual([second.method, second.url, second.redirect, second.headers.get("q"), second.cf.z, await second.text(), first.bodyUsed], ["POST", "http://h/#f", "manual", "1", 1, "x", true]);
    const third = new Request(new Request("http://h/", { method: "POST", body: "x", headers: { q: "1" } }), { body: "y", headers: { z: "2" } });
    deepEqual([third.method, await third.text(), [...third.headers.keys()]], ["POST", "y", ["content-type", "z"]]);
    const fourth = new Request("http://z/", new Request("http://h/", { method: "PUT", body: "x", headers: { a: "1" } }));
    deepEqual([fourth.method, fourth.url, fourth.headers.get("a"), fourth.body !== null], ["PUT", "http://z/", "1", true]);
  },
};

export const aSignalBelongsToItsRequest = {
  async test() {
    const controller = new AbortController();
    const request = new Request("http://h/", { signal: controller.signal });
    ok(request.signal === controller.signal && request.clone().signal === request.signal && new Request(request).signal === request.signal);
    ok(new Request(request, { signal: null }).signal !== request.signal);
    controller.abort();
    await rejects(fetch(request), { name: "AbortError", message: "The operation was aborted" });
    const error = await fetch("http://h/", { signal: AbortSignal.abort("a string") }).then(() => null, (e) => e);
    equal(error, "a string");
  },
};

export const whatCannotBeFetchedIsARejection = {
  async test() {
    for (const url of ["/x", "", "http://", "http://a b/", "http://h:99999/"]) await rejects(fetch(url), { name: "TypeError", message: `Invalid URL: ${url}` });
    for (const url of ["ftp://h/x", "blob:null/x", "file:///x", "about:blank", "javascript:1", "ws://h/"]) await rejects(fetch(url), { name: "TypeError", message: `Fetch API cannot load: ${url}` });
    await rejects(fetch(), { name: "TypeError", message: "parameter 1 is not of type 'Request or string'" });
    await rejects(fetch(Symbol("x")), { name: "TypeError" });
  },
};

// Response --------------------------------------------------------------------------------------------

export const statusesOfAResponseAreChecked = {
  test() {
    for (const status of [100, 101, 199, 600, -1, null, "x", 65736]) throws(() => new Response(null, { status }), { name: "RangeError", message: "in the range 200 to 599" });
    for (const [given, status] of [["404", 404], [404.9, 404], [undefined, 200]]) equal(new Response(null, { status: given }).status, status);
    for (const status of [204, 205, 304]) {
      throws(() => new Response("x", { status }), { name: "TypeError", message: "null body status" });
      equal(new Response("", { status }).body, null);
    }
    throws(() => new Response(null, { statusText: "a\nb" }), { name: "TypeError", message: "Invalid statusText" });
    throws(() => new Response(null, { headers: null }), { name: "TypeError", message: "'headers'" });
    throws(() => new Response(null, { cf: 5 }), { name: "TypeError", message: "'cf'" });
    throws(() => new Response(null, 5), { name: "TypeError" });
  },
};

export const responsesAreMadeOfOthers = {
  async test() {
    const first = new Response("abc", { status: 201, statusText: "s", headers: { a: "1" } });
    const second = new Response(first.body, first);
    deepEqual([second.status, second.statusText, second.headers.get("a"), await second.text()], [201, "s", "1", "abc"]);
    const third = new Response("abc", { status: 201 });
    const twin = third.clone();
    deepEqual([await third.text(), await twin.text(), twin.status], ["abc", "abc", 201]);
    throws(() => third.clone(), { name: "TypeError" });
  },
};

export const responsesHaveShortcuts = {
  async test() {
    const json = Response.json({ a: 1 }, { status: 404 });
    deepEqual([json.status, json.headers.get("content-type"), await json.text()], [404, "application/json", '{"a":1}']);
    equal(Response.json(1, { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
    const redirect = Response.redirect("http://h/\u00e9", 307);
    deepEqual([redirect.status, redirect.headers.get("location"), redirect.body], [307, "http://h/%C3%A9", null]);
    equal(Response.redirect("http://h/").status, 302);
    throws(() => Response.redirect("/x"), { name: "TypeError", message: "Unable to parse URL: /x" });
    throws(() => Response.redirect("http://h/", 200), { name: "RangeError", message: "200 is not a redirect status code." });
    const error = Response.error();
    deepEqual([error.type, error.status, error.ok], ["error", 0, false]);
  },
};

export const bodiesHaveTheirContentType = {
  test() {
    const typeOf = (body) => new Response(body).headers.get("content-type");
    deepEqual([typeOf("x"), typeOf(5), typeOf(new Blob(["x"], { type: "t/u" })), typeOf(new Blob(["x"])), typeOf(new URLSearchParams("a=b")), typeOf(new Uint8Array(1)), typeOf(new ReadableStream()), typeOf(null)],
      ["text/plain;charset=UTF-8", "text/plain;charset=UTF-8", "t/u", null, "application/x-www-form-urlencoded;charset=UTF-8", null, null, null]);
    includes(typeOf(new FormData()), "multipart/form-data; boundary=");
  },
};

export const bodiesAreReadOnce = {
  async test() {
    const response = new Response("x");
    equal(await response.text(), "x");
    ok(response.bodyUsed);
    await rejects(response.text(), { name: "TypeError", message: "Body has already been used." });
    const locked = new Response("x");
    locked.body.getReader();
    await rejects(locked.text(), { name: "TypeError", message: "locked to a reader" });
    const none = new Response(null);
    deepEqual([await none.text(), await none.text(), none.bodyUsed], ["", "", false]);
  },
};

export const bodiesAreReadInEveryForm = {
  async test() {
    const of = (text, type) => new Response(text, { headers: type === undefined ? {} : { "content-type": type } });
    deepEqual(await of('{"a":[1]}').json(), { a: [1] });
    await rejects(of("{").json(), { name: "SyntaxError" });
    await rejects(of("").json(), { name: "SyntaxError" });
    equal((await of("\ufeffabc").text()), "abc");
    equal((await of("abc").arrayBuffer()).byteLength, 3);
    equal((await of("abc").bytes())[0], 97);
    equal((await of("abc", "a/b").blob()).type, "a/b");
    deepEqual([...(await of("a=b&a=c", "application/x-www-form-urlencoded").formData())], [["a", "b"], ["a", "c"]]);
    await rejects(of("x").formData(), { name: "TypeError", message: "Unrecognized Content-Type header value" });
  },
};

// Headers ---------------------------------------------------------------------------------------------

export const headersCompareWithoutCase = {
  test() {
    const headers = new Headers({ b: "2", A: " 1\t" });
    headers.append("a", "3");
    headers.set("C", "4");
    headers.delete("B");
    deepEqual([[...headers], headers.get("A"), headers.has("b"), headers.get("none")], [[["a", "1, 3"], ["c", "4"]], "1, 3", false, null]);
    deepEqual([...new Headers([["x", "1"], ["X", "2"]])], [["x", "1, 2"]]);
    deepEqual([...new Headers(new Map([["x", "1"]]))], [["x", "1"]]);
  },
};

export const malformedHeadersAreRefused = {
  test() {
    for (const name of ["a b", "a:b", "a\n"]) throws(() => new Headers({ [name]: "c" }), { name: "TypeError", message: "Invalid header name." });
    for (const value of ["a\r\nb: c", "a\nb", "a\0b"]) throws(() => new Headers({ a: value }), { name: "TypeError", message: "Invalid header value." });
    for (const bad of [5, "x", null]) throws(() => new Headers(bad), { name: "TypeError", message: "constructor parameter 1 is not of type 'Headers or Sequence or object'" });
    for (const pair of [["a"], ["a", "b", "c"]]) throws(() => new Headers([pair]), { name: "TypeError" });
  },
};

// data: -----------------------------------------------------------------------------------------------

export const dataUrlsAreResponses = {
  async test() {
    const read = async (url, init) => {
      const r = await fetch(url, init);
      return [r.status, r.statusText, r.url, r.headers.get("content-type"), await r.text()];
    };
    const plain = "text/plain;charset=US-ASCII";
    deepEqual(await read("data:,a%20b%zz"), [200, "OK", "", plain, "a b%zz"]);
    deepEqual(await read("data:text/html,<p>%41#frag"), [200, "OK", "", "text/html", "<p>A"]);
    deepEqual(await read("data:text/plain;base64,aGk="), [200, "OK", "", "text/plain", "hi"]);
    deepEqual(await read("data:text/plain ;BASE64 ,aG%6b"), [200, "OK", "", "text/plain", "hi"]);
    deepEqual(await read("data:;charset=utf-8,%C3%A9"), [200, "OK", "", "text/plain;charset=utf-8", "\u00e9"]);
    deepEqual(await read("data:bogus,x"), [200, "OK", "", plain, "x"]);
    deepEqual(await read("data:;base64,***"), [200, "OK", "", plain, ""]);
    deepEqual(await read("data:,x", { method: "POST", body: "b" }), [200, "OK", "", plain, ""]);
    await rejects(fetch("data:no-comma"), { name: "TypeError", message: "Fetch API cannot load: data:no-comma" });
  },
};
