// What is left of a sandbox when its call is over: nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, call } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { familyOf, isAlive, openDescriptorsOf, sandboxesOf, statOf, until } from "./_processes.mjs";
import { PROGRAM_RUNNER, project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const BLANKS = 3;
const program = (body) => `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { async run() { ${body} } }`;

const start = (t) => serve(t, project(t, PROGRAM_RUNNER, { ...WITH_LOADER, mayfly: { pool: { blank: BLANKS } } }));
const fullPool = (server) => until(`exactly ${BLANKS} blank sandboxes`, () => sandboxesOf(server.pid).length === BLANKS);

const OUTCOMES = [
  [program("return { n: 1, text: 'x'.repeat(1000) };"), {}, /"n":1/],
  [program("throw new TypeError('on purpose');"), {}, /on purpose/],
  [program("return new Promise(() => setTimeout(() => {}, 60_000));"), { wallMs: 20 }, /ERR_WALL_LIMIT/],
  ["export default {{{", {}, /SyntaxError/],
  [program("return fetch('http://127.0.0.1:1/');"), {}, /not permitted/],
  [program("return new ReadableStream({ start(c) { c.enqueue(new Uint8Array(9)); } });"), {}, /./],
  [program("console.log('said'); return null;"), {}, /null/],
  [program("for (;;);"), { cpuMs: 5 }, /ERR_CPU_LIMIT/],
  [program("throw null;"), {}, /error/],
  ["throw new Error('at the top');", {}, /at the top/],
];

test("a sandbox ends when the request that loaded it is answered", options, async (t) => {
  const server = await start(t);
  await fullPool(server);
  const blanks = sandboxesOf(server.pid).map(statOf);
  assert.deepEqual(await call(server, program("return 'fine';")), { result: "fine" });
  await until("the end of the sandbox that was used", () => !blanks.every(isAlive));
  await fullPool(server);
});

test("the client hangs up in mid-call: the sandbox ends, whether it waits or loops", options, async (t) => {
  const server = await start(t);
  for (const body of ["console.log('begun'); await scheduler.wait(60_000);", "console.log('begun'); await scheduler.wait(1); for (;;);"]) {
    await fullPool(server);
    const logged = server.output.stderr.split("begun").length;
    const leaving = new AbortController();
    const limits = encodeURIComponent(JSON.stringify({ cpuMs: 30_000, wallMs: 90_000 }));
    const gone = fetch(`${server.url}/run?limits=${limits}`, { method: "POST", body: program(body), signal: leaving.signal });
    await server.logged(new RegExp(`(begun[^]*){${logged}}`));
    leaving.abort();
    await assert.rejects(gone, { name: "AbortError" });
    await fullPool(server);
    assert.deepEqual(await call(server, program("return 'fine';")), { result: "fine" });
  }
});

test("300 calls with every kind of outcome leave no descriptor and no process", options, async (t) => {
  const server = await start(t);
  for (const [source, limits] of OUTCOMES) await call(server, source, { limits });   // what is allocated once, is
  await fullPool(server);
  const before = { descriptors: openDescriptorsOf(server.pid), processes: familyOf(server.pid).length };
  for (let round = 0; round < 30; round++) {
    await Promise.all(OUTCOMES.map(async ([source, limits, pattern]) => assert.match(JSON.stringify(await call(server, source, { limits })), pattern, source)));
  }
  await fullPool(server);
  // The connections' last descriptors close a moment after their answers.
  await until(`${before.descriptors} descriptors again`, () => openDescriptorsOf(server.pid) <= before.descriptors);
  assert.equal(familyOf(server.pid).length, before.processes);
  assert.equal((await ask(server, "/state")).status, 200);
});
