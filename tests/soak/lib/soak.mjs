// Thousands of sandboxes that end in every way there is, and what is left of them: nothing.
//
// A parent worker runs one cycle (load, call, let go) for each request; a few requests are in flight at a time. The first part
// warms up; what processes, descriptors and memory there are then is compared with the end.
import { readFileSync } from "node:fs";
import { serve } from "../../e2e/_mayfly.mjs";
import { familyOf, openDescriptorsOf, sandboxesOf, until, zygoteOf, childrenOf } from "../../e2e/_processes.mjs";
import { project, WITH_LOADER } from "../../e2e/_project.mjs";

const LANES = 6;
const BLANKS = 4;
const NAMES = 3;
const WARM_UP = 0.2;
const SETTLE_MS = 60_000;

// How often each kind of cycle comes up, and what its outcome must be; some may be ended by what the driver kills.
const KINDS = {
  answers: { weight: 30, outcome: /^answered 42$/ },
  throws: { weight: 10, outcome: /^RangeError no/ },
  aborts: { weight: 6, outcome: /^RangeError enough/ },
  syntaxError: { weight: 6, outcome: /Failed to start Worker/ },
  throwsAtTheTop: { weight: 6, outcome: /at the top/ },
  callsBack: { weight: 8, outcome: /^answered 10$/ },
  dropsStubs: { weight: 8, outcome: /^answered pong$/ },
  cancelsStream: { weight: 6, outcome: /^answered 1000$/ },
  neverCalled: { weight: 6, outcome: /^answered nothing$/ },
  named: { weight: 8, outcome: /^answered \d+$/ },
  twoAtOnce: { weight: 4, outcome: /^answered 84$/ },
  loops: { weight: 2, outcome: /^Error Worker exceeded CPU time limit/ },
  sleeps: { weight: 3, outcome: /^Error Worker exceeded wall time limit/ },
  hoards: { weight: 0.5, outcome: /^Error Worker exceeded memory limit/ },
  clientLeaves: { weight: 4, leaves: true, outcome: /^left$/ },
  isKilled: { weight: 1, kills: true, outcome: /^(Error Worker's sandbox crashed|answered 42)/ },
};

const PARENT = `
  const source = (members) => \`import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers"; export default class extends WorkerEntrypoint { \${members} }\`;
  const code = (text, limits) => ({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": text }, globalOutbound: null, limits });
  const CLASS = source(\`
    run(x) { return 2 * x; }
    throws() { throw new RangeError("no"); }
    aborts() { this.ctx.abort(new RangeError("enough")); return new Promise(() => {}); }
    async callsBack(f) { let sum = 0; for (let i = 0; i < 5; i++) sum += await f(i); return sum; }
    make() { return new (class extends RpcTarget { ping() { return "pong"; } other() { return new this.constructor(); } })(); }
    fetch() { return new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)); } })); }
    count() { return globalThis.n = (globalThis.n ?? 0) + 1; }
    loops() { for (;;); }
    hoards() { const a = []; for (;;) a.push({ x: a.length, y: [a.length] }); }
    async sleeps(ms) { await scheduler.wait(ms); return 42; }
  \`);
  const load = (env, limits, text = CLASS) => env.LOADER.load(code(text, limits)).getEntrypoint();
  const CYCLES = {
    answers: (env) => load(env).run(21),
    throws: (env) => load(env).throws(),
    aborts: (env) => load(env).aborts(),
    syntaxError: (env) => load(env, undefined, "export default {").run(0),
    throwsAtTheTop: (env) => load(env, undefined, "throw new Error('at the top')").run(0),
    callsBack: (env) => load(env).callsBack((x) => x),
    dropsStubs: async (env) => { const made = await load(env).make(); await made.other(); return made.ping(); },
    cancelsStream: async (env) => {
      const reader = (await load(env).fetch("http://x/")).body.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return value.byteLength;
    },
    neverCalled: (env) => { load(env); return "nothing"; },
    named: (env, n) => env.LOADER.get("name" + n % ${NAMES}, () => code(CLASS)).getEntrypoint().count(),
    twoAtOnce: async (env) => { const a = load(env).run(21), b = load(env).run(21); return await a + await b; },
    loops: (env) => load(env, { cpuMs: 10 }).loops(),
    sleeps: (env) => load(env, { wallMs: 20 }).sleeps(60_000),
    hoards: (env) => load(env, { memoryMb: 16, cpuMs: 30_000 }).hoards(),
    clientLeaves: (env) => load(env, { wallMs: 60_000 }).sleeps(50_000),
    isKilled: (env) => load(env, { wallMs: 60_000 }).sleeps(300),
  };
  export default {
    async fetch(request, env) {
      const url = new URL(request.url);
      const text = await (async () => CYCLES[url.pathname.slice(1)](env, Number(url.searchParams.get("n"))))()
        .then((value) => "answered " + value, (e) => e.name + " " + e.message);
      return new Response(text);
    },
  };`;

// What may be more at the end than after the warm-up. A leak of a kilobyte a cycle is beyond it in a full run.
const ALLOWED = {
  descriptors: { supervisor: 0, zygote: 0, parent: 2 * LANES },   // of connections kept alive, two each
  // The parent's includes garbage not collected yet. A zygote's share of what it has in common with its sandboxes goes up and
  // down with their number; what it holds is its rss.
  rss: { supervisor: 4 * 1024, zygote: 1024, parent: 24 * 1024 },
  pss: { supervisor: 4 * 1024, zygote: 4 * 1024, parent: 24 * 1024 },
};

/** Lines that name what there is more of in `after` than in `before`; none if nothing was left. */
export function leftovers(before, after) {
  const left = [];
  if (after.processes > before.processes) left.push(`${after.processes - before.processes} processes`);
  for (const [part, allowed] of Object.entries(ALLOWED.descriptors)) {
    const more = after.descriptors[part] - before.descriptors[part];
    if (more > allowed) left.push(`${more} descriptors of the ${part}`);
  }
  for (const kind of ["rss", "pss"]) {
    for (const [part, allowed] of Object.entries(ALLOWED[kind])) {
      const more = after.memory[part][kind] - before.memory[part][kind];
      if (more > allowed) left.push(`${more} kB of ${kind} of the ${part}`);
    }
  }
  return left;
}

const memoryOf = (pid) => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)[1]);
  return { rss: kilobytes("Rss"), pss: kilobytes("Pss") };
};

