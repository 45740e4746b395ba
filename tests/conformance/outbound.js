// worker-loader.md §1.8, §5.1, §5.2 and §11 items 66-72: where the global functions of a dynamic worker lead.

import { WorkerEntrypoint } from "cloudflare:workers";
import { deepEqual, equal, includes, rejects, throws } from "./_assert.js";
import { load, withClass } from "./_load.js";

/** Answers what it was asked, or what the path says. */
export class Out extends WorkerEntrypoint {
  async fetch(request) {
    const url = new URL(request.url);
    const status = /^\/redirect(\d+)$/.exec(url.pathname)?.[1];
    if (status !== undefined) return new Response(null, { status: Number(status), headers: { location: url.searchParams.get("to") ?? "/end" } });
    switch (url.pathname) {
      case "/loop": {
        const left = Number(url.searchParams.get("n"));
        return left === 0 ? new Response("end") : new Response(null, { status: 302, headers: { location: `/loop?n=${left - 1}` } });
      }
      case "/no-location":
        return new Response("stays", { status: 302 });
      case "/throw":
        throw Object.assign(new RangeError("out says no"), { code: "X" });
      case "/error":
        return Response.error();
      case "/slow":
        await scheduler.wait(10_000);
        return new Response("late");
    }
    return Response.json({
      method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: await request.text(),
      redirect: request.redirect, props: this.ctx.props, cf: request.cf ?? null,
    });
  }
  upper(text) {
    return text.toUpperCase();
  }
}

const HELPERS = `
  const ask = async (...args) => { const r = await fetch(...args); return [r.status, r.url, r.redirected, r.headers.get("content-type")?.includes("json") ? await r.json() : await r.text()]; };
  const failure = async (body) => { try { await body(); } catch (e) { return [e.name, e.message, e.remote ?? null]; } return null; };`;

/** What `run()` of a worker gives whose requests go to Out. */
async function viaOut(env, ctx, body, props = {}) {
  const source = `import { WorkerEntrypoint } from "cloudflare:workers"; ${HELPERS}
    export default class extends WorkerEntrypoint { async run() { ${body} } }`;
  const result = await load(env, source, { globalOutbound: ctx.exports.Out({ props }) }).getEntrypoint().run();
  return structuredClone(JSON.parse(JSON.stringify(result)));
}

export const aRequestArrivesWhole = {
  async test(_, env, ctx) {
    const [status, url, redirected, seen] = await viaOut(env, ctx, `return ask("http://h:80/p?q=1#f", { method: "post", body: "b", headers: { "X-A": "1" } });`, { tenant: "t1" });
    deepEqual([status, url, redirected], [200, "http://h/p?q=1", false]);
    deepEqual(seen, {
      method: "POST", url: "http://h/p?q=1", headers: { "content-length": "1", "content-type": "text/plain;charset=UTF-8", "x-a": "1" }, body: "b",
      redirect: "manual", props: { tenant: "t1" }, cf: null,
    });
  },
};

export const onlyWhatTheProgramSentIsAdded = {
  async test(_, env, ctx) {
    const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/");`);
    deepEqual(seen.headers, {});
  },
};

export const aBodyOfUnknownLengthIsChunked = {
  async test(_, env, ctx) {
    const [, , , seen] = await viaOut(env, ctx, `
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      writer.write(new Uint8Array([65])).then(() => writer.close());
      return ask("http://h/", { method: "POST", body: readable });`);
    deepEqual([seen.headers, seen.body], [{ "transfer-encoding": "chunked" }, "A"]);
  },
};

export const aFixedLengthStreamSaysItsLength = {
  async test(_, env, ctx) {
    const [, , , seen] = await viaOut(env, ctx, `
      const { readable, writable } = new FixedLengthStream(3);
      const writer = writable.getWriter();
      writer.write(new TextEncoder().encode("abc")).then(() => writer.close());
      return ask("http://h/", { method: "PUT", body: readable });`);
    deepEqual([seen.headers, seen.body], [{ "content-length": "3" }, "abc"]);
  },
};

