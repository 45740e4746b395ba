// worker-loader.md §7, security.md §3: limits hold, and nobody else notices. No time decides these tests.

import { deepEqual, equal, includes, ok, rejects } from "./_assert.js";
import { withClass } from "./_load.js";

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
