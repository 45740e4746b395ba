// worker-loader.md §7, security.md §3: limits hold, and nobody else notices. No time decides these tests.

import { deepEqual, equal, includes, ok, rejects } from "./_assert.js";
import { load, withClass } from "./_load.js";

const LOOP = "loop() { for (;;); } tidy() { try { for (;;); } finally { globalThis.tidied = true; } } ok() { return 'fine'; } was() { return globalThis.tidied; } state() { return (globalThis.n = (globalThis.n ?? 0) + 1); }";

export const anEndlessLoopEndsAtItsCpuLimit = {
  async test(_, env) {
    const error = await rejects(withClass(env, LOOP, { limits: { cpuMs: 50 } }).loop(), { name: "Error", message: "Worker exceeded CPU time limit." });
    equal(error.code, "ERR_CPU_LIMIT");
    equal(error.remote, undefined);
  },
};

export const othersGoOnMeanwhile = {
  async test(_, env) {
    const loop = withClass(env, LOOP, { limits: { cpuMs: 300 } }).loop().catch((e) => e.code);
    let answers = 0;
    let done = false;
    loop.then(() => (done = true));
    while (!done && answers < 10_000) {
      equal(await withClass(env, LOOP).ok(), "fine");
      answers++;
    }
    equal(await loop, "ERR_CPU_LIMIT");
    ok(answers > 0, "answers of others");
  },
};

export const finallyDoesNotRunAfterTermination = {
  async test(_, env) {
    const e = withClass(env, LOOP, { limits: { cpuMs: 50 } });
    await rejects(e.tidy(), { message: "CPU time limit" });
    equal(await e.was(), undefined);
  },
};

export const theNextCallGetsAFreshWorker = {
  async test(_, env) {
    const e = withClass(env, LOOP, { limits: { cpuMs: 50 } });
    equal(await e.state(), 1);
    await rejects(e.loop());
    equal(await e.state(), 1);
  },
};

export const theLowerCpuLimitApplies = {
  async test(_, env) {
    // Work that ends by itself long before the code's limit, and long after the entrypoint's.
    const stub = env.LOADER.load({
      compatibilityDate: "2026-04-22", mainModule: "m.js", globalOutbound: null, limits: { cpuMs: 30_000 },
      modules: { "m.js": "export default { run(n) { let x = 0; for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x >= 0; } };" },
    });
    const work = 300_000_000;
    await rejects(stub.getEntrypoint(null, { limits: { cpuMs: 40 } }).run(work), { message: "CPU time limit" });
    equal(await stub.getEntrypoint(null, { limits: { cpuMs: 30_000 } }).run(work), true);
  },
};

export const aLoopAtTheTopLevelEndsToo = {
  async test(_, env) {
    const stub = env.LOADER.load({
      compatibilityDate: "2026-04-22", mainModule: "m.js", globalOutbound: null, limits: { cpuMs: 50 },
      modules: { "m.js": "for (;;); export default {};" },
    });
    await rejects(stub.getEntrypoint().run(0), { message: "CPU time limit" });
  },
};

export const microtasksCountToo = {
  async test(_, env) {
    await rejects(withClass(env, "async run() { for (;;) await null; }", { limits: { cpuMs: 50 } }).run(), { message: "CPU time limit" });
  },
};

export const nativeLoopsEndToo = {
  async test(_, env) {
    const e = withClass(env, "run() { const a = []; a.length = 2 ** 32 - 1; return a.indexOf(1); }", { limits: { cpuMs: 50 } });
    await rejects(e.run(), { message: "CPU time limit" });
  },
};

export const workOverSeveralTurnsAddsUp = {
  async test(_, env) {
    const e = withClass(env, "async run() { for (;;) { const t = Date.now(); for (let i = 0; i < 1e5; i++); await scheduler.wait(0); } }", { limits: { cpuMs: 50 } });
    await rejects(e.run(), { message: "CPU time limit" });
  },
};

const BOMBS = {
  objects: "run() { const a = []; for (;;) a.push({ x: a.length, y: [a.length] }); }",
  strings: "run() { let s = 'abcdefgh'; for (;;) { s += s; s.charCodeAt(0); globalThis.keep = s; } }",
};

export const anUnboundedArrayEndsAtTheMemoryLimit = {
  async test(_, env) {
    const e = withClass(env, BOMBS.objects + " ok() { return 'fine'; }", { limits: { cpuMs: 20_000 } });
    const error = await rejects(e.run(), { name: "Error", message: "Worker exceeded memory limit." });
    equal(error.code, "ERR_MEMORY_LIMIT");
    equal(await e.ok(), "fine");
  },
};

export const hoardedBuffersEndInAnError = {
  async test(_, env) {
    const e = withClass(env, "run() { const a = []; try { for (;;) a.push(new Uint8Array(1 << 20).fill(1)); } catch (e) { return [e.name, a.length]; } }", { limits: { cpuMs: 20_000 } });
    const result = await e.run().catch((error) => ["ended", error.code]);
    if (result[0] === "ended") deepEqual(result, ["ended", "ERR_MEMORY_LIMIT"]);
    else {
      equal(result[0], "RangeError");
      ok(result[1] <= 160, `MiB held: ${result[1]}`);
    }
  },
};

