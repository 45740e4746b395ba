import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, throws } from "./harness.mjs";

const { global, run } = createSandbox();
const { URL, URLSearchParams } = global;

test("a URL shows its parts", () => {
  const url = new URL("https://user:pw@Example.com:8080/a/../b?x=1#frag");
  same(
    [
      "href",
      "origin",
      "protocol",
      "username",
      "password",
      "host",
      "hostname",
      "port",
      "pathname",
      "search",
      "hash",
    ].map((k) => url[k]),
    [
      "https://user:pw@example.com:8080/b?x=1#frag",
      "https://example.com:8080",
      "https:",
      "user",
      "pw",
      "example.com:8080",
      "example.com",
      "8080",
      "/b",
      "?x=1",
      "#frag",
    ],
  );
  assert.equal(String(url), url.href);
  assert.equal(JSON.stringify({ url }), `{"url":"${url.href}"}`);
});

test("a relative URL needs a base", async () => {
  await throws(() => new URL("/x"), "TypeError", "Invalid URL: /x");
  assert.equal(new URL("/x", "http://h/y").href, "http://h/x");
  assert.equal(new URL("?q", new URL("http://h/y#z")).href, "http://h/y?q");
  await throws(() => new URL(), "TypeError", "1 argument required");
  await throws(() => run("new URL(Symbol())"), "TypeError");
  await throws(() => URL("http://h"), "TypeError");
});

test("canParse and parse do not throw", () => {
  assert.equal(URL.canParse("http://h"), true);
  assert.equal(URL.canParse("h"), false);
  assert.equal(URL.canParse("h", "http://base/"), true);
  assert.equal(URL.parse("nope"), null);
  assert.equal(URL.parse("a", "http://h/b/c").href, "http://h/b/a");
});

test("setters change one part and ignore what is invalid", () => {
  const url = new URL("http://h/p?q#f");
  url.protocol = "https";
  url.host = "x:99";
  url.pathname = "a b";
  url.search = "?s=1";
  url.hash = "";
  assert.equal(url.href, "https://x:99/a%20b?s=1");
  url.port = "99999999";
  assert.equal(url.port, "99");
  url.port = "";
  url.hostname = "y";
  url.username = "u@";
  url.password = "p:";
  assert.equal(url.href, "https://u%40:p%3A@y/a%20b?s=1");
  url.protocol = "mailto";
  assert.equal(url.protocol, "https:");
});

test("setting href replaces everything or throws", async () => {
  const url = new URL("http://h/?a=1");
  const { searchParams } = url;
  url.href = "http://i/?b=2";
  assert.equal(searchParams.get("b"), "2");
  await throws(
    () => {
      url.href = "not a url";
    },
    "TypeError",
    "Invalid URL",
  );
  assert.equal(url.href, "http://i/?b=2");
});

test("searchParams and search follow each other", () => {
  const url = new URL("http://h/?a=1&b=2");
  const { searchParams } = url;
  assert.equal(url.searchParams, searchParams);
  searchParams.append("c", "3 4");
  assert.equal(url.search, "?a=1&b=2&c=3+4");
  searchParams.delete("a");
  searchParams.set("b", "é");
  assert.equal(url.href, "http://h/?b=%C3%A9&c=3+4");
  url.search = "x=y";
  same([...searchParams], [["x", "y"]]);
  searchParams.delete("x");
  assert.equal(url.href, "http://h/");
});

test("accessors are enumerable and on the prototype, as everywhere", () => {
  assert.ok(Object.keys(URL.prototype).includes("href"));
  same(Object.keys(new URL("http://h")), []);
  assert.equal(Object.prototype.toString.call(new URL("http://h")), "[object URL]");
  assert.equal(URL.name, "URL");
});

test("a torn-off accessor refuses other objects", async () => {
  const get = Object.getOwnPropertyDescriptor(URL.prototype, "href").get;
  await throws(() => get.call({}), "TypeError");
});

