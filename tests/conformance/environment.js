// worker-loader.md §6, §10 and §11 "Environment".

import { deepEqual, equal, includes, rejects } from "./_assert.js";
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