export const headersOfTheProgramReachTheInterceptor = {
  async test(_, env, ctx) {
    const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/", { headers: { Host: "other", Connection: "x", Cookie: "a=b", "Accept-Encoding": "gzip", "X-U": "\\u20ac" } });`);
    deepEqual(seen.headers, { "accept-encoding": "gzip", connection: "x", cookie: "a=b", host: "other", "x-u": "\u20ac" });
  },
};

export const userAndPasswordStayAtHome = {
  async test(_, env, ctx) {
    const [, url, , seen] = await viaOut(env, ctx, `return ask("http://u:p@h/x");`);
    deepEqual([url, seen.url, seen.headers], ["http://u:p@h/x", "http://h/x", {}]);
  },
};

export const cfReachesTheInterceptorAsJson = {
  async test(_, env, ctx) {
    const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/", { cf: { a: [1, { b: null }], f() {}, d: new Date(0) } });`);
    deepEqual(seen.cf, { a: [1, { b: null }], d: "1970-01-01T00:00:00.000Z" });
  },
};

export const notCachingIsAskedForInHeaders = {
  async test(_, env, ctx) {
    for (const mode of ["no-store", "no-cache"]) {
      const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/", { cache: "${mode}" });`);
      deepEqual(seen.headers, { "cache-control": "no-cache", pragma: "no-cache" });
    }
    const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/", { cache: "no-store", headers: { "Cache-Control": "max-age=1" } });`);
    deepEqual(seen.headers, { "cache-control": "max-age=1", pragma: "no-cache" });
  },
};

export const everyHopIsARequestToTheInterceptor = {
  async test(_, env, ctx) {
    const [status, url, redirected, seen] = await viaOut(env, ctx, `return ask("http://h/redirect302?to=" + encodeURIComponent("http://o/redirect307?to=/last#f"));`);
    deepEqual([status, url, redirected, seen.url], [200, "http://o/last", true, "http://o/last"]);
  },
};

export const aPostBecomesAGetWhenItIsRedirected = {
  async test(_, env, ctx) {
    for (const status of [301, 302, 303]) {
      const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/redirect${status}", { method: "POST", body: "b" });`);
      deepEqual([seen.method, seen.body], ["GET", ""], String(status));
    }
    const [, , , put] = await viaOut(env, ctx, `return ask("http://h/redirect302", { method: "PUT", body: "b" });`);
    deepEqual([put.method, put.body], ["PUT", "b"]);
    const [, , , other] = await viaOut(env, ctx, `return ask("http://h/redirect303", { method: "DELETE" });`);
    equal(other.method, "GET");
  },
};

export const aBodyIsSentAgainAfter307And308 = {
  async test(_, env, ctx) {
    for (const body of [`"b=1"`, `new URLSearchParams({ b: "1" })`, `new TextEncoder().encode("b=1")`, `new Blob(["b=1"])`]) {
      for (const status of [307, 308]) {
        const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/redirect${status}", { method: "POST", body: ${body} });`);
        deepEqual([seen.method, seen.body], ["POST", "b=1"], body);
      }
    }
  },
};

export const aStreamCannotBeSentAgain = {
  async test(_, env, ctx) {
    const failed = await viaOut(env, ctx, `return failure(() => fetch("http://h/redirect307", { method: "POST", body: new Blob(["b"]).stream() }));`);
    equal(failed[0], "TypeError");
    includes(failed[1], "A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect requiring the body to be retransmitted.");
    const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/redirect303", { method: "POST", body: new Blob(["b"]).stream() });`);
    equal(seen.method, "GET");
  },
};

export const authorizationStaysWithItsOrigin = {
  async test(_, env, ctx) {
    for (const [to, kept] of [["/x", true], ["http://h/x", true], ["http://other/x", false], ["http://h:81/x", false], ["https://h/x", false], ["http://sub.h/x", false]]) {
      const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/redirect302?to=" + encodeURIComponent("${to}"), { headers: { authorization: "a", cookie: "c", "x-a": "1" } });`);
      deepEqual(seen.headers, { ...(kept ? { authorization: "a" } : {}), cookie: "c", "x-a": "1" }, to);
    }
  },
};

