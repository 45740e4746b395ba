// What hostile programs and servers try (security.md NET-02 to NET-18), from inside of a dynamic worker that has the network.
// Names: egress-names.test.mjs; single addresses, ports and servers that do not behave: the C++ tests beside src/egress.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { before, test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { http, origin } from "./_origin.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const PARENT = `
  export default { async fetch(request, env) {
    const modules = { "m.js": await request.text() };
    const globalOutbound = new URL(request.url).pathname === "/null" ? null : undefined;
    try {
      const sandbox = env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules, globalOutbound });
      return Response.json({ result: (await sandbox.getEntrypoint().run(0)) ?? null });
    } catch (error) { return Response.json({ name: error.name, message: error.message, code: error.code ?? null }); }
  } };`;

const file = wholeFile();
let allowed;   // the one server that may be reached
let forbidden; // another one on this machine
let closed;    // a server that may reach nothing private
let open;      // one that may reach \`allowed\`

before(async () => {
  allowed = await origin(file, ({ path, head, body }, socket) => {
    const url = new URL(path, "http://x");
    if (url.pathname === "/redirect") return http(Number(url.searchParams.get("s") ?? 302), { Location: url.searchParams.get("to") });
    if (url.pathname === "/slow") { socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"); return undefined; }
    return http(200, { "X-Path": path }, JSON.stringify({ head, body }));
  });
  forbidden = await origin(file, () => http(200, {}, "forbidden"));
  closed = await serve(file, project(file, PARENT, WITH_LOADER));
  open = await serve(file, project(file, PARENT, { ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${allowed.port}`] } } }));
});

/** What run(), with this body, of a fresh worker gives. */
async function run(body, { server = open, path = "/" } = {}) {
  const source = `export default { async run() { const O = "http://127.0.0.1:${allowed.port}"; const F = "http://127.0.0.1:${forbidden.port}"; ${body} } };`;
  const { text } = await ask(server, path, { method: "POST", body: source });
  return JSON.parse(text);
}

const attempt = (urls) => `
  const seen = {};
  for (const url of ${JSON.stringify(urls)}) { try { seen[url] = (await fetch(url, { redirect: "manual" })).status; } catch (e) { seen[url] = e.code ?? e.name; } }
  return seen;`;

