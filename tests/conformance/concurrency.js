// worker-loader.md §2.4, §1.10, §7: many workers and many calls at once, and what is left after each kind of ending.

import { deepEqual, equal, ok, rejects } from "./_assert.js";
import { entry, load, withClass } from "./_load.js";

const COUNTER = "let n = 0; export default { count() { return ++n; }, count1(x) { return [x, ++n]; } };";
const range = (n) => Array.from({ length: n }, (_, i) => i);

export const thirtyTwoWorkersAtOnce = {
  async test(_, env) {
    const answers = await Promise.all(range(32).map((i) => entry(env, `export default { run(x) { return [x, ${i}]; } };`).run(i)));
    deepEqual(answers, range(32).map((i) => [i, i]));
  },
};

export const thirtyTwoWorkersInFlightTogether = {
  async test(_, env) {
    // Nobody is answered before all have arrived.
    let arrived = 0;
    let open;
    const all = new Promise((resolve) => { open = resolve; });
    const arrive = () => { if (++arrived === 32) open(); return all; };
    const answers = await Promise.all(range(32).map((i) => withClass(env, "async run(i, arrive) { await arrive(); return i; }").run(i, arrive)));
    deepEqual(answers, range(32));
    equal(arrived, 32);
  },
};

export const aHundredCallsOfOneWorkerAtOnce = {
  async test(_, env) {
    const e = withClass(env, "async run(i) { await scheduler.wait(i % 7); return i * 2; }");
    deepEqual(await Promise.all(range(100).map((i) => e.run(i))), range(100).map((i) => i * 2));
  },
};

export const callsOfOneWorkerShareItsState = {
  async test(_, env) {
    const e = entry(env, COUNTER);
    const answers = await Promise.all(range(20).map((i) => e.count1(i)));
    deepEqual(answers, range(20).map((i) => [i, i + 1]));
  },
};

export const callsStartInTheOrderInWhichTheyWereMade = {
  async test(_, env) {
    const e = withClass(env, "async run(i) { const seen = (globalThis.seen ??= []); seen.push(i); await scheduler.wait(20 - i); return seen.join(); }");
    const answers = await Promise.all(range(10).map((i) => e.run(i)));
    equal(answers[9], range(10).join());
  },
};

export const answersComeWhenTheyAreReady = {
  async test(_, env) {
    const e = withClass(env, "async slow(gate) { await gate(); return 'slow'; } quick() { return 'quick'; }");
    let open;
    const gate = new Promise((resolve) => { open = resolve; });
    const order = [];
    const slow = e.slow(() => gate).then((x) => order.push(x));
    await e.quick().then((x) => order.push(x));
    open();
    await slow;
    deepEqual(order, ["quick", "slow"]);
  },
};