export const aLostAuthorizationDoesNotComeBack = {
  async test(_, env, ctx) {
    const [, , , seen] = await viaOut(env, ctx, `return ask("http://h/redirect302?to=" + encodeURIComponent("http://o/redirect302?to=" + encodeURIComponent("http://h/end")), { headers: { authorization: "a" } });`);
    deepEqual([seen.url, seen.headers], ["http://h/end", {}]);
  },
};

export const twentyRedirectsAreFollowedAndNoMore = {
  async test(_, env, ctx) {
    deepEqual(await viaOut(env, ctx, `return ask("http://h/loop?n=20");`), [200, "http://h/loop?n=0", true, "end"]);
    const failed = await viaOut(env, ctx, `return failure(() => fetch("http://h/loop?n=21"));`);
    equal(failed[0], "TypeError");
    includes(failed[1], "Too many redirects.");
  },
};

export const aRedirectWithoutATargetIsAnAnswer = {
  async test(_, env, ctx) {
    deepEqual(await viaOut(env, ctx, `return ask("http://h/no-location");`), [302, "http://h/no-location", false, "stays"]);
    deepEqual((await viaOut(env, ctx, `return ask("http://h/redirect302?to=");`)).slice(0, 3), [302, "http://h/redirect302?to=", false]);
  },
};

export const onlyFiveStatusesRedirect = {
  async test(_, env, ctx) {
    for (const status of [300, 305, 306]) {
      deepEqual((await viaOut(env, ctx, `return ask("http://h/redirect${status}");`)).slice(0, 3), [status, `http://h/redirect${status}`, false]);
    }
  },
};

export const locationsAreUrlReferences = {
  async test(_, env, ctx) {
    for (const [to, url] of [["sub?q", "http://h/sub?q"], ["//o/x", "http://o/x"], ["/a b", "http://h/a%20b"], ["/x#new", "http://h/x"], ["http://u:p@o/x", "http://u:p@o/x"]]) {
      equal((await viaOut(env, ctx, `return ask("http://h/redirect302?to=" + encodeURIComponent("${to}"), { method: "GET" });`))[1], url, to);
    }
  },
};

export const aRedirectLeadsToNoOtherScheme = {
  async test(_, env, ctx) {
    for (const to of ["data:,x", "javascript:1", "blob:x", "http://"]) {
      const failed = await viaOut(env, ctx, `return failure(() => fetch("http://h/redirect302?to=" + encodeURIComponent("${to}")));`);
      equal(failed?.[0], "TypeError", to);
      includes(failed[1], "Invalid Location header; unable to follow redirect.");
    }
  },
};

// Mayfly's own, for safety's sake: workerd hands such requests to the interceptor.
export const aRedirectReachesNoFiles = {
  async test(_, env, ctx) {
    for (const to of ["file:///etc/passwd", "ftp://h/"]) {
      const failed = await viaOut(env, ctx, `return failure(() => fetch("http://h/redirect302?to=" + encodeURIComponent("${to}")));`);
      equal(failed?.[0], "TypeError", to);
    }
  },
};

export const manualRedirectsAreSeen = {
  async test(_, env, ctx) {
    deepEqual((await viaOut(env, ctx, `return ask("http://h/redirect302", { redirect: "manual" });`)).slice(0, 3), [302, "http://h/redirect302", false]);
    equal(await viaOut(env, ctx, `return (await fetch(new Request("http://h/redirect302", { redirect: "manual" }))).headers.get("location");`), "/end");
  },
};

export const whatTheInterceptorThrowsIsThrown = {
  async test(_, env, ctx) {
    deepEqual(await viaOut(env, ctx, `try { await fetch("http://h/throw"); } catch (e) { return [e instanceof RangeError, e.message, e.code, e.remote]; }`), [true, "out says no", "X", true]);
  },
};

export const anErrorResponseIsNoAnswer = {
  async test(_, env, ctx) {
    const failed = await viaOut(env, ctx, `return failure(() => fetch("http://h/error"));`);
    equal(failed[0], "TypeError");
    includes(failed[1], "must not be an error response (like Response.error())");
  },
};

