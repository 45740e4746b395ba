// worker-loader.md §6, §10 and §11 "Environment".

import { deepEqual, equal, includes, ok, rejects } from "./_assert.js";
import { entry, withClass } from "./_load.js";

export const ioIsForbiddenAtTheTopLevel = {
  async test(_, env) {
    for (const statement of ["fetch('http://x/')", "setTimeout(() => {}, 1)", "crypto.randomUUID()", "crypto.getRandomValues(new Uint8Array(1))", "AbortSignal.timeout(1)", "new Response('x')"]) {
      const error = await rejects(entry(env, `await ${statement}; export default {};`).run(0), undefined);
      includes(error.message, "Disallowed operation called within global scope", statement);
    }
  },
};

export const whatIsAllowedAtTheTopLevel = {
  async test(_, env) {
    const e = entry(env, `
      new Response(); new Request("http://x/"); new ReadableStream({}); new URL("http://x/"); new Headers(); structuredClone({});
      new TextEncoder().encode("x"); Math.random(); new Intl.NumberFormat("en"); console.log("top"); queueMicrotask(() => {});
      const evaluated = eval("1");
      export default { run() { return evaluated; } };`);
    equal(await e.run(0), 1);
  },
};

export const theClockStandsAtTheTopLevel = {
  async test(_, env) {
    const e = entry(env, "const top = [performance.now(), Date.now(), new Date().getTime()]; export default { run() { return [...top, Date.now() > 1e12]; } };");
    deepEqual([...(await e.run(0))], [0, 0, 0, true]);
  },
};

// §6.1 and item 109; newer releases of the platform allow it.
export const abortControllersAreForbiddenAtTheTopLevel = {
  async test(_, env) {
    const error = await rejects(entry(env, "new AbortController(); export default {};").run(0));
    includes(error.message, "Disallowed operation called within global scope");
  },
};

export const codeGenerationIsForbiddenInInvocations = {
  async test(_, env) {
    const e = withClass(env, `
      e() { return eval("1"); } f() { return new Function("return 1")(); }
      g() { return Object.getPrototypeOf(async () => {}).constructor("return 1"); }
      w() { return WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); }`);
    for (const name of ["e", "f", "g"]) await rejects(e[name](), { name: "EvalError", message: "Code generation from strings disallowed for this context" });
    includes((await rejects(e.w())).message, "Wasm code generation disallowed by embedder");
  },
};

export const absentGlobalsAreAbsent = {
  async test(_, env) {
    const names = ["window", "document", "location", "XMLHttpRequest", "localStorage", "indexedDB", "importScripts", "Temporal", "ShadowRealm"];
    const e = withClass(env, "run(names) { return names.filter((n) => typeof globalThis[n] !== 'undefined'); }");
    deepEqual([...(await e.run(names))], []);
  },
};

export const randomNumbersDifferBetweenSiblings = {
  async test(_, env) {
    const seen = new Set();
    for (let i = 0; i < 20; i++) {
      for (const value of await withClass(env, "run() { return [Math.random(), crypto.randomUUID()]; }").run()) seen.add(value);
    }
    equal(seen.size, 40);
  },
};

export const siblingsShareNothing = {
  async test(_, env) {
    await withClass(env, "run() { Object.prototype.polluted = 1; globalThis.left = 1; Array.prototype.map = () => 'gone'; return 1; }").run();
    deepEqual([...(await withClass(env, "run() { return [{}.polluted, globalThis.left, [1].map((x) => x)[0]]; }").run())], [undefined, undefined, 1]);
  },
};

