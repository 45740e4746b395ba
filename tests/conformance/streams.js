// worker-loader.md §4.8: streams, and the messages that carry them, over RPC.

import { deepEqual, equal, includes, ok, rejects } from "./_assert.js";
import { withClass } from "./_load.js";

const bytes = (text) => new TextEncoder().encode(text);
const text = (chunk) => new TextDecoder().decode(chunk);
const PREMATURE = "ReadableStream received over RPC disconnected prematurely.";
const GONE = "WritableStream received over RPC was disconnected";

const CHILD = `
  async text(s) { return await new Response(s).text(); } async size(s) { let n = 0; for await (const chunk of s) n += chunk.byteLength; return n; } async one(s) { const { value } = await s.getReader().read(); return value.byteLength; } ignore() { return "ignored"; } echo(s) { return s; } through(s) { return s.pipeThrough(new TransformStream()); }
  async caught(s) { try { await new Response(s).text(); return "read"; } catch (error) { return [error.name, error.message, error.cause]; } } async cancelled(s) { const r = s.getReader(); await r.read(); await r.cancel(new Error("a reason")); return "cancelled"; } async byob(s) { const { value } = await s.getReader({ mode: "byob" }).read(new Uint8Array(3)); return [...value]; } async forked(s) { const [a, b] = s.tee(); return [await new Response(a).text(), await new Response(b).text()]; } seen(s) { return [s.locked, s instanceof ReadableStream || s instanceof WritableStream]; }
  make(n, size = 1000) { let i = 0; return new ReadableStream({ pull(c) { i++ < n ? c.enqueue(new Uint8Array(size).fill(i)) : c.close(); } }); } failing(after) { let i = 0; return new ReadableStream({ pull(c) { if (i++ < after) c.enqueue(new Uint8Array(70000)); else c.error(new RangeError("inner")); } }); } strings() { return new ReadableStream({ start(c) { c.enqueue("str"); c.enqueue("ü"); c.close(); } }); } objects() { return new ReadableStream({ start(c) { c.enqueue({ a: 1 }); c.close(); } }); } empty() { return new ReadableStream({ start(c) { c.close(); } }); } late() { return new ReadableStream({ async pull(c) { await scheduler.wait(10); c.enqueue(new TextEncoder().encode("late")); c.close(); } }); } nested() { return { a: new Response("aa").body, list: [new Response("bb").body] }; } used() { const r = new Response("x"); r.text(); return r; } lockedBody() { const r = new Response("x"); r.body.getReader(); return r.body; }
  countPulls() { globalThis.pulls = 0; return new ReadableStream({ pull(c) { globalThis.pulls++; c.enqueue(new Uint8Array(65536)); } }); } pulls() { return globalThis.pulls; } watched() { return new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)); }, cancel(reason) { globalThis.cancelled = reason.message; } }); } wasCancelled() { return globalThis.cancelled; }
  async write(w) { const x = w.getWriter(); await x.write(new TextEncoder().encode("a")); await x.write(new Uint16Array([98]).buffer); await x.write("str"); await x.close(); return "written"; } async writeUntilError(w) { const x = w.getWriter(); x.closed.catch(() => {}); const seen = []; for (let i = 0; i < 2; i++) { try { await x.write(new Uint8Array(1)); seen.push("ok"); } catch (error) { seen.push([error.name, error.message, error.code, error.remote]); break; } } return seen; } async closing(w) { const x = w.getWriter(); x.closed.catch(() => {}); try { await x.write(new Uint8Array(1)); await x.close(); return "closed"; } catch (error) { return [error.name, error.message]; } } async leave(w) { const x = w.getWriter(); await x.write(new Uint8Array([65])); return "left"; } async abort(w) { await w.abort(new RangeError("mine")); return "aborted"; } async pipe(w) { await new Response("piped").body.pipeTo(w); return "done"; }
  sink() { globalThis.sunk = []; return new WritableStream({ write(c) { globalThis.sunk.push(c.byteLength); }, close() { globalThis.sunk.push("closed"); } }); } sunk() { return globalThis.sunk; } badSink() { return new WritableStream({ write() { throw Object.assign(new RangeError("bad sink"), { code: 5 }); } }); } lockedSink() { const w = new WritableStream(); w.getWriter(); return w; } pair() { return new TransformStream(); } ends() { const { readable, writable } = new TransformStream(); return { readable, writable }; } async useEnds(r, w) { const x = w.getWriter(); const written = x.write(new TextEncoder().encode("through")).then(() => x.close()); const read = await new Response(r).text(); await written; return read; }
  async order(name, s) { (globalThis.order_ ??= []).push(name); if (s) await this.size(s); } ordered() { return globalThis.order_; } async body(request) { return [request.method, request.url, request.redirect, request.headers.get("a"), await request.text()]; } respond(n) { return new Response(this.make(n), { status: 418, statusText: "St", headers: [["a", "b"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]] }); } none() { return new Response(null, { status: 204 }); }`;