export const aSignalEndsTheFetchWithItsReason = {
  async test(_, env, ctx) {
    const failed = (init) => viaOut(env, ctx, `return failure(() => { ${init} return fetch("http://h/slow", { signal }); });`);
    deepEqual((await failed("const signal = AbortSignal.abort();")).slice(0, 2), ["AbortError", "The operation was aborted"]);
    deepEqual((await failed("const signal = AbortSignal.timeout(10);"))[0], "TimeoutError");
    deepEqual((await failed("const c = new AbortController(); setTimeout(() => c.abort(new RangeError('why')), 10); const { signal } = c;")).slice(0, 2), ["RangeError", "why"]);
  },
};

export const theInterceptorsPropsAndMethodsAreOutOfReach = {
  async test(_, env, ctx) {
    const seen = await viaOut(env, ctx, `return [Object.keys(this.env), Object.keys(this.ctx.props), typeof fetch.upper, Object.keys(fetch)];`, { secret: "s" });
    deepEqual(seen, [[], [], "undefined", []]);
  },
};

export const bindingsWorkWithoutANetwork = {
  async test(_, env, ctx) {
    const e = withClass(env, `async run() { return [await this.env.api.upper("x"), (await (await this.env.api.fetch("http://any/thing")).json()).url, await (await fetch("data:,x")).text()]; }`, {
      env: { api: ctx.exports.Out({ props: {} }) }, globalOutbound: null,
    });
    deepEqual([...(await e.run())], ["X", "http://any/thing", "x"]);
  },
};

export const withoutANetworkOtherErrorsStayTheSame = {
  async test(_, env) {
    const e = withClass(env, `async run() { const out = []; for (const url of ["ftp://h/x", "/relative", "blob:x", "file:///x"]) { try { await fetch(url); } catch (e) { out.push(e.name + ": " + e.message); } } return out; }`);
    deepEqual([...(await e.run())], ["TypeError: Fetch API cannot load: ftp://h/x", "TypeError: Invalid URL: /relative", "TypeError: Fetch API cannot load: blob:x", "TypeError: Fetch API cannot load: file:///x"]);
  },
};

export const noNetworkIsARejectionNotAThrow = {
  async test(_, env) {
    const e = withClass(env, `async run() { let p; try { p = fetch("https://example.com/"); } catch { return "threw"; } try { await p; } catch (e) { return [e.name, e.constructor === Error, e.message]; } }`);
    const [name, plain, message] = await e.run();
    deepEqual([name, plain], ["Error", true]);
    includes(message, "This worker is not permitted to access the internet via global functions like fetch().");
  },
};

export const whatIsNoFetcherIsNoOutbound = {
  test(_, env) {
    for (const bad of [{}, 5, "x", () => {}, new Request("http://h/")]) throws(() => load(env, "export default {};", { globalOutbound: bad }), { name: "TypeError" });
  },
};

// worker-loader.md §5.2: the interceptor's own requests go where the parent's go, not where the child's do.
export class Forwarding extends WorkerEntrypoint {
  async fetch(request) {
    const made = new Request(request, { headers: { ...Object.fromEntries(request.headers), authorization: "Bearer injected" } });
    const response = await this.ctx.exports.Out({ props: {} }).fetch(made);
    return new Response(response.body, response);
  }
}

export const anInterceptorAddsWhatTheWorkerNeverSees = {
  async test(_, env, ctx) {
    const e = withClass(env, `async run() { const r = await fetch("http://h/x", { method: "POST", body: "b" }); return r.json(); }`, { globalOutbound: ctx.exports.Forwarding({ props: {} }) });
    const seen = await e.run();
    deepEqual([seen.headers.authorization, seen.body, seen.method], ["Bearer injected", "b", "POST"]);
  },
};

export const anInterceptorThatFailsToAnswerIsAnError = {
  async test(_, env, ctx) {
    const e = withClass(env, `run() { return fetch("http://h/throw").then((r) => r.status); }`, { globalOutbound: ctx.exports.Out({ props: {} }) });
    await rejects(e.run(), { name: "RangeError", message: "out says no" });
  },
};
