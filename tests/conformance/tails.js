// worker-loader.md §1.8 (tails), §6.5, §6.6: what a Tail Worker is told, and when.

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { load } from "./_load.js";
import { WorkerEntrypoint } from "cloudflare:workers";

const items = new Map(); // by the id in the tail's props: what arrived, as it was passed, and as JSON

export class Tail extends WorkerEntrypoint {
  tail(events) {
    const { id, fails } = this.ctx.props;
    const list = items.get(id) ?? [];
    items.set(id, list);
    list.push({ events, json: JSON.parse(JSON.stringify(events)), unredacted: unredacted(events[0]) });
    if (fails) throw new Error("the tail fails");
  }
}

function unredacted(item) {
  const request = item.event?.request?.getUnredacted();
  return request === undefined ? null : { url: request.url, headers: request.headers };
}

const PROGRAM = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  console.log("at the top level");
  export default class extends WorkerEntrypoint {
    log(...args) { console.log(...args); }
    levels() { console.debug("d"); console.info("i"); console.log("l"); console.warn("w"); console.error("e"); }
    unrecorded() { console.table([1]); console.trace("t"); console.dir({}); console.count(); console.group("g"); console.groupEnd(); }
    kinds() {
      class Plain { x = 1; }
      class Json { toJSON() { return 7; } }
      console.log("s", 1, NaN, undefined, null, true, { b: [1, undefined] }, new Date(0), 5n, Symbol("y"), [1n], new Map([[1, 2]]), new Uint8Array(2), new Plain(), new Json(), function f() {});
    }
    cycle() { const o = {}; o.o = o; console.log(o); }
    error() { console.error("failed:", new TypeError("bad")); }
    throws() { throw new RangeError("boom"); }
    fetch(request) { if (request.url.endsWith("/throw")) throw new TypeError("in fetch"); return new Response("", { status: 418 }); }
    late() { this.ctx.waitUntil(new Promise((r) => setTimeout(() => { console.log("late"); r(); }, 30))); console.log("early"); return "answered"; }
    rejectsLater() { this.ctx.waitUntil(Promise.reject(new Error("in waitUntil"))); }
    async timer() { setTimeout(() => { throw new Error("in a timer"); }, 1); await new Promise((r) => setTimeout(r, 15)); }
    async reports() { reportError(new Error("reported")); await new Promise((r) => setTimeout(r, 5)); }
    async unhandled() { Promise.reject(new Error("unhandled")); await new Promise((r) => setTimeout(r, 5)); }
    aborts() { this.ctx.abort(new Error("enough")); }
    hangs() { console.log("before"); return new Promise(() => {}); }
    floods() { for (let i = 0; i < 50; i++) console.log("x".repeat(10_000)); }
    counter() { return { next() { console.log("next"); return 1; } }; }
  }
  export const named = { hi(x) { console.log("hi", x); return x; } };
