// worker-loader.md §4.5: who holds what, and who lets go of it.

import { RpcStub, RpcTarget } from "cloudflare:workers";
import { deepEqual, equal, rejects } from "./_assert.js";
import { entry, withClass } from "./_load.js";

const CHILD = `
  mk() { return new (class extends RpcTarget { hi() { return "hi"; } get p() { return 1; } self() { return this; } })(); }
  plain() { const t = new (class extends RpcTarget { hi() { return "hi"; } })(); return { t, n: 1 }; }
  arr() { return [() => 1]; } map() { return new Map(); } date() { return new Date(); } resp() { return new Response("b"); } err() { return new Error("m"); } bytes() { return new Uint8Array(2); }
  str() { return "s"; } num() { return 1; } nul() { return null; } fn() { return () => 1; }
  async use(t) { return await t.hi(); } async both(a, b) { return [await a.hi(), await b.hi()]; } async ignore() { return "ignored"; } async fail() { throw new Error("failed"); }
  async twice(t) { return [await t.hi(), await t.hi()]; } async call(f, ...args) { return await f(...args); } async echo(x) { return x; } async wrap(x) { return { x }; } async dupped(x) { return x.dup(); }
  async early(t) { t[Symbol.dispose](); try { return await t.hi(); } catch (error) { return error.message; } }
  async using(f) { using result = await f(); return result.n; }
  async keepFor(t, done) { const kept = t.dup(); const tell = done.dup(); this.ctx.waitUntil((async () => { await scheduler.wait(5); await tell(await kept.hi()); kept[Symbol.dispose](); })()); }
  async stored(f) { globalThis.stored = f; } async callStored() { try { return await globalThis.stored(); } catch (error) { return error.name; } }`;

class Logged extends RpcTarget {
  constructor(log, name = "disposed") {
    super();
    this.log = log;
    this.name = name;
  }
  hi() { return "hi"; }
  [Symbol.dispose]() { this.log.push(this.name); }
  [Symbol.asyncDispose]() { this.log.push("never"); }
}

/** Disposers run soon, not at once. */
async function until(condition) {
  for (let i = 0; i < 300 && !condition(); i++) await scheduler.wait(1);
}

async function logs(log, wanted) {
  await until(() => log.length >= wanted.length);
  await scheduler.wait(2);
  deepEqual(log, wanted);
}

export const everyObjectResultHasADisposer = {
  async test(_, env) {
    const e = withClass(env, CHILD);
    for (const name of ["plain", "arr", "map", "date", "resp", "err", "bytes"]) {
      const result = await e[name]();
      const { value, ...flags } = Object.getOwnPropertyDescriptor(result, Symbol.dispose);
      deepEqual(flags, { writable: true, enumerable: false, configurable: true }, name);
      deepEqual([typeof value, value.name, value.length], ["function", "", 0], name);
    }
    for (const name of ["str", "num", "nul"]) equal((await e[name]())?.[Symbol.dispose], undefined, name);
    const fn = await e.fn();
    deepEqual([typeof fn[Symbol.dispose], Object.hasOwn(fn, Symbol.dispose)], ["function", false]);
  },
};

export const disposingAResultDisposesWhatIsInside = {
  async test(_, env) {
    const result = await withClass(env, CHILD).plain();
    const { t } = result;
    equal(await t.hi(), "hi");
    const dispose = result[Symbol.dispose];
    dispose();
    dispose();
    await rejects(t.hi(), { name: "Error", message: "RPC stub used after being disposed." });
    equal(result.n, 1);
  },
};

export const usingDisposesAtTheEndOfTheBlock = {
  async test(_, env) {
    const e = withClass(env, CHILD);
    let kept;
    {
      using result = await e.plain();
      kept = result.t;
      equal(await kept.hi(), "hi");
    }
    await rejects(kept.hi(), { message: "disposed" });
  },
};

export const disposingTwiceIsHarmless = {
  async test(_, env) {
    const stub = await withClass(env, CHILD).mk();
    stub[Symbol.dispose]();
    stub[Symbol.dispose]();
    for (const use of [() => stub.hi(), () => stub.p, () => stub()]) {
      await rejects(Promise.resolve(use()), { name: "Error", message: "RPC stub used after being disposed." });
    }
  },
};