const child = (env) => withClass(env, CHILD);
const chunks = (...list) => new ReadableStream({ start(c) { for (const chunk of list) c.enqueue(chunk); c.close(); } });

async function until(condition) {
  for (let i = 0; i < 500 && !condition(); i++) await scheduler.wait(1);
}

function recorder(log, sink = {}) {
  return new WritableStream({
    write(chunk) { log.push(text(chunk)); return sink.write?.(chunk); },
    close() { log.push("close"); return sink.close?.(); },
    abort(reason) { log.push(reason); },
  });
}

export const everyKindOfByteChunkArrives = {
  async test(_, env) {
    const given = chunks(bytes("a"), new Uint16Array([98]), new DataView(bytes("c").buffer), bytes("d").buffer, new Uint8Array(0), "éf");
    equal(await child(env).text(given), "ab\0cdéf");
    equal(await new Response(await child(env).strings()).text(), "strü");
    equal(await new Response(await child(env).empty()).text(), "");
  },
};

export const aSentStreamIsLockedAtOnce = {
  async test(_, env) {
    const stream = chunks(bytes("a"));
    const call = child(env).text(stream);
    equal(stream.locked, true);
    equal(await call, "a");
    await rejects(child(env).text(stream), { name: "TypeError", message: "The ReadableStream has been locked to a reader." });
    const sink = new WritableStream();
    const other = child(env).ignore(sink);
    equal(sink.locked, true);
    await other;
    await rejects(child(env).ignore(sink), { name: "TypeError", message: "locked to a writer" });
  },
};

export const lockedStreamsAreNotReturnedEither = {
  async test(_, env) {
    for (const name of ["lockedBody", "lockedSink", "used"]) {
      equal((await rejects(child(env)[name](), { name: "TypeError", message: "locked to a" })).remote, true);
    }
  },
};

export const aReceivedStreamIsAnOrdinaryOne = {
  async test(_, env) {
    const e = child(env);
    deepEqual([...(await e.seen(chunks()))], [false, true]);
    deepEqual([...(await e.seen(new WritableStream()))], [false, true]);
    deepEqual([...(await e.byob(chunks(bytes("abcdef"))))], [...bytes("abc")]);
    deepEqual([...(await e.forked(chunks(bytes("abc"))))], ["abc", "abc"]);
    equal(await new Response(await e.echo(chunks(bytes("echo")))).text(), "echo");
    equal(await new Response(await e.through(chunks(bytes("through")))).text(), "through");
  },
};

export const errorsOfASourceDoNotTravel = {
  async test(_, env) {
    const e = child(env);
    const failing = () => new ReadableStream({ pull(c) { c.error(new RangeError("inner")); } });
    const throwing = () => new ReadableStream({ pull() { throw new RangeError("inner"); } });
    for (const stream of [failing(), throwing(), chunks({ a: 1 }), chunks(5), chunks(undefined)]) {
      deepEqual([...(await e.caught(stream))], ["Error", PREMATURE, undefined]);
    }
    for (const stream of [await e.failing(0), await e.failing(2), await e.objects()]) {
      equal((await rejects(new Response(stream).arrayBuffer(), { name: "Error", message: PREMATURE })).remote, undefined);
    }
  },
};

export const aReaderThatStopsCancelsTheSource = {
  async test(_, env) {
    for (const name of ["cancelled", "ignore", "one"]) {
      let reason;
      const source = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(10)); }, cancel(why) { reason = why; } });
      await child(env)[name](source);
      await until(() => reason !== undefined);
      equal(reason.message, "Network connection lost.", name);
    }
  },
};

export const cancellingAReturnedStreamReachesItsSource = {
  async test(_, env) {
    const e = child(env);
    const stream = await e.watched();
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel(new Error("a reason that stays here"));
    let seen;
    for (let i = 0; i < 200 && seen === undefined; i++) seen = await e.wasCancelled();
    equal(seen, "Network connection lost.");
  },
};

export const aReturnedStreamKeepsItsInvocationOpen = {
  async test(_, env) {
    const e = child(env);
    equal(await new Response(await e.late()).text(), "late");
    const { a, list } = await e.nested();
    deepEqual([await new Response(a).text(), await new Response(list[0]).text()], ["aa", "bb"]);
  },
};

