import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, throws } from "./harness.mjs";

const { global, run, platform } = createSandbox();
const { Headers } = global;

test("Headers reads objects, sequences and Headers", async () => {
  same(
    [...new Headers({ B: "2", a: 1 })],
    [
      ["a", "1"],
      ["b", "2"],
    ],
  );
  same(
    [
      ...new Headers([
        ["x", "1"],
        ["X", "2"],
      ]),
    ],
    [["x", "1, 2"]],
  );
  same([...new Headers(new Headers({ a: "1" }))], [["a", "1"]]);
  same([...run("new Headers(new Map([['m', 'n']]))")], [["m", "n"]]);
  same([...new Headers(undefined)], []);
  for (const bad of [null, 5, "text", [["a"]], [["a", "b", "c"]], [5]])
    await throws(() => new Headers(bad), "TypeError");
});

test("names compare without case; values are trimmed and combined", () => {
  const headers = new Headers();
  headers.append("Accept", "  a \t");
  headers.append("ACCEPT", "b");
  assert.equal(headers.get("accept"), "a, b");
  headers.set("aCCept", "c");
  assert.equal(headers.get("accept"), "c");
  assert.equal(headers.has("ACCEPT"), true);
  headers.delete("Accept");
  assert.equal(headers.get("accept"), null);
  assert.equal(headers.has("accept"), false);
  headers.set("empty", "");
  assert.equal(headers.get("empty"), "");
});

test("malformed names and values are refused", async () => {
  for (const name of ["", "a b", "a:b", "é", "a\n", "a\0", "(", "\u0100"])
    await throws(() => new Headers().set(name, "v"), "TypeError");
  for (const value of ["a\nb", "a\rb", "a\0b"])
    await throws(() => new Headers().set("n", value), "TypeError");
  await throws(() => run("new Headers().set('n', Symbol())"), "TypeError");
  await throws(() => new Headers().get(""), "TypeError");
  await throws(() => new Headers().append("a"), "TypeError");
  assert.equal(new Headers([["n", "€ \ud800"]]).get("n"), "€ \ufffd");
  assert.equal(new Headers([["n", "é\x80\tx"]]).get("n"), "é\x80\tx");
  assert.equal(new Headers([["n", "\r\nx\r\n"]]).get("n"), "x");
});

test("iteration is sorted, with cookies apart", () => {
  const headers = new Headers([
    ["z", "1"],
    ["Set-Cookie", "a=1"],
    ["b", "2"],
    ["set-cookie", "b=2"],
  ]);
  same(
    [...headers],
    [
      ["b", "2"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["z", "1"],
    ],
  );
  same([...headers.keys()], ["b", "set-cookie", "set-cookie", "z"]);
  same([...headers.values()], ["2", "a=1", "b=2", "1"]);
  same(headers.getSetCookie(), ["a=1", "b=2"]);
  same(headers.getAll("Set-Cookie"), ["a=1", "b=2"]);
  assert.equal(headers.get("set-cookie"), "a=1, b=2");
  headers.set("set-cookie", "c=3");
  same(headers.getSetCookie(), ["c=3"]);
  headers.delete("set-cookie");
  same(headers.getSetCookie(), []);
});

test("iteration sees changes", () => {
  const headers = new Headers({ a: "1", b: "2", c: "3" });
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    headers.delete("b");
  }
  same(seen, ["a", "c"]);
  const calls = [];
  headers.forEach(function (value, name, all) {
    calls.push([value, name, all === headers, String(this)]);
  }, "me");
  same(calls, [
    ["1", "a", true, "me"],
    ["3", "c", true, "me"],
  ]);
});

test("getAll is for Set-Cookie only", async () => {
  await throws(() => new Headers().getAll("a"), "TypeError");
});

test("on the wire, names keep their case and cookies their lines", () => {
  const headers = new Headers([
    ["X-Two", "1"],
    ["x-two", "2"],
    ["Set-Cookie", "a"],
    ["Set-Cookie", "b"],
  ]);
  same(platform.headerListOf(headers).toPairs(), [
    ["X-Two", "1"],
    ["X-Two", "2"],
    ["Set-Cookie", "a"],
    ["Set-Cookie", "b"],
  ]);
});

test("a hostile toString runs once and its error goes through", async () => {
  await throws(() => run("new Headers({ a: { toString() { throw new RangeError('t') } } })"), "RangeError");
});
