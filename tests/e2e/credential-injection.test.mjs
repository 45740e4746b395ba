// examples/credential-injection: a program calls an API with a token that it never sees (NET-11).
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { ask } from "./_http.mjs";
import { REPOSITORY, serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { http, origin } from "./_origin.mjs";
import { folder } from "./_project.mjs";

const EXAMPLE = `${REPOSITORY}/examples/credential-injection`;
const TOKEN = "token-of-the-operator";
const options = { timeout: TEST_DEADLINE_MS };

const file = wholeFile();
let api;
let elsewhere; // reachable for the parent, but not what programs are for
let server;

before(async () => {
  api = await origin(file, ({ path, head, body }) => {
    if (path === "/leave") return http(302, { Location: `http://127.0.0.1:${elsewhere.port}/collect` });
    if (path === "/moved") return http(307, { Location: "/orders" });
    const authorized = new RegExp(`^authorization: Bearer ${TOKEN}$`, "im").test(head);
    return authorized ? http(200, {}, JSON.stringify({ orders: 3, body })) : http(401, {}, "{}");
  });
  elsewhere = await origin(file, () => http(200, {}, "got it"));
  const project = folder(file, {});
  cpSync(EXAMPLE, project, { recursive: true });
  // Its own configuration, with the API of this test and the leave to reach this machine.
  const config = readFileSync(join(EXAMPLE, "wrangler.jsonc"), "utf8")
    .replace("https://api.example.com", `http://127.0.0.1:${api.port}`)
    .replace(/\}\s*$/, `"mayfly": { "egress": { "allow": ["127.0.0.1:${api.port}", "127.0.0.1:${elsewhere.port}"] } } }`);
  writeFileSync(join(project, "wrangler.jsonc"), config);
  writeFileSync(join(project, ".dev.vars"), `API_TOKEN=${TOKEN}\n`);
  server = await serve(file, project);
});

/** What the answer says about a program whose run() has this body. */
async function run(body) {
  const source = `export default { async run() { const api = "http://127.0.0.1:${api.port}"; const elsewhere = "http://127.0.0.1:${elsewhere.port}"; ${body} } };`;
  const { text } = await ask(server, "/run?name=test", { method: "POST", body: source });
  assert.ok(!text.includes(TOKEN), "the token got out");
  return JSON.parse(text);
}

test("the API answers a program, for the parent adds the token", options, async () => {
  assert.deepEqual(await run(`return (await fetch(api + "/orders", { method: "POST", body: "b" })).json();`), { result: { orders: 3, body: "b" } });
  assert.match(api.requests.at(-1).head, new RegExp(`^authorization: Bearer ${TOKEN}$`, "m"));
});

test("a program's own Authorization does not take the place of the token", options, async () => {
  const { result } = await run(`return (await fetch(api + "/orders", { headers: { Authorization: "Bearer mine" } })).status;`);
  assert.equal(result, 200);
  assert.doesNotMatch(api.requests.at(-1).head, /mine/);
});

test("another origin is refused, whatever it looks like", options, async () => {
  for (const to of ['elsewhere + "/"', 'api.replace("127.0.0.1", "localhost") + "/orders"', 'api.replace("//", "//api.example.com@") .replace(/:\\d+$/, ":1") + "/"', '"https://api.example.com/"']) {
    const { error } = await run(`return (await fetch(${to})).text();`);
    assert.match(error.message, /is out of bounds/, to);
  }
  assert.equal(elsewhere.connections, 0);
});

test("a redirect within the API keeps the token, one that leaves it gets nowhere", options, async () => {
  assert.deepEqual((await run(`return (await fetch(api + "/moved")).json();`)).result, { orders: 3, body: "" });
  assert.match((await run(`return (await fetch(api + "/leave")).text();`)).error.message, /is out of bounds/);
  assert.equal(elsewhere.connections, 0);
});

test("nothing that a program can look at holds the token", options, async () => {
  const { result } = await run(`
    const seen = [];
    const look = (value, depth) => {
      if (typeof value === "string") seen.push(value);
      if (typeof value !== "object" || value === null || depth > 3) return;
      for (const key of Reflect.ownKeys(value)) { try { look(value[key], depth + 1); } catch {} }
    };
    look(globalThis, 0); look([...arguments], 0); look(this, 0);
    const response = await fetch(api + "/orders");
    look(Object.fromEntries(response.headers), 0); look(response.url, 0); seen.push(await response.text());
    try { await fetch(elsewhere); } catch (error) { seen.push(error.message, error.stack); }
    return seen.join(" ");`);
  assert.ok(result.length > 0 && !result.includes(TOKEN));
});
