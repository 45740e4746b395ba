// worker-loader.md §4 and §11 "RPC".

import { RpcStub, RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { withClass } from "./_load.js";

const ECHO = "echo(x) { return x; } type(x) { return x?.constructor?.name ?? typeof x; }";

export class Counter extends WorkerEntrypoint {
  async apply(f, x) {
    return await f(x);
  }
}

export const anyNumberOfArguments = {
  async test(_, env) {
    const e = withClass(env, "count(...args) { return args.length; }");
    equal(await e.count(), 0);
    equal(await e.count(1, undefined, 3), 3);
  },
};

export const valuesKeepTheirTypes = {
  async test(_, env) {
    const e = withClass(env, ECHO);
    for (const value of [undefined, null, true, 0, -0, NaN, Infinity, 1.5, 2n ** 70n, "", "ü€𝄞", "\ud800", new Date(5), /a+/gi]) {
      const back = await e.echo(value);
      if (typeof value === "object" && value !== null) equal(String(back), String(value));
      else equal(back, value);
    }
    deepEqual(await e.echo(new Map([["a", new Set([1])]])), new Map([["a", new Set([1])]]));
    deepEqual({ ...(await e.echo({ a: [1, { b: undefined }], __proto__: { c: 1 } }).catch(() => ({ failed: 1 }))) }, { failed: 1 });
    equal(await e.type(new Float64Array(2)), "Float64Array");
    equal(await e.type(new Headers({ a: "b" })), "Headers");
  },
};

export const sparseArraysAndExtraProperties = {
  async test(_, env) {
    const list = [1, , 3];
    list.name = "x";
    const back = await withClass(env, ECHO).echo(list);
    equal(1 in back, false);
    equal(back.length, 3);
    equal(back.name, "x");
  },
};

export const cyclesAndSharedReferences = {
  async test(_, env) {
    const cyclic = { shared: { n: 1 } };
    cyclic.self = cyclic;
    cyclic.again = cyclic.shared;
    const back = await withClass(env, ECHO).echo(cyclic);
    equal(back.self, back);
    equal(back.again, back.shared);
  },
};

export const buffersAreCopied = {
  async test(_, env) {
    const bytes = new Uint8Array([1, 2, 3, 4]);
    const back = await withClass(env, ECHO).echo(bytes.subarray(1, 3));
    deepEqual([...back], [2, 3]);
    equal(bytes.buffer.detached, false);
  },
};

export const aViewLeavesTheRestOfItsBufferAtHome = {
  async test(_, env) {
    const e = withClass(env, "read(view) { return view.buffer.byteLength; }");
    equal(await e.read(new Uint8Array([1, 2, 3, 4]).subarray(1, 3)), 2);
  },
};

export const gettersRunOnce = {
  async test(_, env) {
    let reads = 0;
    const back = await withClass(env, ECHO).echo({ get x() { return ++reads; } });
    equal(back.x, 1);
    equal(reads, 1);
  },
};

export const prototypeKeysAreData = {
  async test(_, env) {
    const evil = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}');
    const back = await withClass(env, ECHO).echo(evil);
    ok(Object.hasOwn(back, "__proto__"));
    equal({}.polluted, undefined);
    equal(back.polluted, undefined);
  },
};

export const whatCannotBeSent = {
  async test(_, env) {
    const e = withClass(env, ECHO + " make() { return new (class Foo {})(); }");
    class Foo {}
    includes((await rejects(e.echo(new Foo()), { name: "DataCloneError" })).message, '"Foo"');
    for (const bad of [Object.create(null), new URL("http://x/"), Symbol("s"), Promise.resolve(1), new WeakMap(), new AbortController()]) {
      const error = await rejects(e.echo(bad), { name: "DataCloneError" });
      equal(error.remote, undefined);
      equal(error.code, 25);
    }
    equal((await rejects(e.make(), { name: "DataCloneError", message: "Foo" })).remote, true);
  },
};

