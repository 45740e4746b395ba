// `mayfly serve`: configurations and programs that are wrong are named with file, line and remedy.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { ask, call } from "./_http.mjs";
import { mayfly, serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { folder, PROGRAM_RUNNER, project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = "export default { fetch: () => new Response('ok') };";
const LISTEN = ["--listen", "127.0.0.1:0"];

async function refused(root, status, ...patterns) {
  const end = await mayfly(["serve", root, ...LISTEN]);
  assert.equal(end.status, status, end.stdout + end.stderr);
  assert.equal(end.stdout, "");
  for (const pattern of patterns) assert.match(end.stderr, pattern);
  return end.stderr;
}

test("a configuration that is no JSON: line and column", options, (t) =>
  refused(folder(t, { "wrangler.jsonc": '{\n  "name": "app",\n  "main": = "main.js"\n}', "main.js": MAIN }), 2, /error\[config\.\S+\]/, /wrangler\.jsonc:3:11/));

test("an unknown key is a warning that names it, its line and a similar one", options, async (t) => {
  const server = await serve(t, folder(t, { "wrangler.jsonc": '{\n"name": "app", "main": "main.js", "compatibility_date": "2026-04-22",\n"varz": {}\n}', "main.js": MAIN }));
  const log = await server.logged(/config\.unknown-key/);
  assert.match(log, /"varz"/);
  assert.match(log, /wrangler\.jsonc:3/);
  assert.match(log, /did you mean "vars"/);
  assert.equal((await ask(server, "/")).text, "ok");
});

test("an unknown key under `mayfly` is an error", options, (t) => refused(project(t, MAIN, { mayfly: { limit: {} } }), 2, /"?mayfly\.limit"?/));
test("a key of the wrong type", options, (t) => refused(project(t, MAIN, { vars: 5 }), 2, /vars/, /wrangler\.jsonc:\d+/));
test("no `main`", options, (t) => refused(folder(t, { "wrangler.jsonc": '{"name":"app","compatibility_date":"2026-04-22"}' }), 2, /main/));
test("a `main` that is not there", options, (t) => refused(folder(t, { "wrangler.jsonc": '{"main":"gone.ts","compatibility_date":"2026-04-22"}' }), 2, /gone\.ts/, /fix|why/));
test("no configuration", options, (t) => refused(folder(t, {}), 2, /wrangler\.jsonc/));
test("a service that no worker is", options, (t) => refused(project(t, MAIN, { services: [{ binding: "A", service: "ordres" }] }), 2, /ordres/));
test("a product binding", options, (t) => refused(project(t, MAIN, { ai: { binding: "AI" } }), 2, /"ai"/));

test("a syntax error in TypeScript: file and line", options, (t) =>
  refused(project(t, "", { main: "main.ts" }, { "main.ts": "export default {\n  fetch() { return new Response(1 1); },\n};" }), 1, /main\.ts:2/));
test("a missing import: file, line and what is missing", options, (t) =>
  refused(project(t, "\nimport { x } from 'no-such-package';\nexport default { fetch: () => new Response(x) };"), 1, /main\.js:2/, /no-such-package/));
test("a throwing top level: message and stack", options, (t) =>
  refused(project(t, "throw new Error('at the top');"), 1, /at the top/, /main\.js:\d+:\d+/));
test("a missing import with no_bundle", options, (t) =>
  refused(project(t, "import './gone.js'; export default {};", { no_bundle: true }), 1, /gone\.js/));

test("a port in use: 2, with the remedy", options, async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const address = `127.0.0.1:${other.address().port}`;
  const { status, stdout, stderr } = await mayfly(["serve", project(t, MAIN), "--listen", address]);
  assert.equal(status, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^error\[serve\.port-in-use\]/);
  assert.ok(stderr.includes(address), stderr);
  assert.match(stderr, /fix/);
});

for (const address of ["nonsense", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:99999", "127.0.0.1:http", "999.1.1.1:0"]) {
  test(`--listen "${address}": 2`, options, async (t) => {
    const { status, stderr } = await mayfly(["serve", project(t, MAIN, { dev: { port: 0 } }), "--listen", address], { deadlineMs: 10_000 });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /listen/);
  });
}

test("an unknown command: 2, with a suggestion", options, async () => {
  const { status, stderr } = await mayfly(["srve"]);
  assert.equal(status, 2);
  assert.match(stderr, /mayfly serve/);
  assert.equal((await mayfly([])).status, 2);
});

test("programs that are wrong end as errors of their caller", options, async (t) => {
  const server = await serve(t, project(t, PROGRAM_RUNNER, WITH_LOADER));
  const fine = "export default class { run() { return 1; } }";
  for (const [program, pattern] of [
    ["export default {{{", /SyntaxError/], ["import './gone.js'; export default {};", /gone\.js/], ["import { nope } from 'cloudflare:workers'; export default {};", /nope/],
    ["throw new TypeError('at the top');", /at the top/], ["export const other = 1;", /./], ["await new Promise(() => {}); export default {};", /./],
    ["export { x } from 'm.js';", /./], ["import 'node:no-such-thing'; export default {};", /no-such-thing/], ["\0\uffff", /./], ["", /./],
  ]) {
    const { error } = await call(server, program, { limits: { cpuMs: 200, wallMs: 500 } });
    assert.match(`${error?.name}: ${error?.message}`, pattern, program);
    assert.deepEqual(await call(server, `import { WorkerEntrypoint } from "cloudflare:workers"; ${fine.replace("class", "class extends WorkerEntrypoint")}`), { result: 1 });
  }
});
