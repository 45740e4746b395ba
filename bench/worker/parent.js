// The parent Worker of the benchmarks. Both runtimes run this very file; whatever is measured, the
// results of the sandboxes are checked here, so that a fast wrong answer counts as a failure.
import { WorkerEntrypoint } from "cloudflare:workers";

const COMPATIBILITY_DATE = "2026-04-22";

/** The capability that sandboxes call back. */
export class Host extends WorkerEntrypoint {
  ping(value) { return value + 1; }
}

const ROUTES = {
  "/hello": () => new Response("Hello, world!"),
  "/cold": cold,
  "/burst": burst,
  "/idle": idle,
  "/host-calls": hostCalls,
};

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const route = ROUTES[url.pathname];
    if (route === undefined) return new Response("no such measurement\n", { status: 404 });
    return route(Object.fromEntries(url.searchParams), env, ctx);
  },
};

/** One sandbox from source never seen before to its checked result. `unique` differs in every request. */
async function cold({ unique, constant }, env) {
  const started = performance.now();
  await runFresh(env, unique, Number(constant));
  return Response.json({ parentMs: performance.now() - started });
}

/** `count` fresh sandboxes, `concurrency` at a time. */
async function burst({ unique, count, concurrency }, env) {
  let next = 0;
  async function lane() {
    while (next < Number(count)) {
      const index = next++;
      await runFresh(env, `${unique}-${index}`, index);
    }
  }
  await Promise.all(Array.from({ length: Number(concurrency) }, lane));
  return Response.json({ completed: next });
}

async function runFresh(env, unique, constant) {
  const worker = env.LOADER.load({
    compatibilityDate: COMPATIBILITY_DATE,
    mainModule: "main.js",
    modules: { "main.js": freshSource(unique, constant) },
    globalOutbound: null,
  });
  const result = await worker.getEntrypoint().run(2);
  if (result !== 2 * constant + 1) throw new Error(`sandbox ${unique} answered ${result}`);
}

const freshSource = (unique, constant) => `// ${unique}
import { WorkerEntrypoint } from "cloudflare:workers";
const CONSTANT = ${constant};
export default class extends WorkerEntrypoint {
  run(factor) { return factor * CONSTANT + 1; }
}`;

/** Calls the named sandboxes from..from+count-1, each one after the other; they stay loaded. Answers how many had been called before. */
async function idle({ from, count }, env) {
  let calledBefore = 0;
  for (let index = Number(from); index < Number(from) + Number(count); index++) {
    const worker = env.LOADER.get(`idle-${index}`, () => ({
      compatibilityDate: COMPATIBILITY_DATE,
      mainModule: "main.js",
      modules: { "main.js": countingSource(index) },
      globalOutbound: null,
    }));
    if (await worker.getEntrypoint().run() > 1) calledBefore++;
  }
  return Response.json({ calledBefore });
}

const countingSource = (index) => `// sandbox ${index}
import { WorkerEntrypoint } from "cloudflare:workers";
let calls = 0;
export default class extends WorkerEntrypoint {
  run() { return ++calls; }
}`;

/** One sandbox that calls back `count` times, each call awaited before the next; without the time to load it. */
async function hostCalls({ count }, env, ctx) {
  const worker = env.LOADER.load({
    compatibilityDate: COMPATIBILITY_DATE,
    mainModule: "main.js",
    modules: { "main.js": PINGING_SOURCE },
    env: { HOST: ctx.exports.Host({ props: {} }) },
    globalOutbound: null,
  });
  const entrypoint = worker.getEntrypoint();
  await entrypoint.run(10);
  const started = performance.now();
  const result = await entrypoint.run(Number(count));
  const parentMs = performance.now() - started;
  if (result !== Number(count)) throw new Error(`${count} host calls counted up to ${result}`);
  return Response.json({ parentMs });
}

const PINGING_SOURCE = `import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  async run(count) {
    let value = 0;
    for (let call = 0; call < count; call++) value = await this.env.HOST.ping(value);
    return value;
  }
}`;