export const functionsBecomeStubs = {
  async test(_, env) {
    const e = withClass(env, "async run(f) { return [await f(5), typeof f, await f.x]; } make() { let n = 0; return { up: () => ++n, tag: 't' }; }");
    deepEqual([...(await e.run(Object.assign((x) => x * 2, { x: 3 })))], [10, "function", 3]);
    using made = await e.make();
    equal(await made.up(), 1);
    equal(await made.up(), 2);
    equal(made.tag, "t");
  },
};

export const targetsArePassedByReference = {
  async test(_, env) {
    class Point extends RpcTarget {
      #x = 1;
      y = 2;
      get x() { return this.#x; }
      move(d) { this.#x += d; return this.#x; }
    }
    const e = withClass(env, "async run(p) { await p.move(4); let y; try { await p.y; } catch (e) { y = e.message; } return [await p.x, y]; }");
    const [x, y] = await e.run(new Point());
    equal(x, 5);
    includes(y, 'does not implement the method "y"');
  },
};

export const callsArePipelined = {
  async test(_, env) {
    const e = withClass(env, "user(id) { return { profile: { name: () => 'n' + id }, list: [1] }; } fail() { throw new TypeError('no'); } text() { return 'x'; }");
    equal(await e.user(7).profile.name(), "n7");
    equal(e.user(1).list[1], undefined);
    await rejects(e.fail().a.b(), { name: "TypeError", message: "no" });
    await rejects(e.text().a(), { name: "TypeError" });
    const p = e.user(8);
    await p;
    equal(await p.profile.name(), "n8", "after it has settled");
  },
};

export const propertiesAreReadByAwaiting = {
  async test(_, env) {
    const e = withClass(env, "n = 0; get g() { return Promise.resolve(41).then((x) => x + 1); } get f() { return (x) => x + 1; }");
    equal(await e.g, 42);
    equal(await (await e.f)(1), 2);
    await rejects(Promise.resolve(e.n), { name: "TypeError", message: 'does not implement the method "n"' });
  },
};

export const onlyPrototypeMembersAreVisible = {
  async test(_, env) {
    const e = withClass(env, "x = 1; arrow = () => 1; #p() {} m() { return 1; }");
    for (const name of ["x", "arrow", "env", "ctx", "#p", "nope"]) {
      const error = await rejects(e[name](), { name: "TypeError", message: "does not implement the method" });
      equal(error.remote, true);
    }
    for (const name of ["alarm", "dup", "webSocketMessage", "webSocketClose", "webSocketError"]) {
      await rejects(e[name](), { name: "TypeError", message: "reserved method" });
    }
    equal(await e.m(), 1);
    await rejects(e.m.deeper(), { name: "TypeError" });
  },
};

export const callbacksEndWithTheirCall = {
  async test(_, env) {
    const e = withClass(env, `
      async keep(f) { globalThis.kept = f; globalThis.duped = f.dup(); return f(1); }
      async late() { try { return await globalThis.kept(2); } catch (e) { return e.message; } }
      dup() {}`);
    equal(await e.keep((x) => x + 1), 2);
    includes(await e.late(), "disposed");
  },
};

export const disposedStubsRefuse = {
  async test(_, env) {
    const e = withClass(env, "make() { return { f: () => 1 }; } text() { return 'x'; }");
    const made = await e.make();
    ok(!Object.keys(made).includes("Symbol.dispose"));
    equal(typeof made[Symbol.dispose], "function");
    made[Symbol.dispose]();
    made[Symbol.dispose]();
    await rejects(made.f(), { message: "RPC stub used after being disposed" });
    equal((await e.text())[Symbol.dispose], undefined);
  },
};

export const theDisposerRunsWhenTheLastHandleGoes = {
  async test(_, env) {
    let disposed = 0;
    class T extends RpcTarget {
      hi() { return 1; }
      [Symbol.dispose]() { disposed++; }
    }
    const e = withClass(env, "async run(t) { return t.hi(); }");
    equal(await e.run(new T()), 1);
    for (let i = 0; i < 200 && disposed === 0; i++) await scheduler.wait(1);
    equal(disposed, 1);
  },
};

export const callsStartInOrder = {
  async test(_, env) {
    const e = withClass(env, "add(x) { (globalThis.seen ??= []).push(x); } seen() { return globalThis.seen; }");
    e.add(1);
    e.add(2);
    e.add(3);
    deepEqual([...(await e.seen())], [1, 2, 3]);
  },
};

export const errorsKeepNameMessageAndProperties = {
  async test(_, env) {
    const e = withClass(env, `
      typed() { throw Object.assign(new TypeError("m"), { code: 7 }); }
      custom() { class Foo extends Error { name = "Foo"; } throw new Foo("f"); }
      text() { throw "s"; }
      plain() { throw { a: 1 }; }
      nothing() { throw undefined; }
      returned() { return new Error("r", { cause: new TypeError("c") }); }
      uncloneable() { throw Object.assign(new Error("u"), { p: Promise.resolve() }); }`);
    const typed = await rejects(e.typed(), { name: "TypeError", message: "m" });
    ok(typed instanceof TypeError);
    equal(typed.code, 7);
    equal(typed.remote, true);
    equal(typeof typed.stack, "string");
    const custom = await rejects(e.custom(), { name: "Foo", message: "f" });
    ok(custom instanceof Error);
    equal((await rejects(e.text(), { name: "Error", message: "s" })).remote, true);
    const plain = await rejects(e.plain());
    equal(plain.a, 1);
    equal(plain.remote, true);
    await rejects(e.nothing(), { name: "Error", message: "undefined" });
    const returned = await e.returned();
    equal(returned.message, "r");
    ok(returned.cause instanceof TypeError);
    equal(returned.remote, undefined);
    await rejects(e.uncloneable(), { name: "Error", message: "u" });
  },
};

export const unawaitedFailuresAreUnhandledRejections = {
  async test(_, env) {
    const seen = [];
    const listener = (event) => {
      seen.push(event.reason.message);
      event.preventDefault();
    };
    addEventListener("unhandledrejection", listener);
    withClass(env, "run() { throw new Error('nobody listens'); }").run();
    for (let i = 0; i < 300 && seen.length === 0; i++) await scheduler.wait(1);
    removeEventListener("unhandledrejection", listener);
    deepEqual(seen, ["nobody listens"]);
  },
};

export const streamsAreHandedOver = {
  async test(_, env) {
    const e = withClass(env, `
      async size(s) { let n = 0; for await (const chunk of s) n += chunk.byteLength; return n; }
      make(n) { let i = 0; return new ReadableStream({ pull(c) { i++ < n ? c.enqueue(new Uint8Array(1000).fill(i)) : c.close(); } }); }
      broken() { return new ReadableStream({ pull(c) { c.error(new Error("inner")); } }); }`);
    const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array(5)); c.enqueue(new TextEncoder().encode("abc")); c.close(); } });
    const sent = e.size(stream);
    equal(stream.locked, true);
    equal(await sent, 8);
    equal((await new Response(await e.make(20)).arrayBuffer()).byteLength, 20_000);
    await rejects(new Response(await e.broken()).text(), { message: "disconnected prematurely" });
    await rejects(e.size(stream), { name: "TypeError", message: "locked" });
  },
};

