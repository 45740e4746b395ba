// worker-loader.md §4.7 (hung calls), §6.2: what belongs to one invocation, and when it can no longer answer.

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { DATE, load, withClass } from "./_load.js";
import { RpcStub, RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

const HUNG = { name: "Error", message: "had hung" };
const FOREIGN = { name: "Error", message: "Cannot perform I/O on behalf of a different request" };

const WAITING = `
  hang() { return new Promise(() => {}); }
  get hangs() { return new Promise(() => {}); }
  fetch() { return new Promise(() => {}); }
  async late(ms) { await new Promise((r) => setTimeout(r, ms)); return "late"; }
  async hangAfterTimer() { await new Promise((r) => setTimeout(r, 5)); await new Promise(() => {}); }
  async hangWhileBusy() { this.ctx.waitUntil(new Promise((r) => setTimeout(r, 20))); await new Promise(() => {}); }
  hangWithCallback(callback) { return new Promise(() => {}); }
  calls(callback) { return callback(); }
  state() { return (globalThis.n = (globalThis.n ?? 0) + 1); }
  waits() { this.ctx.waitUntil(new Promise(() => {})); return "answered"; }
  stalled() { return new Response(new ReadableStream({ type: "bytes", pull() { return new Promise(() => {}); } })); }
  gate() { let open; const gate = new Promise((r) => (open = r)); return { open() { open(); }, async pass() { await gate; return "through"; } }; }
`;

export const aCallThatNothingCanSettleIsCancelled = {
  async test(_, env) {
    const error = await rejects(withClass(env, WAITING).hang(), HUNG);
    equal(error.remote, undefined);
  },
};

export const aHungFetchIsCancelled = {
  async test(_, env) {
    await rejects(withClass(env, WAITING).fetch("http://x/"), HUNG);
  },
};

export const aHungPropertyReadIsCancelled = {
  async test(_, env) {
    await rejects(withClass(env, WAITING).hangs, HUNG);
  },
};

export const hangingIsNoticedAfterTheLastTimer = {
  async test(_, env) {
    await rejects(withClass(env, WAITING).hangAfterTimer(), HUNG);
  },
};

export const aHungCallDoesNotWaitForItsNeighbours = {
  async test(_, env) {
    const e = withClass(env, WAITING);
    let ended = false;
    const late = e.late(300).then((answer) => { ended = true; return answer; });
    await rejects(e.hang(), HUNG);
    equal(ended, false);
    equal(await late, "late");
  },
};

export const workInWaitUntilMayStillSettleACall = {
  async test(_, env) {
    await rejects(withClass(env, WAITING).hangWhileBusy(), HUNG);
  },
};

export const aCallbackThatNobodyCallsIsNoReasonToWait = {
  async test(_, env) {
    await rejects(withClass(env, WAITING).hangWithCallback(() => 1), HUNG);
  },
};

export const aCallThatWaitsForItsCallerIsNotHung = {
  async test(_, env) {
    equal(await withClass(env, WAITING).calls(() => new Promise((r) => setTimeout(() => r("mine"), 20))), "mine");
  },
};

export const whatTheCallerHoldsMayStillSettleACall = {
  async test(_, env) {
    const gate = await withClass(env, WAITING).gate();
    const pass = gate.pass();
    await new Promise((r) => setTimeout(r, 20));
    await gate.open();
    equal(await pass, "through");
  },
};

export const aHungCallDoesNotHurtTheIsolate = {
  async test(_, env) {
    const e = withClass(env, WAITING);
    equal(await e.state(), 1);
    await rejects(e.hang(), HUNG);
    equal(await e.state(), 2);
  },
};

export const waitUntilThatNeverSettlesDoesNotHoldTheAnswer = {
  async test(_, env) {
    equal(await withClass(env, WAITING).waits(), "answered");
  },
};

export const aBodyThatNothingCanContinueBreaksOff = {
  async test(_, env) {
    const response = await withClass(env, WAITING).stalled();
    await rejects(response.text(), { message: "disconnected prematurely" });
  },
};

// Objects of another invocation ----------------------------------------------------------------------

const kept = {};

class Counter extends RpcTarget {
  next() { return 1; }
}

/** Makes one of everything and keeps it in this module; its invocation stays open for a while. */
export class Keeper extends WorkerEntrypoint {
  async keep() {
    const source = `import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
      class T extends RpcTarget { m() { return 1; } }
      export default class extends WorkerEntrypoint {
        ok() { return 1; } target() { return new T(); } plain() { return { a: 1 }; } fetch() { return new Response("body"); }
      }`;
    kept.worker = load(this.env, source);
    kept.fetcher = kept.worker.getEntrypoint();
    kept.method = kept.fetcher.ok;
    kept.stub = await kept.fetcher.target();
    kept.plain = await kept.fetcher.plain();
    kept.response = await kept.fetcher.fetch("http://x/");
    kept.request = new Request("http://x/", { method: "POST", body: "abc" });
    kept.local = new RpcStub(new Counter());
    kept.narrowed = this.ctx.exports.Keeper({ props: {} });
    kept.settled = kept.fetcher.ok();
    await kept.settled;
    this.ctx.waitUntil(new Promise((r) => setTimeout(r, 2000)));
  }
}

const keeping = (body) => ({
  async test(_, env, ctx) {
    await ctx.exports.Keeper.keep();
    await body(env, ctx);
  },
});

export const aForeignFetcherIsRefused = keeping(async () => {
  await rejects(kept.fetcher.ok(), FOREIGN);
  await rejects(kept.fetcher.fetch("http://x/"), FOREIGN);
});

export const aForeignMethodIsRefused = keeping(() => rejects(kept.method(), FOREIGN));

export const aForeignWorkerStubIsRefused = keeping(() => { throws(() => kept.worker.getEntrypoint(), FOREIGN); });

export const aForeignStubIsRefused = keeping(async () => {
  await rejects(kept.stub.m(), FOREIGN);
  throws(() => kept.stub.dup(), FOREIGN);
});

export const aForeignStubCanBeDisposed = keeping(() => kept.stub[Symbol.dispose]());

export const aForeignLocalStubIsRefused = keeping(() => rejects(kept.local.next(), FOREIGN));

export const aForeignResponseBodyIsRefused = keeping(async () => {
  equal(kept.response.status, 200);
  await rejects(kept.response.text(), FOREIGN);
});

export const aForeignRequestBodyIsRefused = keeping(async () => {
  equal(kept.request.url, "http://x/");
  await rejects(kept.request.text(), FOREIGN);
});

export const aForeignFetcherIsNotPassedOn = keeping((env) => {
  throws(() => load(env, "export default {}", { env: { narrowed: kept.narrowed } }), FOREIGN);
});

export const plainDataIsShared = keeping(async () => {
  equal(kept.plain.a, 1);
  equal(await kept.settled, 1);
});

export const bindingsBelongToEveryInvocation = {
  async test(_, env, ctx) {
    const code = { compatibilityDate: DATE, mainModule: "m.js", globalOutbound: null, env: { peer: ctx.exports.Peer({ props: {} }) },
      modules: { "m.js": `export default { async ask(n, env) { globalThis.peer ??= env.peer; return globalThis.peer.twice(n); } };` } };
    const e = env.LOADER.load(code).getEntrypoint();
    equal(await e.ask(2), 4);
    equal(await e.ask(3), 6);
    ok(true);
  },
};

export class Peer extends WorkerEntrypoint {
  twice(n) { return 2 * n; }
}

export const passThroughOnExceptionSendsTheRequestOn = {
  async test(_, env, ctx) {
    const source = `export default { fetch(request, env, ctx) { ctx.passThroughOnException(); throw new Error("broken"); } };`;
    const e = load(env, source, { globalOutbound: ctx.exports.Origin({ props: {} }) }).getEntrypoint();
    equal(await (await e.fetch("http://host/path", { method: "POST", body: "abc" })).text(), "origin got POST http://host/path abc");
  },
};

export class Origin extends WorkerEntrypoint {
  async fetch(request) {
    return new Response(`origin got ${request.method} ${request.url} ${await request.text()}`);
  }
}

export const withoutPassThroughTheErrorReachesTheCaller = {
  async test(_, env, ctx) {
    const source = `export default { fetch() { throw new Error("broken"); } };`;
    const error = await rejects(load(env, source, { globalOutbound: ctx.exports.Origin({ props: {} }) }).getEntrypoint().fetch("http://host/"), { message: "broken" });
    includes(String(error.remote), "true");
  },
};

// What a worker does after its answer ---------------------------------------------------------------

const notes = [];

export class Notes extends WorkerEntrypoint {
  add(text) { notes.push(text); }
}

const BUSY_LATER = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  export default class extends WorkerEntrypoint {
    later(text) { this.ctx.waitUntil((async () => { await new Promise((r) => setTimeout(r, 40)); await this.env.notes.add(text); })()); return "answered"; }
    fetch(request) { return new Response(this.later(request.url)); }
  }`;

/** Its invocation ends with the answer of what it loads. */
export class Loads extends WorkerEntrypoint {
  worker() {
    return load(this.env, BUSY_LATER, { env: { notes: this.ctx.exports.Notes({ props: {} }) } }).getEntrypoint();
  }
  call(text) { return this.worker().later(text); }
  fetch(request) { return this.worker().fetch(request); }
}

async function noted(text) {
  for (let i = 0; i < 400 && !notes.includes(text); i++) await new Promise((r) => setTimeout(r, 5));
  ok(notes.includes(text), "the work was done");
}

export const waitUntilGoesOnWhenTheCallersInvocationIsOver = {
  async test(_, env, ctx) {
    equal(await ctx.exports.Loads.call("after a call"), "answered");
    ok(!notes.includes("after a call"));
    await noted("after a call");
  },
};

export const waitUntilOfAFetchGoesOnToo = {
  async test(_, env, ctx) {
    equal(await (await ctx.exports.Loads.fetch("http://after/a/fetch")).text(), "answered");
    await noted("http://after/a/fetch");
  },
};

// A caller that goes away ---------------------------------------------------------------------------

const WATCHFUL = `
  const seen = [];
  export default { async fetch(request, env, ctx) {
    if (request.url.endsWith("/seen")) return Response.json(seen);
    request.signal.addEventListener("abort", () => { seen.push(request.signal.reason.name); });
    ctx.waitUntil((async () => { await new Promise((r) => setTimeout(r, 60)); seen.push("done, aborted: " + request.signal.aborted); })());
    await new Promise((r) => setTimeout(r, 1000));
    return new Response("late");
  } };`;

/** What a worker has seen some time after its caller gave up. */
async function afterLeaving(env, compatibilityFlags) {
  const e = load(env, WATCHFUL, { compatibilityFlags }).getEntrypoint();
  const caller = new AbortController();
  const answer = e.fetch("http://x/", { signal: caller.signal });
  setTimeout(() => caller.abort(), 15);
  await rejects(answer, { name: "AbortError" });
  for (let i = 0; i < 100; i++) {
    const seen = await (await e.fetch("http://x/seen")).json();
    if (seen.some((line) => line.startsWith("done"))) return seen;
    await new Promise((r) => setTimeout(r, 10));
  }
  throw new Error("the work in waitUntil was not done");
}

export const waitUntilGoesOnWhenTheCallerLeaves = {
  async test(_, env) {
    deepEqual(await afterLeaving(env, []), ["done, aborted: false"]);
  },
};

export const theSignalOfARequestTellsThatTheCallerLeft = {
  async test(_, env) {
    deepEqual(await afterLeaving(env, ["enable_request_signal"]), ["AbortError", "done, aborted: true"]);
  },
};