/** Runs `cycles` cycles; resolves to {before, after, counts}. Rejects for an outcome that is wrong or a sandbox that stays. */
export async function soak(t, cycles, note = () => {}) {
  const server = await serve(t, project(t, PARENT, { ...WITH_LOADER, mayfly: { pool: { blank: BLANKS, max: 16 } } }));
  const deck = Object.entries(KINDS);
  const total = deck.reduce((sum, [, { weight }]) => sum + weight, 0);
  // A fixed order, so that a run can be repeated.
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const draw = () => {
    let at = random() * total;
    return deck.find(([, { weight }]) => (at -= weight) < 0) ?? deck[0];
  };
  const counts = {};

  async function cycle(n) {
    const [kind, { outcome, leaves, kills }] = draw();
    counts[kind] = (counts[kind] ?? 0) + 1;
    const leaving = leaves ? AbortSignal.timeout(5 + (n % 20)) : undefined;
    const answer = fetch(`${server.url}/${kind}?n=${n}`, { signal: leaving, headers: { connection: n % 50 === 0 ? "close" : "keep-alive" } })
      .then((response) => response.text(), (error) => { if (leaves) return "left"; throw error; });
    if (kills) killOne(server);
    const text = await answer;
    const accidental = /sandbox crashed/.test(text);   // by the kill of a neighbour's cycle
    if (!outcome.test(text) && !accidental) throw new Error(`${kind} (cycle ${n}): ${text}\n${server.output.stderr.slice(-2000)}`);
    server.output.stderr = server.output.stderr.slice(-4000);
  }

  let next = 0;
  async function run(until) {
    await Promise.all(Array.from({ length: LANES }, async () => { while (next < until) await cycle(next++); }));
  }

  async function settled() {
    const idle = BLANKS + NAMES;
    await until(`${idle} sandboxes or fewer`, () => sandboxesOf(server.pid).length <= idle, SETTLE_MS);
    const parent = childrenOf(zygoteOf(server.pid, "parents"))[0];
    const parts = { supervisor: server.pid, zygote: zygoteOf(server.pid, "standard"), parent };
    return until("all blanks", () => {
      if (sandboxesOf(server.pid).length < BLANKS) return null;
      const family = familyOf(server.pid);
      return {
        processes: family.length,
        descriptors: Object.fromEntries(Object.entries(parts).map(([name, pid]) => [name, openDescriptorsOf(pid)])),
        memory: Object.fromEntries(Object.entries(parts).map(([name, pid]) => [name, memoryOf(pid)])),
      };
    }, SETTLE_MS);
  }

  // Names are known and connections open before anything is counted.
  for (let n = 0; n < NAMES; n++) await fetch(`${server.url}/named?n=${n}`).then((response) => response.text());
  await run(Math.ceil(cycles * WARM_UP));
  const before = await settled();
  note(`after ${next} cycles: ${JSON.stringify(before)}`);
  const step = Math.ceil(cycles / 5);
  while (next < cycles) {
    await run(Math.min(cycles, next + step));
    note(`after ${next} cycles: ${JSON.stringify(await settled())}`);
  }
  for (let n = 0; n < NAMES; n++) await fetch(`${server.url}/named?n=${n}`).then((response) => response.text());
  const after = await settled();
  return { before, after, counts };
}

function killOne(server) {
  const sandboxes = sandboxesOf(server.pid);
  const victim = sandboxes[sandboxes.length - 1];
  try {
    if (victim !== undefined) process.kill(victim, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
