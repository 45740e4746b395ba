// `mayfly serve`: a killed zygote, a killed sandbox, a killed supervisor. One process ends; what depends on it says so; the rest goes on.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ask, call, json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { childrenOf, familyOf, isAlive, sandboxesOf, statOf, until, zygoteOf } from "./_processes.mjs";
import { PROGRAM_RUNNER, project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const program = (body) => `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { async run() { ${body} } }`;
const FINE = program("return 'fine';");
const SPIN = program("for (;;);");
const LONG = { cpuMs: 30_000, wallMs: 60_000 };

const start = (t, config = {}) => serve(t, project(t, PROGRAM_RUNNER, { ...WITH_LOADER, ...config }));

/** CPU time of a process so far, in clock ticks. */
function ticksOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}

/** The pid of a sandbox that runs an endless loop, among those that are not `known`. Blank ones use no CPU time. */
const spinningSandbox = (server, known = []) =>
  until("a sandbox that uses CPU time", () => sandboxesOf(server.pid).find((pid) => !known.includes(pid) && ticksOf(pid) >= 5));

test("the dynamic workers' zygote is killed: calls end with a code, the next load works, the parent keeps its state", options, async (t) => {
  const server = await start(t);
  assert.equal(await json(server, "/state"), 1);
  const pending = call(server, SPIN, { limits: LONG });
  await spinningSandbox(server);
  const zygote = statOf(zygoteOf(server.pid, "standard"));
  const sandboxes = childrenOf(zygote.pid).map(statOf);
  process.kill(zygote.pid, "SIGKILL");
  const { error } = await pending;
  assert.match(String(error?.code), /^ERR_SANDBOX_/, JSON.stringify(error));
  assert.deepEqual(await call(server, FINE), { result: "fine" });
  assert.equal(await json(server, "/state"), 2);
  await until("the end of the dead zygote's sandboxes", () => !sandboxes.some((stat) => stat && isAlive(stat)));
  assert.notEqual(zygoteOf(server.pid, "standard"), zygote.pid);
  assert.match(server.output.stderr, /zygote/);
  assert.equal((await server.end()).status, 0);
});

test("the dynamic workers' zygote is killed again and again: there is always a next one", options, async (t) => {
  const server = await start(t);
  assert.deepEqual(await call(server, FINE), { result: "fine" });
  for (let round = 0; round < 3; round++) {
    process.kill(await until("a zygote", () => zygoteOf(server.pid, "standard")), "SIGKILL");
    // A load may still get a sandbox of the dying generation, and is then told to try again; nothing worse.
    const answer = await until("an answer of the next generation", async () => {
      const { result, error } = await call(server, FINE);
      if (error) assert.equal(error.code, "ERR_SANDBOX_RETIRED", JSON.stringify(error));
      return result;
    });
    assert.equal(answer, "fine");
  }
});

test("the dynamic workers' zygote is killed as soon as `listening on` is printed: later loads work", options, async (t) => {
  const server = await start(t);
  process.kill(await until("a zygote", () => zygoteOf(server.pid, "standard")), "SIGKILL");
  await until("an answer", async () => (await call(server, FINE)).result);
});

test("the parents' zygote is killed: the same port serves again", options, async (t) => {
  const server = await start(t);
  assert.equal(await json(server, "/state"), 1);
  const zygote = zygoteOf(server.pid, "parents");
  const parent = statOf(childrenOf(zygote)[0]);
  process.kill(zygote, "SIGKILL");
  await until("the end of the parent worker", () => !isAlive(parent));
  // The listening socket is the supervisor's: a client may have to wait, but is not refused.
  assert.equal(await json(server, "/state"), 1, "a new process has new globals");
  assert.deepEqual(await call(server, FINE), { result: "fine" });
  assert.equal((await server.end()).status, 0);
});

test("the parent worker is killed: the same port serves again", options, async (t) => {
  const server = await start(t);
  const [parent] = childrenOf(zygoteOf(server.pid, "parents"));
  process.kill(parent, "SIGKILL");
  await server.logged(/ended and is started anew/);
  assert.deepEqual(await call(server, FINE), { result: "fine" });
});

test("a sandbox is killed in mid-call: its caller gets a code, another call goes on", options, async (t) => {
  const server = await start(t);
  const patient = call(server, program("await scheduler.wait(1500); return 'patient';"), { limits: LONG });
  const victim = call(server, SPIN, { limits: LONG });
  process.kill(await spinningSandbox(server), "SIGKILL");
  const { error } = await victim;
  assert.equal(error?.code, "ERR_SANDBOX_CRASHED", JSON.stringify(error));
  assert.deepEqual(await patient, { result: "patient" });
  assert.deepEqual(await call(server, FINE), { result: "fine" });
});

test("blank sandboxes are killed: they are replaced", options, async (t) => {
  const server = await start(t, { mayfly: { pool: { blank: 3 } } });
  const blanks = await until("three blank sandboxes", () => { const pids = sandboxesOf(server.pid); return pids.length === 3 && pids; });
  for (const pid of blanks) process.kill(pid, "SIGKILL");
  await until("three new ones", () => { const pids = sandboxesOf(server.pid); return pids.length === 3 && !pids.some((pid) => blanks.includes(pid)); });
  assert.deepEqual(await call(server, FINE), { result: "fine" });
});

test("SIGTERM: calls in flight get their answers, new connections none, then everything is gone; 0", options, async (t) => {
  const server = await start(t);
  const inFlight = [1, 2, 3].map((n) => call(server, program(`console.log('begun ${n}'); await scheduler.wait(700); return ${n};`)));
  for (const n of [1, 2, 3]) await server.logged(new RegExp(`begun ${n}`));
  const family = familyOf(server.pid);
  server.child.kill("SIGTERM");
  assert.deepEqual(await Promise.all(inFlight), [{ result: 1 }, { result: 2 }, { result: 3 }]);
  const { status, signal } = await server.end();
  assert.deepEqual([status, signal], [0, null]);
  await until("the end of every process", () => !family.some(isAlive));
  await assert.rejects(ask(server, "/state"), { code: "ECONNREFUSED" });
});

test("SIGTERM: what does not end within --drain-seconds is ended; 0", options, async (t) => {
  const server = await serve(t, project(t, PROGRAM_RUNNER, WITH_LOADER), { args: ["--listen", "127.0.0.1:0", "--drain-seconds", "1"] });
  const stuck = call(server, SPIN, { limits: LONG }).catch((error) => error);
  await spinningSandbox(server);
  const family = familyOf(server.pid);
  assert.equal((await server.end()).status, 0);
  await stuck;
  await until("the end of every process", () => !family.some(isAlive));
});

test("SIGINT ends it too; 0", options, async (t) => {
  const server = await start(t);
  const family = familyOf(server.pid);
  assert.equal((await server.end("SIGINT")).status, 0);
  await until("the end of every process", () => !family.some(isAlive));
});

test("SIGKILL of the supervisor: no zygote and no sandbox survives, not even a busy one", options, async (t) => {
  const server = await start(t);
  call(server, SPIN, { limits: LONG }).catch(() => {});
  await spinningSandbox(server);
  const family = familyOf(server.pid);
  assert.ok(family.length > 4, String(family.length));
  await server.end("SIGKILL");
  await until("the end of every process", () => !family.some(isAlive));
});
