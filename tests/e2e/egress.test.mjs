// `mayfly serve`: who reaches the network. Only a parent worker, and nothing private unless the operator allows it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { before, test } from "node:test";
import { ask, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  const FETCHES = \`import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint {
    async run(url) { try { return await (await fetch(url)).text(); } catch (error) { return [error.name, error.message, error.code ?? null]; } } }\`;
  export class Interceptor extends WorkerEntrypoint {
    fetch(request) { const headers = new Headers(request.headers); headers.set("x-token", this.ctx.props.token); return fetch(new Request(request, { headers })); }
  }
  const load = (env, extra) => env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": FETCHES }, ...extra }).getEntrypoint();
  const routes = {
    "/direct": async (to) => { const response = await fetch(to); return new Response(response.body, { status: response.status, headers: { "x-from": response.headers.get("x-from") } }); },
    "/length": async (to) => Response.json({ text: (await (await fetch(to)).text()).length, buffer: (await (await fetch(to)).arrayBuffer()).byteLength }),
    "/post": (to) => fetch(to, { method: "POST", body: "a body", headers: { "x-mine": "yes" } }),
    "/null": async (to, env) => Response.json(await load(env, { globalOutbound: null }).run(to)),
    "/inherited": async (to, env) => Response.json(await load(env, {}).run(to)),
    "/intercepted": async (to, env, ctx) => Response.json(await load(env, { globalOutbound: ctx.exports.Interceptor({ props: { token: "t-1" } }) }).run(to)),
  };
  export default { async fetch(request, env, ctx) {
    const url = new URL(request.url);
    try { return await routes[url.pathname](url.searchParams.get("to"), env, ctx); } catch (error) { return Response.json({ name: error.name, message: error.message, code: error.code ?? null }, { status: 502 }); }
  } };`;

const file = wholeFile();
let origin;       // what workers try to reach
let originPort;
let release;      // lets /slow send its last part
let requests = 0;
let closed;       // a server whose operator allows nothing
let allowed;      // one whose operator allows the origin

before(async () => {
  origin = createServer((request, response) => {
    requests++;
    response.setHeader("x-from", "origin");
    if (request.url === "/slow") {
      response.write("first;");
      release = () => response.end("last");
    } else if (request.url.startsWith("/bytes/")) {
      response.end("x".repeat(Number(request.url.slice(7))));
    } else {
      let body = "";
      request.on("data", (more) => { body += more; }).on("end", () => response.end(JSON.stringify({ method: request.method, headers: request.headers, body })));
    }
  }).listen(0, "127.0.0.1");
  file.after(() => { origin.closeAllConnections(); origin.close(); });
  await once(origin, "listening");
  originPort = origin.address().port;
  closed = await serve(file, project(file, MAIN, WITH_LOADER));
  allowed = await serve(file, project(file, MAIN, { ...WITH_LOADER, mayfly: { egress: { allow: [`127.0.0.1:${originPort}`] } } }));
});

const at = (path = "/", host = "127.0.0.1") => encodeURIComponent(`http://${host}:${originPort}${path}`);

for (const host of ["127.0.0.1", "localhost", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"]) {
  test(`${host} is refused unless allowed: ERR_OUTBOUND_BLOCKED, and no address that the name stands for`, options, async () => {
    const before = requests;
    const error = await json(closed, `/direct?to=${at("/", host)}`);
    assert.equal(error.code, "ERR_OUTBOUND_BLOCKED", JSON.stringify(error));
    if (host === "localhost") assert.doesNotMatch(error.message, /127\.0\.0\.1|::1/);
    assert.equal(requests, before);
  });
}

test("the operator's log says what was refused", options, async () => {
  await json(closed, `/direct?to=${at()}`);
  await closed.logged(/egress\.not-allowed/);
});

test("what the operator allows is reached: method, headers, body", options, async () => {
  const { method, headers, body } = await json(allowed, `/post?to=${at()}`);
  assert.deepEqual([method, headers["x-mine"], body, headers.host], ["POST", "yes", "a body", `127.0.0.1:${originPort}`]);
});

test("an allowed address is one address: its neighbours stay closed", options, async () => {
  assert.equal((await json(allowed, `/direct?to=${encodeURIComponent(`http://127.0.0.2:${originPort}/`)}`)).code, "ERR_OUTBOUND_BLOCKED");
  assert.equal((await json(allowed, `/direct?to=${encodeURIComponent(`http://127.0.0.1:${allowed.port}/`)}`)).code, "ERR_OUTBOUND_BLOCKED");
});

test("an answer streams through: its first part arrives before the last is sent", options, async () => {
  const response = await fetch(`${allowed.url}/direct?to=${at("/slow")}`);
  assert.equal(response.headers.get("x-from"), "origin");
  const reader = response.body.getReader();
  assert.equal(Buffer.from((await reader.read()).value).toString(), "first;");
  release();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) rest += Buffer.from(part.value);
  assert.equal(rest, "last");
});

test("answers of known length are whole, small and large", options, async () => {
  for (const size of [0, 5, 1000, 70_000, 3_000_000]) {
    assert.deepEqual(await json(allowed, `/length?to=${at(`/bytes/${size}`)}`), { text: size, buffer: size });
  }
});

test("a dynamic worker with globalOutbound null reaches nothing, even what is allowed", options, async () => {
  const before = requests;
  const [name, message] = await json(allowed, `/null?to=${at()}`);
  assert.equal(name, "Error");
  assert.match(message, /not permitted to access the internet/);
  assert.equal(requests, before);
});

test("a dynamic worker that inherits reaches what its parent reaches, and no more", options, async () => {
  assert.match(await json(allowed, `/inherited?to=${at()}`), /"method":"GET"/);
  assert.equal((await json(closed, `/inherited?to=${at()}`))[2], "ERR_OUTBOUND_BLOCKED");
});

test("an interceptor sees every request of its worker, and adds a header that the worker never sees", options, async () => {
  const seen = JSON.parse(await json(allowed, `/intercepted?to=${at()}`));
  assert.equal(seen.headers["x-token"], "t-1");
});

test("no connection, and no such host: errors with codes, and the server lives", options, async () => {
  const unused = createServer().listen(0, "127.0.0.1");
  await once(unused, "listening");
  const { port } = unused.address();
  const server = await serve(file, project(file, MAIN, { mayfly: { egress: { allow: [`127.0.0.1:${port}`] } } }));
  await new Promise((resolve) => unused.close(resolve));
  assert.equal((await json(server, `/direct?to=${encodeURIComponent(`http://127.0.0.1:${port}/`)}`)).code, "ERR_OUTBOUND_CONNECT");
  assert.equal((await ask(server, "/direct?to=nonsense")).status, 502);
  assert.equal((await ask(server, "/direct?to=ftp%3A%2F%2Fexample.com%2F")).status, 502);
});