test("no spelling of this machine or of the metadata services is reached (NET-02, NET-03, NET-05, NET-08)", options, async () => {
  const { port } = forbidden;
  const hosts = ["127.0.0.1", "127.1", "0x7f000001", "0x7f.1", "0x7f.0.0.0x1", "2130706433", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "127.255.255.254",
    "localhost", "LOCALHOST.", "foo.localhost", "a.b.LocalHost.", "127.0.0.1.", "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "%31%32%37.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0::1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "169.254.169.254", "0xa9fea9fe", "2852039166",
    "100.100.100.200", "168.63.129.16", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"];
  const before = forbidden.connections;
  for (const [host, result] of Object.entries((await run(attempt(hosts.map((host) => `http://${host}:${port}/`)), { server: closed })).result)) {
    assert.equal(result, "ERR_OUTBOUND_BLOCKED", host);
  }
  assert.equal(forbidden.connections, before);
});

test("one parser decides where a URL leads (NET-08)", options, async () => {
  const { port } = forbidden;
  const urls = [`http://allowed.example@127.0.0.1:${port}/`, `http://allowed.example\\@127.0.0.1:${port}/`, `http:\\\\127.0.0.1:${port}/`, `http://127.0.0.1:${port}#@allowed.example/`,
    `http://127.0.0.1:${port}?@allowed.example/`, `ht\ttp://127.0.\n0.1:${port}/`, `  http://127.0.0.1:${port}/`, `http:127.0.0.1:${port}/`, `http:////127.0.0.1:${port}/`];
  const before = forbidden.connections;
  const { result } = await run(attempt(urls), { server: closed });
  // The second reads as a host "allowed.example" with a path: it must not lead to this machine either.
  for (const [url, code] of Object.entries(result)) assert.match(String(code), url.includes("\\@") ? /ERR_OUTBOUND_CONNECT|ERR_OUTBOUND_BLOCKED/ : /ERR_OUTBOUND_BLOCKED/, url);
  assert.equal(forbidden.connections, before);
  const malformed = ["http://127.0.0.1:65536/", "http://127.0.0.1:-1/", "http://[::1/", "http://a b/", "http://%00/", "http://256.256.256.256/", "http://0x7f.0.0.0.1/"];
  for (const [url, code] of Object.entries((await run(attempt(malformed))).result)) assert.equal(code, "TypeError", url);
});

test("ports of other protocols are blocked, allowed address or not (NET-09)", options, async () => {
  const urls = [0, 1, 22, 25, 53, 110, 143, 2375, 3306, 5432, 6379, 9200, 11211, 27017].map((port) => `http://127.0.0.1:${port}/`);
  const any = await serve(file, project(file, PARENT, { ...WITH_LOADER, mayfly: { egress: { allow: ["loopback"] } } }));
  for (const [url, code] of Object.entries((await run(attempt(urls), { server: any })).result)) assert.equal(code, "ERR_OUTBOUND_BLOCKED", url);
});

test("every hop of a redirect is judged anew (NET-07)", options, async () => {
  const before = forbidden.connections;
  for (const status of [301, 302, 303, 307, 308]) {
    const { code } = await run(`return (await fetch(O + "/redirect?s=${status}&to=" + encodeURIComponent(F), { method: "POST", body: "b" })).text();`);
    assert.equal(code, "ERR_OUTBOUND_BLOCKED", String(status));
  }
  for (const to of ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "//127.0.0.2/", "http://0x7f.2/"]) {
    const { code } = await run(`return (await fetch(O + "/redirect?to=" + encodeURIComponent(${JSON.stringify(to)}))).text();`);
    assert.equal(code, "ERR_OUTBOUND_BLOCKED", to);
  }
  for (const to of ["file:///etc/passwd", "data:,x", "ftp://127.0.0.1/", "unix:/run/x", "gopher://127.0.0.1:6379/_x", "javascript:1"]) {
    const { name } = await run(`return (await fetch(O + "/redirect?to=" + encodeURIComponent(${JSON.stringify(to)}))).text();`);
    assert.equal(name, "TypeError", to);
  }
  assert.equal(forbidden.connections, before);
});