`;

let serial = 0;

/** A worker with one tail, and a function that waits for the tail's first item. */
function tailed(env, ctx, { source = PROGRAM, props = {}, ...extra } = {}) {
  const id = `t${serial++}`;
  const worker = load(env, source, { tails: [ctx.exports.Tail({ props: { id, ...props } })], ...extra });
  const delivered = async (count = 1) => {
    for (let i = 0; i < 400 && (items.get(id)?.length ?? 0) < count; i++) await new Promise((r) => setTimeout(r, 5));
    return items.get(id) ?? [];
  };
  const item = async () => {
    const [first] = await delivered();
    ok(first, "an item was delivered");
    return first.json[0];
  };
  return { worker, e: worker.getEntrypoint(), item, delivered };
}

export const aTailGetsOneItemInAnArray = {
  async test(_, env, ctx) {
    const { e, delivered } = tailed(env, ctx);
    await e.log("a", 1);
    const [{ events }] = await delivered();
    ok(Array.isArray(events));
    equal(events.length, 1);
    deepEqual(events[0].logs[0].message, ["a", 1]);
    equal(events[0].logs[0].level, "log");
    equal(typeof events[0].logs[0].timestamp, "number");
  },
};

export const anItemSaysWhatWasCalled = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.log();
    const { event, outcome, executionModel, scriptName, truncated, exceptions } = await item();
    deepEqual(event, { rpcMethod: "log" });
    equal(outcome, "ok");
    equal(executionModel, "stateless");
    equal(scriptName, null);
    equal(truncated, false);
    deepEqual(exceptions, []);
  },
};

export const eachInvocationHasItsItem = {
  async test(_, env, ctx) {
    const { e, delivered } = tailed(env, ctx);
    await e.log(1);
    await e.log(2);
    const both = await delivered(2);
    deepEqual(both.map(({ json }) => json[0].logs[0].message).sort(), [[1], [2]]);
  },
};

export const theTimeOfTheInvocationIsGiven = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    const before = Date.now();
    await e.log();
    const { eventTimestamp } = await item();
    ok(eventTimestamp >= before - 5 && eventTimestamp <= Date.now() + 5);
  },
};

export const namedEntrypointsAreNamed = {
  async test(_, env, ctx) {
    const { worker, delivered } = tailed(env, ctx);
    await worker.getEntrypoint("named").hi(3);
    const [{ json: [item] }] = await delivered();
    equal(item.entrypoint, "named");
    deepEqual(item.event, { rpcMethod: "hi" });
  },
};

export const theDefaultEntrypointIsNotNamed = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.log();
    ok(!("entrypoint" in (await item())));
  },
};

export const consoleLevelsAreRecorded = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.levels();
    deepEqual((await item()).logs.map(({ level, message }) => [level, message[0]]), [["debug", "d"], ["info", "i"], ["log", "l"], ["warn", "w"], ["error", "e"]]);
  },
};

export const otherConsoleMethodsAreNotRecorded = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.unrecorded();
    deepEqual((await item()).logs, []);
  },
};

export const argumentsBecomeJson = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.kinds();
    deepEqual((await item()).logs[0].message, [
      "s", 1, null, null, null, true, { b: [1, null] }, "1970-01-01T00:00:00.000Z", "5", {}, {}, "[object Map]", "0,0", "[object Object]", 7, "function f() {}",
    ]);
  },
};

export const cyclesAreLoggedAsEmptyObjects = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.cycle();
    deepEqual((await item()).logs[0].message, [{}]);
  },
};

export const loggedErrorsHaveTheirInfo = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.error();
    const { message, errorInfo } = (await item()).logs[0];
    deepEqual(message, ["failed:", "TypeError: bad"]);
    equal(errorInfo[0], null);
    equal(errorInfo[1].name, "TypeError");
    equal(errorInfo[1].message, "bad");
    includes(errorInfo[1].stack, "m.js");
  },
};

export const withoutErrorsThereIsNoErrorInfo = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.log("a");
    ok(!("errorInfo" in (await item()).logs[0]));
  },
};

export const aThrowingFetchIsAnException = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await rejects(e.fetch("http://host/throw"), { name: "TypeError" });
    const { outcome, exceptions } = await item();
    equal(outcome, "exception");
    equal(exceptions.length, 1);
    equal(exceptions[0].name, "TypeError");
    equal(exceptions[0].message, "in fetch");
    ok(!exceptions[0].stack.includes("in fetch"), "the stack repeats no message");
    includes(exceptions[0].stack, "m.js");
  },
};

export const aThrowingMethodIsAnException = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await rejects(e.throws(), { name: "RangeError" });
    const { outcome, exceptions } = await item();
    equal(outcome, "exception");
    deepEqual(exceptions.map(({ name, message }) => [name, message]), [["RangeError", "boom"]]);
  },
};

export const aFetchEventTellsRequestAndStatus = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await (await e.fetch("http://host/p?q=1#f", { method: "POST", body: "x", headers: { plain: "p" } })).text();
    const { event, outcome } = await item();
    equal(outcome, "ok");
    equal(event.request.method, "POST");
    equal(event.request.url, "http://host/p?q=1");
    equal(event.request.headers.plain, "p");
    equal(event.response.status, 418);
  },
};

export const secretHeadersAreRedacted = {
  async test(_, env, ctx) {
    const { e, delivered } = tailed(env, ctx);
    const headers = { authorization: "a", cookie: "c", "x-api-key": "k", "my-secret": "s", "csrf-token": "t", jwt: "j", plain: "p" };
    await (await e.fetch("http://host/", { headers })).text();
    const [{ json: [item], unredacted }] = await delivered();
    for (const name of Object.keys(headers)) equal(item.event.request.headers[name], name === "plain" ? "p" : "REDACTED", name);
    for (const [name, value] of Object.entries(headers)) equal(unredacted.headers[name], value, name);
  },
};

export const identifiersInUrlsAreRedacted = {
  async test(_, env, ctx) {
    const { e, delivered } = tailed(env, ctx);
    const url = "http://host/u/0123456789abcdef0123456789abcdef/x?t=abcDEF123456789012345678&card=4111111111111111&n=1234567890123&w=ordinary-words-in-a-path";
    await (await e.fetch(url)).text();
    const [{ json: [item], unredacted }] = await delivered();
    equal(item.event.request.url, "http://host/u/REDACTED/x?t=REDACTED&card=REDACTED&n=1234567890123&w=ordinary-words-in-a-path");
    equal(unredacted.url, url);
  },
};

export const itemsComeAfterWaitUntil = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    equal(await e.late(), "answered");
    deepEqual((await item()).logs.map(({ message }) => message[0]), ["early", "late"]);
  },
};

export const rejectionsInWaitUntilAreExceptions = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.rejectsLater();
    const { outcome, exceptions } = await item();
    equal(outcome, "ok");
    equal(exceptions[0].message, "in waitUntil");
  },
};

export const exceptionsInTimersAreRecorded = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.timer();
    const { outcome, exceptions } = await item();
    equal(outcome, "ok");
    equal(exceptions[0].message, "in a timer");
  },
};

export const reportedErrorsAreRecorded = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.reports();
    const { exceptions } = await item();
    equal(exceptions[0].name, "Error");
    includes(exceptions[0].message, "Error: reported");
  },
};

export const unhandledRejectionsAreNoExceptions = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.unhandled();
    deepEqual((await item()).exceptions, []);
  },
};

export const abortedInvocationsAreExceptions = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await rejects(e.aborts(), { message: "enough" });
    const { outcome, exceptions } = await item();
    equal(outcome, "exception");
    equal(exceptions[0].message, "enough");
  },
};

export const hungInvocationsAreExceptions = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await rejects(e.hangs(), { message: "had hung" });
    const { outcome, exceptions, logs } = await item();
    equal(outcome, "exception");
    includes(exceptions[0].message, "had hung");
    deepEqual(logs[0].message, ["before"]);
  },
};

export const tooManyLogsAreCut = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.floods();
    const { truncated, logs } = await item();
    equal(truncated, true);
    const last = logs.at(-1);
    equal(last.level, "warn");
    includes(String(last.message[0] ?? last.message), "Log size limit exceeded");
    ok(logs.length > 20 && logs.length < 30, "about 256 KiB are kept");
  },
};

export const callsOnAResultBelongToItsInvocation = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    const counter = await e.counter();
    equal(await counter.next(), 1);
    counter[Symbol.dispose]();
    const { event, logs } = await item();
    deepEqual(event, { rpcMethod: "counter" });
    deepEqual(logs[0].message, ["next"]);
  },
};

export const topLevelLogsAreInNoItem = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx);
    await e.log("only this");
    deepEqual((await item()).logs.map(({ message }) => message), [["only this"]]);
  },
};

export const aFailingStartIsNotDelivered = {
  async test(_, env, ctx) {
    const { e, delivered } = tailed(env, ctx, { source: "throw new Error('at start')" });
    await rejects(e.log(), { message: "at start" });
    const other = tailed(env, ctx);
    await other.e.log();
    await other.item();
    deepEqual(await Promise.race([delivered(), new Promise((r) => setTimeout(() => r([]), 50))]), []);
  },
};

export const aFailingTailDisturbsNobody = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx, { props: { fails: true } });
    equal(await e.late(), "answered");
    await item();
    equal(await e.late(), "answered");
  },
};

export const severalTailsAreAllTold = {
  async test(_, env, ctx) {
    const ids = [`s${serial++}`, `s${serial++}`];
    const e = load(env, PROGRAM, { tails: ids.map((id) => ctx.exports.Tail({ props: { id } })) }).getEntrypoint();
    await e.log("both");
    for (let i = 0; i < 400 && !ids.every((id) => items.has(id)); i++) await new Promise((r) => setTimeout(r, 5));
    for (const id of ids) deepEqual(items.get(id)[0].json[0].logs[0].message, ["both"]);
  },
};

export const anUncalledLoopbackStubIsATailToo = {
  async test(_, env, ctx) {
    const e = load(env, PROGRAM, { tails: [ctx.exports.Tail] }).getEntrypoint();
    await e.log("to the uncalled one");
    for (let i = 0; i < 400 && !items.has(undefined); i++) await new Promise((r) => setTimeout(r, 5));
    ok(items.get(undefined).some(({ json }) => json[0].logs[0]?.message[0] === "to the uncalled one"));
  },
};

export const objectStyleTailsGetEnvAndCtx = {
  async test(_, env, ctx) {
    const e = load(env, PROGRAM, { tails: [ctx.exports.plainTail({ props: { id: "object" } })] }).getEntrypoint();
    await e.log("x");
    for (let i = 0; i < 400 && !items.has("object"); i++) await new Promise((r) => setTimeout(r, 5));
    const [{ events, loader }] = items.get("object");
    deepEqual(events[0].logs[0].message, ["x"]);
    equal(loader, true);
  },
};

export const plainTail = {
  tail(events, env, ctx) {
    items.set(ctx.props.id, [{ events, loader: typeof env.LOADER.load === "function" }]);
  },
};

export const itemsDoNotTravel = {
  async test(_, env, ctx) {
    const { e, delivered } = tailed(env, ctx);
    await e.log();
    const [{ events }] = await delivered();
    await rejects(e.log(events[0]), { name: "DataCloneError", message: "TraceItem" });
  },
};

export const tailsMustBeAnArrayOfFetchers = {
  async test(_, env) {
    throws(() => load(env, PROGRAM, { tails: {} }), { name: "TypeError", message: "tails" });
    throws(() => load(env, PROGRAM, { tails: [{}] }), { name: "TypeError", message: "Incorrect type for array element 0" });
  },
};

export const aDynamicWorkerIsNoTail = {
  async test(_, env) {
    const tail = load(env, "export default { tail() {} }").getEntrypoint();
    throws(() => load(env, PROGRAM, { tails: [tail] }), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers" });
  },
};

export const theOutcomeOfAKilledLoopIsExceededCpu = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx, { source: "export default { loop() { for (;;); } };", limits: { cpuMs: 50 } });
    await rejects(e.loop(1), { message: "CPU time limit" });
    const { outcome, event } = await item();
    equal(outcome, "exceededCpu");
    deepEqual(event, { rpcMethod: "loop" });
  },
};

export const theOutcomeOfTooMuchMemoryIsExceededMemory = {
  async test(_, env, ctx) {
    const { e, item } = tailed(env, ctx, { source: "export default { grow() { const a = []; for (;;) a.push(new Array(1000).fill(1)); } };" });
    await rejects(e.grow(1), { message: "memory limit" });
    equal((await item()).outcome, "exceededMemory");
  },
};

export const namedWorkersAreTailedToo = {
  async test(_, env, ctx) {
    const id = `g${serial++}`;
    const code = () => ({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": PROGRAM }, tails: [ctx.exports.Tail({ props: { id } })] });
    await env.LOADER.get(id, code).getEntrypoint().log("named");
    for (let i = 0; i < 400 && !items.has(id); i++) await new Promise((r) => setTimeout(r, 5));
    const [{ json: [item] }] = items.get(id);
    deepEqual(item.event, { rpcMethod: "log" });
    deepEqual(item.logs[0].message, ["named"]);
  },
};