export const writableStreamsReachTheSendersSink = {
  async test(_, env) {
    const chunks = [];
    let closed = false;
    const sink = new WritableStream({ write(chunk) { chunks.push(new TextDecoder().decode(chunk)); }, close() { closed = true; } });
    await withClass(env, "async run(w) { const writer = w.getWriter(); await writer.write(new TextEncoder().encode('a')); await writer.write('b'); await writer.close(); }").run(sink);
    deepEqual(chunks, ["a", "b"]);
    equal(closed, true);
  },
};

export const requestsAndResponsesTravel = {
  async test(_, env) {
    const e = withClass(env, `
      async read(r) { return [r.method, r.url, r.headers.get("a"), await r.text()]; }
      make() { return new Response("body", { status: 418, headers: { "x-y": "z" } }); }`);
    deepEqual([...(await e.read(new Request("http://h/p", { method: "PUT", body: "b", headers: { a: "1" } })))], ["PUT", "http://h/p", "1", "b"]);
    const response = await e.make();
    equal(response.status, 418);
    equal(response.headers.get("x-y"), "z");
    equal(response.url, "");
    equal(await response.text(), "body");
    await rejects(e.read(new Request("http://h/", { signal: new AbortController().signal })), { name: "DataCloneError" });
  },
};

export const messagesAreLimited = {
  async test(_, env) {
    const e = withClass(env, ECHO);
    await rejects(e.echo("x".repeat(33 * 1024 * 1024)), { message: "32MiB" });
    equal((await e.echo("y".repeat(1024 * 1024))).length, 1024 * 1024);
  },
};