export const aDupIsIndependent = {
  async test(_, env) {
    const stub = await withClass(env, CHILD).mk();
    const second = stub.dup();
    const third = second.dup();
    stub[Symbol.dispose]();
    equal(await second.hi(), "hi");
    second[Symbol.dispose]();
    equal(await third.hi(), "hi");
    await rejects(second.hi(), { message: "disposed" });
  },
};

export const aCallOutlivesTheStubItWasMadeOn = {
  async test(_, env) {
    const stub = await withClass(env, CHILD).mk();
    const call = stub.hi();
    stub[Symbol.dispose]();
    equal(await call, "hi");
  },
};

export const aTargetIsDisposedAfterItsCall = {
  async test(_, env) {
    const log = [];
    equal(await withClass(env, CHILD).twice(new Logged(log)).then(([first]) => first), "hi");
    await logs(log, ["disposed"]);
  },
};

export const aTargetSentTwiceInOneMessageIsDisposedOnce = {
  async test(_, env) {
    const log = [];
    const target = new Logged(log);
    await withClass(env, CHILD).both(target, target);
    await logs(log, ["disposed"]);
  },
};

export const aTargetIsDisposedOncePerMessage = {
  async test(_, env) {
    const log = [];
    const target = new Logged(log);
    const e = withClass(env, CHILD);
    await e.use(target);
    await e.use(target);
    await logs(log, ["disposed", "disposed"]);
  },
};

export const aTargetIsDisposedHoweverTheCallEnds = {
  async test(_, env) {
    const e = withClass(env, CHILD);
    for (const call of [(t) => e.fail(t), (t) => e.nope(t), (t) => e.alarm(t), (t) => e.ignore(t), (t) => e.use(t, Symbol("x"))]) {
      const log = [];
      await call(new Logged(log)).catch(() => {});
      await logs(log, ["disposed"]);
    }
  },
};

export const functionsMayHaveDisposersToo = {
  async test(_, env) {
    const log = [];
    const f = Object.assign(() => "called", { [Symbol.dispose]: () => log.push("function") });
    equal(await withClass(env, CHILD).call(f), "called");
    await logs(log, ["function"]);
  },
};

export const theSenderKeepsItsStub = {
  async test(_, env) {
    const log = [];
    const stub = new RpcStub(new Logged(log));
    const e = withClass(env, CHILD);
    equal(await e.use(stub), "hi");
    equal(await e.use(stub), "hi");
    equal(await stub.hi(), "hi");
    deepEqual(log, []);
    stub[Symbol.dispose]();
    await logs(log, ["disposed"]);
  },
};

export const aStubMayGoWhileItsArgumentIsInUse = {
  async test(_, env) {
    const log = [];
    const stub = new RpcStub(new Logged(log));
    const call = withClass(env, CHILD).use(stub);
    stub[Symbol.dispose]();
    equal(await call, "hi");
    await logs(log, ["disposed"]);
  },
};

export const receivedStubsMayBeDisposedEarly = {
  async test(_, env) {
    const log = [];
    equal(await withClass(env, CHILD).early(new Logged(log)), "RPC stub used after being disposed.");
    await logs(log, ["disposed"]);
  },
};

export const aDuppedArgumentLivesOnInItsInvocation = {
  async test(_, env) {
    const log = [];
    let late;
    await withClass(env, CHILD).keepFor(new Logged(log), (hi) => { late = hi; });
    await until(() => late !== undefined);
    equal(late, "hi");
    await logs(log, ["disposed"]);
  },
};

export const anArgumentKeptWithoutDupIsDead = {
  async test(_, env) {
    const e = withClass(env, CHILD);
    await e.stored(() => 1);
    equal(await e.callStored(), "Error");
  },
};

export const aTargetsOwnDupSaysWhatIsLent = {
  async test(_, env) {
    const log = [];
    class Careful extends Logged {
      dup() {
        log.push("dup");
        return new Logged(log, "copy disposed");
      }
    }
    const e = withClass(env, CHILD);
    await e.both(...Array(2).fill(new Careful(log, "original disposed")));
    await logs(log, ["dup", "copy disposed"]);
    const f = Object.assign(() => "original", { dup: () => () => "copy" });
    equal(await e.call(f), "copy");
  },
};