export const sourcesArePulledOnlyAsTheyAreRead = {
  async test(_, env) {
    let pulls = 0;
    const source = new ReadableStream({ pull(c) { pulls++; c.enqueue(new Uint8Array(65536)); } }, { highWaterMark: 0 });
    await child(env).one(source);
    ok(pulls < 32, `few pulls: ${pulls}`);
    const e = child(env);
    const reader = (await e.countPulls()).getReader();
    await reader.read();
    await scheduler.wait(20);
    const there = await e.pulls();
    ok(there < 32, `few pulls there: ${there}`);
    await reader.cancel();
  },
};

// Far more than the memory of either side.
export const aLargeStreamPasses = {
  async test(_, env) {
    let left = 100 * 16;
    const source = new ReadableStream({ pull(c) { left-- > 0 ? c.enqueue(new Uint8Array(65536)) : c.close(); } });
    equal(await child(env).size(source), 100 * 1024 * 1024);
  },
};

export const writesReachTheSendersSinkAsBuffers = {
  async test(_, env) {
    const log = [];
    let kinds = "";
    equal(await child(env).write(recorder(log, { write(chunk) { kinds += chunk.constructor.name + " "; } })), "written");
    deepEqual(log, ["a", "b\0", "str", "close"]);
    equal(kinds, "ArrayBuffer ArrayBuffer ArrayBuffer ");
    const piped = [];
    equal(await child(env).pipe(recorder(piped)), "done");
    deepEqual(piped, ["piped", "close"]);
  },
};

export const aSinksErrorRejectsTheRemoteWrite = {
  async test(_, env) {
    const bad = () => { throw Object.assign(new RangeError("sink"), { code: 5 }); };
    deepEqual((await child(env).writeUntilError(recorder([], { write: bad }))).at(-1).slice(0, 4), ["RangeError", "sink", 5, undefined]);
    deepEqual([...(await child(env).closing(recorder([], { close: bad })))], ["RangeError", "sink"]);
    const writer = (await child(env).badSink()).getWriter();
    writer.closed.catch(() => {});
    const error = await rejects(writer.write(bytes("x")), { name: "RangeError", message: "bad sink" });
    deepEqual([error.code, error.remote], [5, undefined]);
  },
};

export const aWriterThatGoesAwayAbortsTheSink = {
  async test(_, env) {
    for (const name of ["leave", "ignore", "abort"]) {
      const log = [];
      await child(env)[name](recorder(log));
      await until(() => log.some((entry) => entry instanceof Error));
      includes(log.at(-1).message, GONE, name);
      equal(log.at(-1).retryable, true);
      equal(log.includes("close"), false);
    }
  },
};

export const aReturnedSinkTakesWrites = {
  async test(_, env) {
    const e = child(env);
    const writer = (await e.sink()).getWriter();
    await writer.write(new Uint8Array(3));
    await writer.write("four");
    await writer.close();
    deepEqual([...(await e.sunk())], [3, 4, "closed"]);
  },
};

export const bothEndsOfAPairMayTravel = {
  async test(_, env) {
    const e = child(env);
    const { readable, writable } = await e.ends();
    const writer = writable.getWriter();
    const written = writer.write(bytes("pair")).then(() => writer.close());
    equal(await new Response(readable).text(), "pair");
    await written;
    const mine = new TransformStream();
    equal(await e.useEnds(mine.readable, mine.writable), "through");
    await rejects(e.pair(), { name: "DataCloneError", message: '"TransformStream"' });
  },
};

export const callsWithStreamsStayInOrder = {
  async test(_, env) {
    const e = child(env);
    e.order(1, chunks(bytes("a")));
    e.order(2);
    e.order(3, chunks(bytes("b")));
    deepEqual([...(await e.ordered())], [1, 2, 3]);
  },
};

export const requestsKeepWhatTheySay = {
  async test(_, env) {
    const e = child(env);
    const request = new Request("http://h/p?q", { method: "PUT", body: "b", headers: { a: "1" } });
    deepEqual([...(await e.body(request))], ["PUT", "http://h/p?q", "follow", "1", "b"]);
    equal(request.bodyUsed, true);
    const streamed = new Request("http://h/", { method: "POST", body: chunks(bytes("str"), bytes("eamed")), duplex: "half" });
    equal((await e.body(streamed))[4], "streamed");
    await rejects(e.body(request), { name: "TypeError" });
  },
};

export const responsesKeepWhatTheySay = {
  async test(_, env) {
    const e = child(env);
    const response = await e.respond(3);
    deepEqual([response.status, response.statusText, response.headers.get("a"), response.url, response.redirected], [418, "St", "b", "", false]);
    deepEqual(response.headers.getSetCookie(), ["x=1", "y=2"]);
    equal((await response.arrayBuffer()).byteLength, 3000);
    const none = await e.none();
    deepEqual([none.status, none.body], [204, null]);
  },
};
