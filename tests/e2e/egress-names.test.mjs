// Names whose answers are meant to deceive (NET-01, NET-05, NET-06): asked of a name server of our own, `mayfly.egress.dns`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "./_http.mjs";
import { mayfly, serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { nameServer } from "./_dns.mjs";
import { http, origin } from "./_origin.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = `
  const CHILD = 'export default { async run(to) { try { return await (await fetch(to)).text(); } catch (e) { return e.message; } } };';
  export default { async fetch(request, env) {
    const url = new URL(request.url);
    const to = url.searchParams.get("to");
    try {
      if (url.pathname === "/blocked") {
        const modules = { "m.js": CHILD };
        const text = await env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules, globalOutbound: null }).getEntrypoint().run(to);
        return Response.json({ text });
      }
      return Response.json({ text: await (await fetch(to, { redirect: url.searchParams.get("redirect") ?? "follow" })).text() });
    } catch (error) { return Response.json({ name: error.name, message: error.message, code: error.code ?? null }); }
  } };`;

/** A server that may reach one address, and what its names stand for. */
async function setUp(t, answers, answer = () => http(200, {}, "reached")) {
  const seen = await origin(t, answer);
  const names = await nameServer(t, answers);
  const server = await serve(t, project(t, MAIN, {
    ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${seen.port}`], dns: names.address } },
  }));
  const fetch = (host, { path = "/", route = "/" } = {}) =>
    json(server, `${route}?to=${encodeURIComponent(`http://${host}:${seen.port}${path}`)}`);
  return { seen, names, server, fetch };
}

const only = (kind, ...addresses) => (_, type) => (type === kind ? addresses.map((one) => [kind, one]) : []);

test("the operator's name server is asked, and what it says is reached if it is allowed", options, async (t) => {
  const { names, seen, fetch } = await setUp(t, only("A", "127.0.0.1"));
  assert.deepEqual(await fetch("name.example"), { text: "reached" });
  assert.ok(names.asked.includes("A name.example"), names.asked.join());
  assert.match(seen.requests[0].head, new RegExp(`^Host: name\\.example:${seen.port}$`, "m"));
});

test("one forbidden address among allowed ones refuses the name", options, async (t) => {
  const { seen, fetch } = await setUp(t, only("A", "127.0.0.1", "10.0.0.1"));
  assert.equal((await fetch("both.example")).code, "ERR_OUTBOUND_BLOCKED");
  assert.equal(seen.connections, 0);
});

test("an allowed A record does not excuse a forbidden AAAA record", options, async (t) => {
  const { seen, fetch } = await setUp(t, (_, type) => (type === "A" ? [["A", "127.0.0.1"]] : [["AAAA", "0:0:0:0:0:0:0:1"]]));
  assert.equal((await fetch("mixed.example")).code, "ERR_OUTBOUND_BLOCKED");
  assert.equal(seen.connections, 0);
});

for (const [what, address] of [["mapped", "0:0:0:0:0:ffff:7f00:2"], ["NAT64", "64:ff9b:0:0:0:0:7f00:1"], ["6to4", "2002:7f00:1:0:0:0:0:0"],
  ["Teredo", "2001:0:0:0:0:0:0:1"], ["link-local", "fe80:0:0:0:0:0:0:1"], ["unique local", "fd00:ec2:0:0:0:0:0:254"]]) {
  test(`a name that stands for a ${what} IPv6 address is refused`, options, async (t) => {
    const { fetch } = await setUp(t, only("AAAA", address));
    assert.equal((await fetch("six.example")).code, "ERR_OUTBOUND_BLOCKED");
  });
}

test("an alias is judged by what it leads to", options, async (t) => {
  const { fetch } = await setUp(t, (_, type) => (type === "A" ? [["CNAME", "metadata.internal"], ["A", "169.254.169.254"]] : [["CNAME", "metadata.internal"]]));
  const error = await fetch("innocent.example");
  assert.equal(error.code, "ERR_OUTBOUND_BLOCKED");
  assert.doesNotMatch(error.message, /169\.254|metadata/);
});

test("rebinding: the address that was checked is the one that is connected to; the next connection is checked anew", options, async (t) => {
  const answer = (_, type, count) => (type !== "A" ? [] : [["A", count === 1 ? "127.0.0.1" : "127.0.0.2"]]);
  const { seen, names, fetch } = await setUp(t, answer, () => `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nfirst`);
  assert.deepEqual(await fetch("rebind.example"), { text: "first" });
  assert.equal(names.asked.filter((one) => one === "A rebind.example").length, 1, "looked up once for one connection");
  assert.equal((await fetch("rebind.example")).code, "ERR_OUTBOUND_BLOCKED");
  assert.equal(seen.requests.length, 1);
});

test("a redirect to a name is looked up and checked as any other", options, async (t) => {
  const { seen, fetch } = await setUp(t, (name, type) => (type !== "A" ? [] : [["A", name === "inside.example" ? "192.168.0.1" : "127.0.0.1"]]),
    () => http(302, { Location: "http://inside.example/" }));
  assert.equal((await fetch("outside.example")).code, "ERR_OUTBOUND_BLOCKED");
  assert.equal(seen.requests.length, 1);
});

test("without an outbound no name is looked up", options, async (t) => {
  const { names, fetch } = await setUp(t, only("A", "127.0.0.1"));
  assert.match((await fetch("secret-as-a-name.example", { route: "/blocked" })).text, /not permitted to access the internet/);
  assert.deepEqual(names.asked, []);
});

test("a name that nobody knows is an error of its own", options, async (t) => {
  const { fetch } = await setUp(t, () => null);
  const error = await fetch("nowhere.example");
  assert.equal(error.code, "ERR_OUTBOUND_CONNECT");
  assert.match(error.message, /no such host/);
});

test("a name server that is none is refused with its place", options, async (t) => {
  for (const dns of ["::1", "example.com", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1:70000"]) {
    const { status, stderr } = await mayfly(["serve", project(t, MAIN, { mayfly: { egress: { dns } } }), "--listen", "127.0.0.1:0"]);
    assert.notEqual(status, 0);
    assert.match(stderr, /config\.name-server/, dns);
    assert.match(stderr, /wrangler\.jsonc:1/);
  }
});