export const capabilitiesFlowBetweenWorkers = {
  async test(_, env) {
    const a = withClass(env, "make() { let n = 10; return { up: (d) => (n += d) }; }");
    const b = withClass(env, "async use(up) { return [await up(1), await up(1)]; }");
    using made = await a.make();
    deepEqual([...(await b.use(made.up))], [11, 12]);
  },
};

export const localStubsBehaveAsIfRemote = {
  async test() {
    const stub = new RpcStub({ f: (x) => x + 1, n: 4 });
    equal(await stub.f(1), 2);
    equal(await stub.n, 4);
    ok(stub instanceof RpcStub);
    throws(() => new RpcStub(5), { name: "TypeError" });
    throws(() => new RpcStub(new Map()), { name: "TypeError", message: "RpcStubs can only wrap" });
    await rejects(stub.g(), { name: "TypeError", message: "does not implement" });
  },
};

export const hostObjectsNameTheirClass = {
  async test(_, env) {
    const tag = (value) => Object.prototype.toString.call(value);
    equal(tag(env.LOADER), "[object WorkerLoader]");
    equal(tag(withClass(env, "")), "[object Fetcher]");
    equal(await withClass(env, "run() { return Object.prototype.toString.call(this.ctx); }").run(), "[object ExecutionContext]");
  },
};

export const stubsLookLikeAnything = {
  test(_, env) {
    const e = withClass(env, "");
    equal(typeof e.nope, "function");
    equal(e.then, undefined);
    equal(typeof e.toString, "function");
    equal(Object.prototype.toString.call(e.x()), "[object JsRpcPromise]");
  },
};

export const receivedStubsCanBeReturned = {
  async test(_, env) {
    const e = withClass(env, "give(f) { return f; } wrap(f) { return { f }; }");
    equal(await (await e.give((x) => x + 1))(1), 2);
    using wrapped = await e.wrap((x) => x * 2);
    equal(await wrapped.f(4), 8);
  },
};

export const domExceptionsAndAggregatesKeepWhatTheyAre = {
  async test(_, env) {
    const e = withClass(env, `
      dom() { throw new DOMException("d", "NotFoundError"); }
      many() { throw new AggregateError([new TypeError("one"), 2], "m"); }
      bad() { return Promise.resolve(new WeakMap()); }`);
    const dom = await rejects(e.dom(), { name: "NotFoundError", message: "d" });
    ok(dom instanceof DOMException);
    equal(dom.code, 8);
    const many = await rejects(e.many(), { name: "AggregateError", message: "m" });
    ok(many.errors[0] instanceof TypeError);
    equal(many.errors[1], 2);
    equal((await rejects(e.bad(), { name: "DataCloneError" })).code, 25);
  },
};

export const aWorkersOwnExportsDoNotLeaveIt = {
  async test(_, env) {
    const e = withClass(env, "self() { return this.ctx.exports.default({ props: {} }); }");
    await rejects(e.self(), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers" });
  },
};