test("a server that redirects to itself for ever is left after twenty hops (NET-07)", options, async (t) => {
  const loop = await origin(t, () => http(302, { Location: "/again" }));
  const server = await serve(t, project(t, PARENT, { ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${loop.port}`] } } }));
  const { name, message } = await run(`return (await fetch("http://127.0.0.1:${loop.port}/")).status;`, { server });
  assert.equal(name, "TypeError");
  assert.match(message, /^Too many redirects\./);
  assert.equal(loop.requests.length, 21);
});

test("one fetch is one request on the wire, whatever its headers say (NET-10)", options, async () => {
  const before = allowed.requests.length;
  const { result } = await run(`
    const smuggled = "x\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\nHost: y";
    const seen = [];
    const tries = [
      { headers: { Host: "evil.example" } }, { headers: { "Content-Length": "0" }, method: "POST", body: "GET /smuggled HTTP/1.1\\r\\n\\r\\n" },
      { headers: { "Transfer-Encoding": "chunked, x" }, method: "POST", body: "0\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\n\\r\\n" },
      { headers: [["Content-Length", "3"], ["content-length", "30"]], method: "POST", body: "abc" },
      { headers: { Connection: "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "9", TE: "trailers", Trailer: "a", Upgrade: "h2c", "HTTP2-Settings": "x", "Proxy-Connection": "x", Expect: "100-continue" } },
      { headers: { "X-A": smuggled } }, { headers: { [smuggled]: "x" } }, { headers: { "X-A": "a\\0b" } }, { method: smuggled }, { method: "GET /smuggled HTTP/1.1" }, { method: "CONNECT" },
      { headers: { "X-A": "\\x01" } },
    ];
    for (const init of tries) { try { seen.push(JSON.parse(await (await fetch(O + "/one", init)).text()).head.split("\\r\\n")); } catch (e) { seen.push(e.name); } }
    try { await fetch(O + "/a\\r\\n\\r\\nGET /smuggled HTTP/1.1"); } catch {}
    return seen;`);
  const lines = ([request, ...fields]) => [request, ...fields.map((field) => field.toLowerCase()).sort()];
  const host = `host: 127.0.0.1:${allowed.port}`;
  const type = "content-type: text/plain;charset=utf-8";
  assert.deepEqual(lines(result[0]), ["GET /one HTTP/1.1", host]);
  assert.deepEqual(lines(result[1]), ["POST /one HTTP/1.1", "content-length: 26", type, host]);
  assert.deepEqual(lines(result[2]), ["POST /one HTTP/1.1", "content-length: 31", type, host]);
  assert.deepEqual(lines(result[3]), ["POST /one HTTP/1.1", "content-length: 3", type, host]);
  assert.deepEqual(lines(result[4]), ["GET /one HTTP/1.1", host]);
  assert.deepEqual(result.slice(5), Array(result.length - 5).fill("TypeError"));
  const paths = allowed.requests.slice(before).map(({ path }) => path);
  assert.equal(paths.length, 6, paths.join());
  assert.ok(!paths.includes("/smuggled"), paths.join());
  assert.equal(paths[5], "/aGET%20/smuggled%20HTTP/1.1");
});

test("headers without measure are refused before anything is sent (NET-10)", options, async () => {
  const before = allowed.requests.length;
  const { result } = await run(`
    const seen = [];
    for (const headers of [{ "X-A": "x".repeat(140_000) }, Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => ["x-" + i, "yyyy"]))]) {
      try { seen.push((await fetch(O + "/", { headers })).status); } catch (e) { seen.push(e.name); }
    }
    try { await fetch(O + "/" + "x".repeat(70_000)); } catch (e) { seen.push(e.name); }
    return seen;`);
  assert.deepEqual(result, ["TypeError", "TypeError", "TypeError"]);
  assert.equal(allowed.requests.length, before);
});

test("a server that stops in the middle holds nobody but its reader: an abort ends it (NET-12)", options, async () => {
  const { result } = await run(`
    const controller = new AbortController();
    const response = await fetch(O + "/slow", { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    try { return await response.text(); } catch (e) { return e.name; }`);
  assert.equal(result, "AbortError");
});

test("a null outbound reaches nothing, by no way (NET-01, NET-16)", options, async () => {
  const before = [allowed.connections, forbidden.connections];
  const { result } = await run(`
    const ways = {
      fetch: () => fetch(O + "/"), request: () => fetch(new Request(O + "/")), post: () => fetch(O + "/", { method: "POST", body: new ReadableStream() }),
      import: () => import(O + "/m.js"), WebSocket: () => new WebSocket(O.replace("http", "ws")), beacon: () => navigator.sendBeacon(O + "/"), xhr: () => new XMLHttpRequest(),
      source: async () => { const source = new EventSource(O + "/"); await new Promise((resolve, reject) => { source.onopen = resolve; source.onerror = reject; }); },
    };
    const seen = {};
    for (const [name, way] of Object.entries(ways)) { try { await way(); seen[name] = "worked"; } catch (e) { seen[name] = "failed"; } }
    return seen;`, { path: "/null" });
  for (const [way, outcome] of Object.entries(result)) assert.equal(outcome, "failed", way);
  assert.deepEqual([allowed.connections, forbidden.connections], before);
});

test("the operator's own proxies and credentials are not used for programs (NET-17)", options, async (t) => {
  let asked = 0;
  const proxy = createServer((socket) => { asked++; socket.destroy(); }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => proxy.close());
  const address = `http://user:secret@127.0.0.1:${proxy.address().port}`;
  const env = { HTTP_PROXY: address, http_proxy: address, HTTPS_PROXY: address, ALL_PROXY: address, all_proxy: address };
  const server = await serve(t, project(t, PARENT, { ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${allowed.port}`] } } }), { env });
  const { result } = await run(`return JSON.parse(await (await fetch(O + "/direct")).text()).head;`, { server });
  assert.match(result, /^GET \/direct HTTP\/1\.1/);
  assert.doesNotMatch(result, /secret|proxy/i);
  assert.equal(asked, 0);
});