test("URLSearchParams reads strings, sequences and records", () => {
  assert.equal(new URLSearchParams("?a=b&c").toString(), "a=b&c=");
  assert.equal(
    new URLSearchParams([
      ["a", 1],
      ["a", 2],
    ]).toString(),
    "a=1&a=2",
  );
  assert.equal(new URLSearchParams({ x: "1", y: null }).toString(), "x=1&y=null");
  assert.equal(new URLSearchParams(new URLSearchParams("q=1")).get("q"), "1");
  assert.equal(new URLSearchParams(new global.Map([["m", "n"]])).toString(), "m=n");
  assert.equal(new URLSearchParams().toString(), "");
  assert.equal(new URLSearchParams(undefined).toString(), "");
  assert.equal(new URLSearchParams(null).toString(), "null=");
});

test("URLSearchParams refuses malformed sequences", async () => {
  await throws(() => new URLSearchParams([["a"]]), "TypeError");
  await throws(() => new URLSearchParams([["a", "b", "c"]]), "TypeError");
  await throws(() => new URLSearchParams(["ab", 5]), "TypeError");
});

test("URLSearchParams decodes plus signs, escapes and broken escapes", () => {
  const params = new URLSearchParams("a=b+c&d=%E2%82%AC&e=%zz&f=%&g=%FF&&=x&h=1=2");
  same(
    [...params],
    [
      ["a", "b c"],
      ["d", "€"],
      ["e", "%zz"],
      ["f", "%"],
      ["g", "\ufffd"],
      ["", "x"],
      ["h", "1=2"],
    ],
  );
});

test("URLSearchParams encodes by the form rules", () => {
  assert.equal(
    new URLSearchParams([["a b", "~!'()*-._&=+%é\u{1f600}"]]).toString(),
    "a+b=%7E%21%27%28%29*-._%26%3D%2B%25%C3%A9%F0%9F%98%80",
  );
  assert.equal(new URLSearchParams([["x", "\ud800"]]).toString(), "x=%EF%BF%BD");
});

test("URLSearchParams has the methods of a multimap", () => {
  const params = new URLSearchParams("a=1&b=2&a=3");
  assert.equal(params.size, 3);
  assert.equal(params.get("a"), "1");
  assert.equal(params.get("z"), null);
  same(params.getAll("a"), ["1", "3"]);
  assert.equal(params.has("a", "3"), true);
  assert.equal(params.has("a", "4"), false);
  params.set("a", "9");
  assert.equal(params.toString(), "a=9&b=2");
  params.append("b", "5");
  params.delete("b", "2");
  assert.equal(params.toString(), "a=9&b=5");
  same([...params.keys()], ["a", "b"]);
  same([...params.values()], ["9", "5"]);
  const seen = [];
  params.forEach(function (value, name, all) {
    seen.push([this, value, name, all === params]);
  }, "self");
  assert.equal(seen.length, 2);
  assert.equal(seen[0][1], "9");
});

test("sort() is stable and by code units", () => {
  const params = new URLSearchParams("\ufffd=1&\u{1f600}=2&a=3&a=1");
  params.sort();
  same([...params.keys()], ["a", "a", "\u{1f600}", "\ufffd"]);
  same(params.getAll("a"), ["3", "1"]);
});

test("iteration is live", () => {
  const params = new URLSearchParams("a=1&b=2&c=3");
  const seen = [];
  for (const [name] of params) {
    seen.push(name);
    if (name === "a") params.delete("a");
  }
  same(seen, ["a", "c"]);
  assert.equal(Object.prototype.toString.call(params.keys()), "[object URLSearchParams Iterator]");
  assert.equal(URLSearchParams.prototype[Symbol.iterator], URLSearchParams.prototype.entries);
});

test("methods refuse too few arguments and foreign objects", async () => {
  const params = new URLSearchParams();
  await throws(() => params.append("a"), "TypeError");
  await throws(() => params.get(), "TypeError");
  await throws(() => URLSearchParams.prototype.get.call({}, "a"), "TypeError");
  await throws(() => params.forEach("x"), "TypeError");
});