export const thePlatformIsThere = {
  async test(_, env) {
    const e = withClass(env, `async run() {
      const results = {};
      results.url = new URL("../x?y=1#z", "http://a.b/c/d/e").href;
      results.params = [...new URLSearchParams("a=1&b=2&a=3").getAll("a")].join();
      results.text = new TextDecoder().decode(new TextEncoder().encode("grüße"));
      results.base64 = atob(btoa("hello"));
      results.hash = [...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc")))].slice(0, 4).map((b) => b.toString(16)).join("");
      results.uuid = /^[0-9a-f-]{36}$/.test(crypto.randomUUID());
      results.clone = structuredClone(new Map([[1, { a: [new Date(3)] }]])).get(1).a[0].getTime();
      results.json = await Response.json({ a: 1 }).text();
      results.headers = [...new Headers([["b", "2"], ["A", "1"], ["a", "3"]])].join("|");
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 1);
      results.abort = await new Promise((r) => controller.signal.addEventListener("abort", () => r(controller.signal.reason.name)));
      results.stream = await new Response(new Blob(["a", "b"]).stream().pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).text();
      results.intl = new Intl.DateTimeFormat("de", { timeZone: "UTC", month: "long" }).format(new Date(0));
      results.order = await new Promise((r) => { const o = []; setTimeout(() => { o.push("timer"); r(o.join()); }, 0); queueMicrotask(() => o.push("micro")); });
      results.event = (() => { const t = new EventTarget(); let got; t.addEventListener("x", (e) => (got = e.detail)); t.dispatchEvent(new CustomEvent("x", { detail: 5 })); return got; })();
      results.form = await new Response(new URLSearchParams({ a: "1" })).formData().then((f) => f.get("a"));
      results.agent = navigator.userAgent;
      return results;
    }`);
    deepEqual({ ...(await e.run()) }, {
      url: "http://a.b/c/x?y=1#z", params: "1,3", text: "grüße", base64: "hello", hash: "ba7816bf", uuid: true, clone: 3,
      json: '{"a":1}', headers: "a,1, 3|b,2", abort: "AbortError", stream: "ab", intl: "Januar", order: "micro,timer", event: 5, form: "1",
      agent: "Cloudflare-Workers",
    });
  },
};

export const atomicsWaitIsRefused = {
  async test(_, env) {
    const e = withClass(env, "run() { return Atomics.wait(new Int32Array(new ArrayBuffer(8)), 0, 0, 1); }");
    await rejects(e.run(), { name: "TypeError" });
  },
};

/** What each expression gives at the top level of a module, or how it throws there. */
const atTheTop = async (env, expressions) => {
  const results = {};
  for (const expression of expressions) {
    const source = `let r; try { r = await (${expression}); } catch (e) { r = e.name + ": " + e.message; }
      export default { run() { return typeof r === "object" && r !== null ? "object" : String(r); } };`;
    results[expression] = await entry(env, source).run(0);
  }
  return results;
};

/** What `body` returns in a handler. */
const inside = (env, body, extra) => entry(env, `export default { async run() { ${body} } };`, extra).run(0);

export const moreThatIsForbiddenAtTheTopLevel = {
  async test(_, env) {
    const expressions = [
      "fetch('data:,x')", "setInterval(() => {}, 1)", "clearTimeout(1)", "clearInterval(1)", "scheduler.wait(1)", "new Response(new Uint8Array(1))",
      "new Request('http://x/', { method: 'POST', body: 'x' })", "new IdentityTransformStream()", "new FixedLengthStream(1)", "Response.json({})",
    ];
    for (const [expression, result] of Object.entries(await atTheTop(env, expressions))) {
      includes(result, "Error: Disallowed operation called within global scope", expression);
    }
  },
};

export const moreThatIsAllowedAtTheTopLevel = {
  async test(_, env) {
    const expressions = [
      "AbortSignal.abort()", "AbortSignal.any([])", "new Response(null)", "new Request('http://x/', { headers: { a: 'b' } })", "new EventTarget()", "new Event('x')",
      "new FormData()", "new File(['x'], 'n')", "new Blob(['x'])", "new WeakRef({})", "new FinalizationRegistry(() => {})", "new Intl.DateTimeFormat('en')", "new DOMException('x')",
      "crypto.subtle.digest('SHA-256', new Uint8Array(1))", "new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))",
    ];
    for (const [expression, result] of Object.entries(await atTheTop(env, expressions))) equal(result, "object", expression);
  },
};

export const loadersCannotBeUsedAtTheTopLevel = {
  async test(_, env) {
    const e = entry(env, "import { env, waitUntil } from 'cloudflare:workers'; let e; try { waitUntil(1); } catch (x) { e = x.message; } export default { run() { return e; } };");
    includes(await e.run(0), "Disallowed operation called within global scope");
  },
};

export const thereIsNoTimeAtTheTopLevel = {
  async test(_, env) {
    const results = await atTheTop(env, ["Date.now()", "new Date().toISOString()", "performance.now()", "performance.timeOrigin", "new Event('x').timeStamp", "new File(['x'], 'n').lastModified"]);
    deepEqual(Object.values(results), ["0", "1970-01-01T00:00:00.000Z", "0", "0", "0", "0"]);
  },
};

export const forbiddenOperationsWorkInAHandlerLater = {
  async test(_, env) {
    const e = entry(env, "const later = () => crypto.randomUUID().length; export default { async run() { await scheduler.wait(1); return later(); } };");
    equal(await e.run(0), 36);
  },
};