export const aDupOfAnotherKindIsRefused = {
  async test(_, env) {
    const e = withClass(env, CHILD);
    for (const given of [5, null, {}, () => 1, Promise.resolve(new Logged([])), new RpcStub({})]) {
      class Odd extends RpcTarget {
        dup() { return given; }
      }
      await rejects(e.use(new Odd()), { name: "DataCloneError", message: "dup() method which did not return another" });
    }
    await rejects(e.call(Object.assign(() => 1, { dup: () => new Logged([]) })), { name: "DataCloneError", message: "for the function" });
    class Throwing extends RpcTarget {
      dup() { throw new RangeError("dup"); }
    }
    await rejects(e.use(new Throwing()), { name: "RangeError", message: "dup" });
  },
};

export const anEchoedTargetLivesUntilItsStubGoes = {
  async test(_, env) {
    const e = withClass(env, CHILD);
    for (const name of ["echo", "dupped"]) {
      const log = [];
      const stub = await e[name](new Logged(log));
      await scheduler.wait(3);
      deepEqual(log, [], name);
      equal(await stub.hi(), "hi", name);
      stub[Symbol.dispose]();
      await logs(log, ["disposed"]);
    }
    const log = [];
    const wrapped = await e.wrap(new Logged(log));
    equal(await wrapped.x.hi(), "hi");
    wrapped[Symbol.dispose]();
    await logs(log, ["disposed"]);
  },
};

// What is inside a result goes first, then its sender's own disposer runs.
export const aResultsOwnDisposerRuns = {
  async test(_, env) {
    const log = [];
    const make = () => ({
      n: 3,
      target: new Logged(log, "inner"),
      [Symbol.dispose]() { log.push(`own ${this.n}`); },
    });
    equal(await withClass(env, CHILD).using(make), 3);
    await logs(log, ["inner", "own 3"]);
  },
};

export const aLocalStubDisposesWhatItWraps = {
  async test() {
    for (const make of [(d) => ({ [Symbol.dispose]: d }), (d) => Object.assign(() => 1, { [Symbol.dispose]: d })]) {
      const log = [];
      const stub = new RpcStub(make(() => log.push("wrapped")));
      const second = stub.dup();
      stub[Symbol.dispose]();
      await scheduler.wait(3);
      deepEqual(log, []);
      second[Symbol.dispose]();
      deepEqual(log, [], "not at once");
      await logs(log, ["wrapped"]);
    }
  },
};

export const aDisposerThatThrowsHarmsNobody = {
  async test(_, env) {
    const e = withClass(env, `make() { return new (class extends RpcTarget { hi() { return "hi"; } [Symbol.dispose]() { throw new Error("in a disposer"); } })(); } n() { return 1; }`);
    for (let i = 0; i < 3; i++) {
      using stub = await e.make();
      equal(await stub.hi(), "hi");
    }
    equal(await e.n(), 1);
  },
};

export const aDisposedPromiseCannotBePipelined = {
  async test(_, env) {
    const promise = withClass(env, CHILD).plain();
    promise[Symbol.dispose]();
    await rejects(promise.t.hi(), { name: "Error", message: "RPC promise used after being disposed." });
    const result = await promise;
    equal(result.n, 1);
    await rejects(result.t.hi(), { message: "RPC stub used after being disposed." });
  },
};

export const whatWasPipelinedBeforeStillArrives = {
  async test(_, env) {
    const promise = withClass(env, CHILD).plain();
    const hi = promise.t.hi();
    promise[Symbol.dispose]();
    equal(await hi, "hi");
  },
};

export const aReturnedLocalStubStaysAlive = {
  async test(_, env) {
    const e = entry(env, `import { RpcStub, WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint {
      stub() { return new RpcStub({ f: () => "f" }); } inside() { const s = new RpcStub(() => "g"); return { a: s, b: s }; } }`);
    const stub = await e.stub();
    equal(await stub.f(), "f");
    equal(await stub.f(), "f");
    const { a, b } = await e.inside();
    equal(await a(), "g");
    equal(await b(), "g");
  },
};