export const hugeStringsEndInAnError = {
  async test(_, env) {
    const result = await withClass(env, BOMBS.strings, { limits: { cpuMs: 20_000 } }).run().catch((error) => error);
    ok(result instanceof Error);
    ok(result.code === "ERR_MEMORY_LIMIT" || result.name === "RangeError", `${result.name}: ${result.message}`);
  },
};

export const aSmallerBudgetHoldsToo = {
  async test(_, env) {
    const e = withClass(env, "run(mb) { const a = []; for (let i = 0; i < mb; i++) a.push(new Uint8Array(1 << 20).fill(1)); return a.length; }", { limits: { memoryMb: 32, cpuMs: 20_000 } });
    equal(await e.run(8), 8);
    const result = await e.run(100).catch((error) => error);
    ok(result instanceof Error && (result.name === "RangeError" || result.code === "ERR_MEMORY_LIMIT"), String(result));
  },
};

export const waitingIsBoundedByTheWallClock = {
  async test(_, env) {
    const error = await rejects(withClass(env, "run() { return new Promise(() => setInterval(() => {}, 5)); }", { limits: { wallMs: 100 } }).run());
    equal(error.code, "ERR_WALL_LIMIT");
    includes(error.message, "time limit");
  },
};

export const deepRecursionIsAnOrdinaryError = {
  async test(_, env) {
    const e = withClass(env, "run() { const f = (n) => f(n + 1) + 1; try { return f(0); } catch (e) { return e.name; } } deep() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a.flat(Infinity).length; }");
    equal(await e.run(), "RangeError");
    await rejects(e.deep(), { name: "RangeError" });
  },
};

export const startUpHasALimitOfItsOwn = {
  async test(_, env) {
    const stub = load(env, "for (;;); export default {};");
    const error = await rejects(stub.getEntrypoint().run(0), { name: "Error", message: "Script startup exceeded CPU time limit." });
    equal(error.code, "ERR_STARTUP_CPU_LIMIT");
  },
};

// Work at the top level that takes longer than the calls may.
const HEAVY = "let x = 0; for (let i = 0; i < 100_000_000; i++) x = (x * 31 + i) % 1000003;";

export const startUpIsNotChargedToTheFirstCall = {
  async test(_, env) {
    const stub = load(env, `${HEAVY} export default { run() { return x >= 0; } };`, { limits: { cpuMs: 25 } });
    equal(await stub.getEntrypoint().run(0), true);
  },
};

export const aStartUpThatEndedAtItsLimitEndsThereAgain = {
  async test(_, env) {
    const stub = load(env, "for (;;); export default {};");
    await rejects(stub.getEntrypoint().run(0), { message: "Script startup exceeded CPU time limit." });
    await rejects(stub.getEntrypoint().fetch("http://x/"), { message: "Script startup exceeded CPU time limit." });
  },
};

export const theFirstCallHasTheLimitOfACall = {
  async test(_, env) {
    const error = await rejects(load(env, "export default { run() { for (;;); } };", { limits: { cpuMs: 50 } }).getEntrypoint().run(0));
    equal(error.message, "Worker exceeded CPU time limit.");
  },
};

export const aWorkerThatIsNotCalledOutlivesItsWallLimit = {
  async test(_, env) {
    const stub = load(env, "let n = 0; export default { run() { return ++n; } };", { limits: { wallMs: 40 } });
    await scheduler.wait(120);
    equal(await stub.getEntrypoint().run(0), 1);
    await scheduler.wait(120);
    equal(await stub.getEntrypoint().run(0), 2);
  },
};

export const aLimitHoldsForEachCallAnew = {
  async test(_, env) {
    const e = withClass(env, "run() { let x = 0; for (let i = 0; i < 3_000_000; i++) x = (x * 31 + i) % 1000003; globalThis.n = (globalThis.n ?? 0) + 1; return globalThis.n; }", { limits: { cpuMs: 300 } });
    for (let n = 1; n <= 25; n++) equal(await e.run(), n);
  },
};

export const fetchHandlersHaveTheSameLimit = {
  async test(_, env) {
    const e = withClass(env, "fetch() { for (;;); }", { limits: { cpuMs: 50 } });
    const error = await rejects(e.fetch("http://x/"), { name: "Error", message: "Worker exceeded CPU time limit." });
    equal(error.code, "ERR_CPU_LIMIT");
  },
};

export const constructorsAndPropertiesCountToo = {
  async test(_, env) {
    await rejects(withClass(env, "constructor(c, e) { super(c, e); for (;;); } run() {}", { limits: { cpuMs: 50 } }).run(), { message: "CPU time limit" });
    await rejects(Promise.resolve(withClass(env, "get slow() { for (;;); }", { limits: { cpuMs: 50 } }).slow), { message: "CPU time limit" });
  },
};