export const whatIsNoCodeMayBeEvaluated = {
  async test(_, env) {
    const source = "return [String(eval()), new Function()() === undefined, WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))];";
    deepEqual([...(await inside(env, source))], ["undefined", true, true]);
  },
};

export const streamingWasmCompilationIsAbsent = {
  async test(_, env) {
    equal(await inside(env, "return typeof WebAssembly.compileStreaming + typeof WebAssembly.instantiateStreaming;"), "undefinedundefined");
    const compile = "new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])";
    for (const call of [`new WebAssembly.Module(${compile})`, `WebAssembly.compile(${compile})`, `WebAssembly.instantiate(${compile})`]) {
      includes((await rejects(inside(env, `return String(await ${call});`))).message, "Wasm code generation disallowed by embedder");
    }
  },
};

export const timersTakeFunctionsOnly = {
  async test(_, env) {
    for (const callback of ["'code'", "null", "{}", "5", ""]) {
      for (const timer of ["setTimeout", "setInterval"]) await rejects(inside(env, `${timer}(${callback});`), { name: "TypeError" });
    }
  },
};

export const delaysAreClamped = {
  async test(_, env) {
    deepEqual([...(await inside(env, `const fired = [];
      for (const ms of [-5, "x", null, undefined, NaN]) setTimeout((name) => fired.push(name), ms, String(ms));
      setTimeout(() => fired.push("never"), Infinity);
      setTimeout(() => fired.push("never"), 1e300);
      await scheduler.wait(10);
      return fired;`))], ["-5", "x", "null", "undefined", "NaN"]);
    for (const ms of ["5n", "Symbol('ms')"]) await rejects(inside(env, `setTimeout(() => {}, ${ms});`), { name: "TypeError" });
  },
};

export const timersFireInOrderWithTheGlobalAsThis = {
  async test(_, env) {
    equal(await inside(env, `const order = [];
      setTimeout(() => order.push("c"), 3); setTimeout(() => order.push("a"), 0); setTimeout(function () { order.push(this === globalThis); }, 1);
      await scheduler.wait(15); return order.join();`), "a,true,c");
  },
};

export const clearingTimers = {
  async test(_, env) {
    equal(await inside(env, `let fired = 0;
      const one = setTimeout(() => fired++, 2); clearTimeout(String(one));
      const two = setTimeout(() => fired++, 2); clearInterval(two);
      const three = setInterval(() => fired++, 2); clearTimeout(three);
      for (const odd of [undefined, null, 99999, -1, "x", {}]) clearTimeout(odd);
      await scheduler.wait(10); return fired + typeof one;`), "0number");
    for (const call of ["clearTimeout()", "clearInterval()", "clearTimeout(Symbol('id'))"]) await rejects(inside(env, `${call};`), { name: "TypeError" });
  },
};

export const intervalsRepeatUntilCleared = {
  async test(_, env) {
    equal(await inside(env, "return new Promise((resolve) => { let n = 0; const id = setInterval(() => { if (++n === 3) { clearInterval(id); setTimeout(() => resolve(n), 5); } }, 1); });"), 3);
  },
};

export const tenThousandTimersAtMost = {
  async test(_, env) {
    const { name, message } = await inside(env, `const ids = [];
      for (let i = 0; i < 10_000; i++) ids.push(setTimeout(() => {}, 100_000));
      try { setTimeout(() => {}, 1); } catch (e) { return { name: e.constructor.name + " " + e.name, message: e.message }; } finally { ids.forEach((id) => clearTimeout(id)); }`);
    equal(name, "DOMException QuotaExceededError");
    includes(message, "max active timeouts: 10000");
  },
};

export const schedulerWaitCanBeAborted = {
  async test(_, env) {
    const reason = (signal) => inside(env, `return scheduler.wait(10_000, { signal: ${signal} }).then(String, (e) => e.name + ": " + e.message);`);
    includes(await reason("AbortSignal.abort()"), "AbortError: ");
    equal(await reason("AbortSignal.abort(new RangeError('q'))"), "RangeError: q");
    includes(await reason("AbortSignal.timeout(1)"), "TimeoutError: ");
    for (const options of ["5", "{ signal: {} }"]) await rejects(inside(env, `await scheduler.wait(1, ${options});`), { name: "TypeError" });
    equal(await inside(env, "return String(await scheduler.wait(1, null)) + typeof scheduler.postTask;"), "undefinedundefined");
  },
};

export const timersEndWithTheirInvocation = {
  async test(_, env) {
    const e = entry(env, "export default { run() { setTimeout(() => { globalThis.fired = true; }, 2); }, async check() { await scheduler.wait(10); return globalThis.fired ?? 'cancelled'; } };");
    await e.run(0);
    equal(await e.check(0), "cancelled");
  },
};