export const callsBeforeTheWorkerIsThereAreKeptInOrder = {
  async test(_, env) {
    const stub = env.LOADER.get(`order-${crypto.randomUUID()}`, async () => {
      await scheduler.wait(20);
      return { compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": COUNTER }, globalOutbound: null };
    });
    const answers = await Promise.all(range(5).map((i) => stub.getEntrypoint().count1(i)));
    deepEqual(answers, range(5).map((i) => [i, i + 1]));
  },
};

export const workersDoNotShareState = {
  async test(_, env) {
    const answers = await Promise.all(range(8).map(() => entry(env, COUNTER).count1(0)));
    deepEqual(answers, range(8).map(() => [0, 1]));
  },
};

export const entrypointsOfOneWorkerShareItsState = {
  async test(_, env) {
    const stub = load(env, `import { WorkerEntrypoint } from "cloudflare:workers";
      let n = 0; export class A extends WorkerEntrypoint { count() { return ++n; } } export class B extends WorkerEntrypoint { count() { return ++n; } }`);
    equal(await stub.getEntrypoint("A").count(), 1);
    equal(await stub.getEntrypoint("B").count(), 2);
    equal(await stub.getEntrypoint("A", { props: { x: 1 } }).count(), 3);
  },
};

export const workersCallEachOtherThroughTheParent = {
  async test(_, env) {
    const second = withClass(env, "double(x) { return 2 * x; }");
    const first = withClass(env, "async run(x, next) { return 1 + await next(x); }");
    deepEqual(await Promise.all(range(10).map((i) => first.run(i, (x) => second.double(x)))), range(10).map((i) => 1 + 2 * i));
  },
};

export const callbacksOfManyCallsDoNotMix = {
  async test(_, env) {
    const e = withClass(env, "async run(back) { let sum = 0; for (let i = 0; i < 5; i++) sum += await back(i); return sum; }");
    deepEqual(await Promise.all(range(10).map((k) => e.run((i) => k * i))), range(10).map((k) => 10 * k));
  },
};

// After each kind of ending -------------------------------------------------------------------------

const ENDINGS = `
  n() { return globalThis.n = (globalThis.n ?? 0) + 1; }
  wait(gate) { return gate(); }
  loop() { for (;;); }
  bomb() { const a = []; for (;;) a.push({ x: a.length, y: [a.length] }); }
  fail() { throw new RangeError("no"); }
  abort() { this.ctx.abort(new RangeError("enough")); return new Promise(() => {}); }
  sleep() { return scheduler.wait(100_000); }`;
const never = () => new Promise((resolve) => setTimeout(resolve, 60_000));

export const afterAThrownErrorTheWorkerGoesOn = {
  async test(_, env) {
    const e = withClass(env, ENDINGS);
    equal(await e.n(), 1);
    await rejects(e.fail(), { name: "RangeError", message: "no" });
    equal(await e.n(), 2);
  },
};

export const afterAnAbortTheWorkerGoesOn = {
  async test(_, env) {
    const e = withClass(env, ENDINGS);
    equal(await e.n(), 1);
    await rejects(e.abort(), { name: "RangeError", message: "enough" });
    equal(await e.n(), 2);
  },
};

export const anAbortEndsItsInvocationOnly = {
  async test(_, env) {
    const e = withClass(env, ENDINGS);
    let open;
    const gate = new Promise((resolve) => { open = resolve; });
    const other = e.wait(() => gate);
    await rejects(e.abort(), { message: "enough" });
    open("through");
    equal(await other, "through");
  },
};

export const afterTheCpuLimitAllCallsFailAndTheNextGetsAFreshWorker = {
  async test(_, env) {
    const e = withClass(env, ENDINGS, { limits: { cpuMs: 60 } });
    equal(await e.n(), 1);
    const pending = range(3).map(() => rejects(e.wait(never), { message: "CPU time limit" }));
    await rejects(e.loop(), { message: "CPU time limit" });
    for (const error of await Promise.all(pending)) equal(error.code, "ERR_CPU_LIMIT");
    equal(await e.n(), 1);
  },
};

export const afterTheMemoryLimitAllCallsFailAndTheNextGetsAFreshWorker = {
  async test(_, env) {
    const e = withClass(env, ENDINGS, { limits: { cpuMs: 20_000, memoryMb: 32 } });
    equal(await e.n(), 1);
    const pending = range(3).map(() => rejects(e.wait(never), { message: "memory limit" }));
    await rejects(e.bomb(), { message: "memory limit" });
    for (const error of await Promise.all(pending)) equal(error.code, "ERR_MEMORY_LIMIT");
    equal(await e.n(), 1);
  },
};

export const afterTheWallLimitTheNextCallGetsAFreshWorker = {
  async test(_, env) {
    const e = withClass(env, ENDINGS, { limits: { wallMs: 80 } });
    equal(await e.n(), 1);
    const error = await rejects(e.sleep(), { message: "Worker exceeded wall time limit." });
    equal(error.code, "ERR_WALL_LIMIT");
    equal(await e.n(), 1);
  },
};

export const aNamedWorkerIsFreshAfterItsLimitToo = {
  async test(_, env) {
    const code = { compatibilityDate: "2026-04-22", mainModule: "m.js", globalOutbound: null, limits: { cpuMs: 60 },
      modules: { "m.js": `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { ${ENDINGS} }` } };
    const id = `ends-${crypto.randomUUID()}`;
    let asked = 0;
    const get = () => env.LOADER.get(id, () => { asked++; return code; }).getEntrypoint();
    equal(await get().n(), 1);
    equal(await get().n(), 2);
    await rejects(get().loop(), { message: "CPU time limit" });
    equal(await get().n(), 1);
    ok(asked >= 1 && asked <= 2, `callbacks: ${asked}`);
  },
};

export const theEndOfOneWorkerIsNotThatOfAnother = {
  async test(_, env) {
    let open;
    const gate = new Promise((resolve) => { open = resolve; });
    const steady = withClass(env, ENDINGS);
    const waiting = steady.wait(() => gate);
    await Promise.all([
      rejects(withClass(env, ENDINGS, { limits: { cpuMs: 60 } }).loop(), { message: "CPU time limit" }),
      rejects(withClass(env, ENDINGS, { limits: { cpuMs: 20_000, memoryMb: 32 } }).bomb(), { message: "memory limit" }),
      rejects(withClass(env, ENDINGS, { limits: { wallMs: 80 } }).sleep(), { message: "wall time limit" }),
      rejects(entry(env, "throw new Error('at the top')").run(0), { message: "at the top" }),
    ]);
    open("untouched");
    equal(await waiting, "untouched");
  },
};

export const stubsOfAnEndedWorkerAreBroken = {
  async test(_, env) {
    const e = withClass(env, `${ENDINGS} make() { return new (class extends RpcTarget { ping() { return "pong"; } })(); }`, { limits: { cpuMs: 60 } });
    const made = await e.make();
    equal(await made.ping(), "pong");
    await rejects(e.loop(), { message: "CPU time limit" });
    await rejects(made.ping(), { message: "CPU time limit" });
  },
};

export const bodiesOfAnEndedWorkerBreakOff = {
  async test(_, env) {
    const e = withClass(env, `${ENDINGS} fetch() { return new Response(new ReadableStream({ async pull(c) { c.enqueue(new Uint8Array(10)); await scheduler.wait(60_000); } })); }`, { limits: { cpuMs: 60 } });
    const response = await e.fetch("http://x/");
    const reader = response.body.getReader();
    equal((await reader.read()).value.byteLength, 10);
    const rest = rejects(reader.read());
    await rejects(e.loop(), { message: "CPU time limit" });
    await rest;
  },
};

export const manyEndingsInARow = {
  async test(_, env) {
    const e = withClass(env, ENDINGS, { limits: { cpuMs: 20 } });
    for (let round = 0; round < 5; round++) {
      equal(await e.n(), 1);
      await rejects(e.loop(), { message: "CPU time limit" });
    }
  },
};