export const regularExpressionsCountToo = {
  async test(_, env) {
    await rejects(withClass(env, "run() { return /^(a+)+$/.test('a'.repeat(64) + 'b'); }", { limits: { cpuMs: 50 } }).run(), { message: "CPU time limit" });
  },
};

export const catchDoesNotRunAfterTermination = {
  async test(_, env) {
    let told = false;
    const e = withClass(env, "async run(tell) { try { await null; for (;;); } catch { await tell(); } }", { limits: { cpuMs: 50 } });
    await rejects(e.run(() => { told = true; }), { message: "CPU time limit" });
    equal(told, false);
  },
};

export const workBehindTheAnswerIsLimitedToo = {
  async test(_, env) {
    const e = withClass(env, "run() { this.ctx.waitUntil(scheduler.wait(10).then(() => { for (;;); })); return globalThis.n = (globalThis.n ?? 0) + 1; }", { limits: { cpuMs: 50 } });
    equal(await e.run(), 1);
    // The loop ends, and with it the state; another call would never be answered otherwise.
    await scheduler.wait(30);
    const answer = await e.run().catch((error) => error.code);
    ok(answer === 1 || answer === "ERR_CPU_LIMIT", String(answer));
  },
};

export const memoryErrorsInFetchHandlersToo = {
  async test(_, env) {
    const e = withClass(env, "fetch() { const a = []; for (;;) a.push({ x: a.length, y: [a.length] }); }", { limits: { cpuMs: 20_000, memoryMb: 32 } });
    const error = await rejects(e.fetch("http://x/"), { name: "Error", message: "Worker exceeded memory limit." });
    equal(error.code, "ERR_MEMORY_LIMIT");
  },
};

export const memoryEndsAtTheTopLevelToo = {
  async test(_, env) {
    const stub = load(env, "const a = []; for (;;) a.push({ x: a.length, y: [a.length] }); export default {};", { limits: { memoryMb: 32 } });
    const error = await rejects(stub.getEntrypoint().run(0));
    ok(error.code === "ERR_MEMORY_LIMIT" || error.code === "ERR_STARTUP_CPU_LIMIT", `${error.code}: ${error.message}`);
  },
};

export const thereAreAtMostTenThousandTimers = {
  async test(_, env) {
    const e = withClass(env, `run() {
      const ids = [];
      try { for (;;) ids.push(setTimeout(() => {}, 1e6)); }
      catch (e) { for (const id of ids) clearTimeout(id); setTimeout(() => {}, 0); return [ids.length, e.name]; }
    }`);
    deepEqual(await e.run(), [10_000, "QuotaExceededError"]);
  },
};

export const theThirdSubrequestIsTooMany = {
  async test(_, env, ctx) {
    const e = withClass(env, SUBREQUESTS, { limits: { subRequests: 2 }, globalOutbound: ctx.exports.default });
    const [done, message] = await e.run(3);
    equal(done, 2);
    includes(message, "Too many subrequests");
    // A new invocation starts from zero.
    deepEqual(await e.run(2), [2]);
  },
};

const SUBREQUESTS = `async run(n) {
  let done = 0;
  try { while (done < n) { await (await fetch("http://x/")).text(); done++; } } catch (e) { return [done, e.message]; }
  return [done];
}`;

export default { fetch: () => new Response("here") };

export const theLowerSubrequestLimitApplies = {
  async test(_, env, ctx) {
    const stubOf = (subRequests) => load(env, `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { ${SUBREQUESTS} }`,
      { globalOutbound: ctx.exports.default, ...(subRequests === undefined ? {} : { limits: { subRequests } }) });
    equal((await stubOf(5).getEntrypoint(null, { limits: { subRequests: 1 } }).run(9))[0], 1);
    equal((await stubOf(1).getEntrypoint(null, { limits: { subRequests: 5 } }).run(9))[0], 1);
    equal((await stubOf(undefined).getEntrypoint(null, { limits: { subRequests: 3 } }).run(9))[0], 3);
    equal((await stubOf(0).getEntrypoint().run(9))[0], 0);
  },
};

export const withoutALimitThereAreManySubrequests = {
  async test(_, env, ctx) {
    deepEqual(await withClass(env, SUBREQUESTS, { globalOutbound: ctx.exports.default }).run(100), [100]);
  },
};

export const aLimitOfOneEntrypointIsNotThatOfAnother = {
  async test(_, env) {
    const stub = load(env, "export default { run(n) { let x = 0; for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x >= 0; } };", { limits: { cpuMs: 30_000 } });
    await rejects(stub.getEntrypoint(null, { limits: { cpuMs: 20 } }).run(300_000_000), { message: "CPU time limit" });
    equal(await stub.getEntrypoint().run(30_000_000), true);
  },
};

export const memoryMbIsNotALimitOfTheEntrypoint = {
  async test(_, env) {
    const stub = load(env, "export default { run(mb) { const a = []; for (let i = 0; i < mb; i++) a.push(new Uint8Array(1 << 20).fill(1)); return a.length; } };", { limits: { cpuMs: 20_000 } });
    equal(await stub.getEntrypoint(null, { limits: { memoryMb: 16 } }).run(40), 40);
  },
};