export const aThrowingTimerHurtsNobody = {
  async test(_, env) {
    deepEqual([...(await inside(env, "const seen = []; addEventListener('error', () => seen.push('event')); setTimeout(() => { throw new Error('late'); }, 1); await scheduler.wait(5); return ['fine', ...seen];"))], ["fine"]);
  },
};

export const timePassesWhileWaiting = {
  async test(_, env) {
    deepEqual([...(await inside(env, `const before = [Date.now(), performance.now()]; await scheduler.wait(20);
      const after = [Date.now(), performance.now()];
      return [after[0] - before[0] >= 19, after[1] - before[1] >= 19, Math.abs(after[0] - after[1]) < 5, performance.timeOrigin];`))], [true, true, true, 0]);
  },
};

// §6.3: the clock of a dynamic worker shows the last event; workerd's goes on.
export const timeStandsWhileComputing = {
  async test(_, env) {
    const e = withClass(env, `
      spin() { const before = [Date.now(), performance.now(), new Date().getTime()]; let x = 0; for (let i = 0; i < 5e6; i++) x += Math.sqrt(i); return [Date.now() - before[0], performance.now() - before[1], new Date().getTime() - before[2]]; }
      async timer() { const before = Date.now(); const due = new Promise((resolve) => setTimeout(() => resolve(Date.now()), 3)); for (let i = 0, x = 0; i < 5e6; i++) x += Math.sqrt(i); return (await due) - before; }`);
    deepEqual([...(await e.spin())], [0, 0, 0]);
    equal(await e.timer(), 3);
    const first = await withClass(env, "now() { return Date.now(); }").now();
    ok(Math.abs(first - Date.now()) < 10_000, "the time");
  },
};

export const unhandledRejectionsFireAnEvent = {
  async test(_, env) {
    deepEqual(JSON.parse(await inside(env, `const seen = [];
      addEventListener("unhandledrejection", (e) => seen.push([e.type, e.reason.message, e.promise === p, e.cancelable, e instanceof PromiseRejectionEvent]));
      addEventListener("rejectionhandled", (e) => seen.push([e.type, e.promise === p]));
      const p = Promise.reject(new Error("u"));
      await scheduler.wait(3); p.catch(() => {}); await scheduler.wait(3);
      return JSON.stringify(seen);`)), [["unhandledrejection", "u", true, false, true], ["rejectionhandled", true]]);
  },
};

export const rejectionsHandledInTimeFireNothing = {
  async test(_, env) {
    equal(await inside(env, `let seen = 0; addEventListener("unhandledrejection", () => seen++);
      const p = Promise.reject(new Error("u")); await 0; await 0; p.catch(() => {}); await scheduler.wait(3); return seen;`), 0);
  },
};

export const anyReasonIsReported = {
  async test(_, env) {
    equal(await inside(env, `const seen = []; addEventListener("unhandledrejection", (e) => seen.push(String(e.reason)));
      Promise.reject(); (async () => { throw 5; })(); Promise.reject(null); await scheduler.wait(3); return seen.sort().join();`), "5,null,undefined");
  },
};

export const aThrowingRejectionListenerHurtsNobody = {
  async test(_, env) {
    equal(await inside(env, "addEventListener('unhandledrejection', () => { throw new Error('listener'); }); Promise.reject(1); await scheduler.wait(3); return 'fine';"), "fine");
  },
};

export const unhandledRejectionsAtTheTopDoNotFailTheStart = {
  async test(_, env) {
    equal(await entry(env, "Promise.reject(new Error('top')); export default { run() { return 'fine'; } };").run(0), "fine");
  },
};

export const reportedErrorsFireAnEvent = {
  async test(_, env) {
    deepEqual(JSON.parse(await inside(env, `const seen = []; addEventListener("error", (e) => seen.push([e.message, e.error?.message ?? String(e.error), e instanceof ErrorEvent]));
      reportError(new TypeError("rep")); reportError("s"); reportError(5); reportError(undefined);
      queueMicrotask(() => { throw new RangeError("mt"); });
      await scheduler.wait(2); return JSON.stringify(seen);`)),
      [["Uncaught TypeError: rep", "rep", true], ["Uncaught s", "s", true], ["Uncaught 5", "5", true], ["Uncaught undefined", "undefined", true], ["Uncaught RangeError: mt", "mt", true]]);
    for (const call of ["reportError()", "queueMicrotask(5)"]) await rejects(inside(env, `${call};`), { name: "TypeError" });
  },
};
