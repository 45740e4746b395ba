// worker-loader.md §1.2, §1.5, §1.6 and §11 "Loading".

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { DATE, entry, load, withClass } from "./_load.js";

const ECHO = "export default { run(x) { return x; } };";
const code = (fields) => ({ compatibilityDate: DATE, mainModule: "m.js", modules: { "m.js": ECHO }, globalOutbound: null, ...fields });

export const loadReturnsAStubAtOnce = {
  async test(_, env) {
    const stub = env.LOADER.load(code());
    equal(typeof stub.then, "undefined");
    equal(await stub.getEntrypoint().run(7), 7);
  },
};

export const aSyntaxErrorShowsOnTheFirstCall = {
  async test(_, env) {
    const error = await rejects(entry(env, "syntax error(").run(1));
    includes(error.message, "SyntaxError");
    equal(error.remote, undefined);
  },
};

export const aThrowingTopLevelShowsOnEveryCall = {
  async test(_, env) {
    const e = entry(env, "throw new Error('boom');");
    await rejects(e.run(1), { message: "boom" });
    await rejects(e.fetch("http://x/"), { message: "boom" });
  },
};

export const modulesAreRequired = {
  test(_, env) {
    const error = throws(() => env.LOADER.load({ compatibilityDate: DATE, mainModule: "m.js" }), { name: "TypeError" });
    includes(error.message, "modules");
    includes(error.message, "WorkerCode");
    throws(() => env.LOADER.load(code({ modules: {} })), { name: "TypeError", message: "at least one module" });
  },
};

export const loadWithoutCodeIsATypeError = {
  test(_, env) {
    const error = throws(() => env.LOADER.load(), { name: "TypeError" });
    for (const part of ["load", "WorkerLoader", "WorkerCode"]) includes(error.message, part);
  },
};

export const aTornOffLoadNeedsItsReceiver = {
  test(_, env) {
    const { load: torn } = env.LOADER;
    throws(() => torn(code()), { name: "TypeError" });
  },
};

export const badDatesAndFlagsAreNamed = {
  test(_, env) {
    throws(() => env.LOADER.load(code({ compatibilityDate: "yesterday" })), { message: "Invalid compatibility date: yesterday" });
    throws(() => env.LOADER.load(code({ compatibilityDate: undefined })), { message: "Invalid compatibility date: undefined" });
    throws(() => env.LOADER.load(code({ compatibilityFlags: ["no_such_flag_x"] })), { message: "No such compatibility flag: no_such_flag_x" });
    throws(() => env.LOADER.load(code({ compatibilityFlags: ["nodejs_als", "nodejs_als"] })), { message: "specified multiple times" });
    throws(() => env.LOADER.load(code({ allowExperimental: true })), { message: "allowExperimental" });
  },
};

export const aMissingMainModuleShowsOnTheFirstCall = {
  async test(_, env) {
    await rejects(env.LOADER.load(code({ mainModule: "nope.js" })).getEntrypoint().run(1), { message: "No such module" });
  },
};

export const stringModulesNeedAKnownEnding = {
  test(_, env) {
    const error = throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, "a.txt": "x" } })), { name: "TypeError" });
    includes(error.message, "Module name must end with '.js' or '.py'");
    includes(error.message, "Got: a.txt");
    throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, "a.ts": "x" } })), { name: "TypeError", message: "TypeScript" });
  },
};

export const aModuleHasExactlyOneKind = {
  async test(_, env) {
    const error = throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, x: { js: "", text: "" } } })), { name: "TypeError" });
    includes(error.message, "exactly one of");
    includes(error.message, "2");
    const source = "import t from './x'; export default { run() { return t; } };";
    const stub = env.LOADER.load(code({ modules: { "m.js": source, x: { js: undefined, text: "a" } } }));
    equal(await stub.getEntrypoint().run(0), "a");
  },
};

export const unimportedModulesAreParsedButNotEvaluated = {
  async test(_, env) {
    const bad = env.LOADER.load(code({ modules: { "m.js": ECHO, "u.js": "(" } }));
    await rejects(bad.getEntrypoint().run(1), { message: "SyntaxError" });
    const fine = env.LOADER.load(code({ modules: { "m.js": ECHO, "u.js": "throw new Error('never')" } }));
    equal(await fine.getEntrypoint().run(1), 1);
  },
};

export const textDataAndJsonModules = {
  async test(_, env) {
    const source = `import t from "t"; import d from "./d"; import j from "j";
      export default { run() { return { t, d: [...new Uint8Array(d)], size: d.byteLength, j }; } };`;
    const bytes = new Uint8Array([1, 2, 3, 4]);
    const stub = env.LOADER.load(code({
      modules: { "m.js": source, t: { text: "hi" }, d: { data: bytes.subarray(1, 3) }, j: { json: { a: [1, null] } } },
    }));
    bytes.fill(9);
    const result = await stub.getEntrypoint().run(0);
    deepEqual({ ...result }, { t: "hi", d: [2, 3], size: 2, j: { a: [1, null] } });
    throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, j: { json: { a: 1n } } } })), { name: "TypeError" });
    throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, d: { data: "text" } } })), { name: "TypeError", message: "data" });
  },
};

export const commonJsModules = {
  async test(_, env) {
    const source = `import c from "c"; export default { run() { return [c.a, c.text]; } };`;
    const modules = { "m.js": source, c: { cjs: "exports.a = 1; exports.text = require('./t');" }, t: { text: "hi" } };
    deepEqual([...(await env.LOADER.load(code({ modules })).getEntrypoint().run(0))], [1, "hi"]);
    const named = { ...modules, "m.js": `import { a } from "c"; export default {};` };
    await rejects(env.LOADER.load(code({ modules: named })).getEntrypoint().run(0), { message: "SyntaxError" });
  },
};

export const wasmModules = {
  async test(_, env) {
    // (module (func (export "f") (result i32) i32.const 42))
    const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11]);
    const source = `import w from "w.wasm"; export default { run() { return new WebAssembly.Instance(w).exports.f(); } };`;
    const stub = env.LOADER.load(code({ modules: { "m.js": source, "w.wasm": { wasm } } }));
    equal(await stub.getEntrypoint().run(0), 42);
  },
};

export const theMainModuleMustBeAnEsModule = {
  async test(_, env) {
    const stub = env.LOADER.load(code({ mainModule: "t", modules: { t: { text: "x" } } }));
    await rejects(stub.getEntrypoint().run(0), { message: "Main module must be an ES module" });
  },
};

export const specifiersAreRelativeToTheImporter = {
  async test(_, env) {
    const modules = {
      "src/index.js": `import a from "lib/a.js"; import b from "/b.js"; export default { run() { return [a, b]; } };`,
      "src/lib/a.js": "export default 'inner';",
      "lib/a.js": "export default 'outer';",
      "b.js": "export default 'root';",
    };
    deepEqual([...(await env.LOADER.load(code({ mainModule: "src/index.js", modules })).getEntrypoint().run(0))], ["inner", "root"]);
  },
};

export const specifiersCannotLeaveTheRoot = {
  async test(_, env) {
    await rejects(entry(env, "import '../x.js'; export default {};").run(0), { message: "Invalid module specifier" });
  },
};

export const missingImportsAreNamed = {
  async test(_, env) {
    const error = await rejects(entry(env, "import './gone.js'; export default {};").run(0));
    includes(error.message, 'No such module "gone.js"');
    includes(error.message, 'imported from "m.js"');
    await rejects(entry(env, "import 'node:child_process'; export default {};").run(0), { message: "No such module" });
  },
};

export const dynamicImport = {
  async test(_, env) {
    const source = `export default { async run(x) { return (await import("./w.js")).default + x; }, async gone() { await import("./gone.js"); } };`;
    const e = env.LOADER.load(code({ modules: { "m.js": source, "w.js": "export default 40;" } })).getEntrypoint();
    equal(await e.run(2), 42);
    await rejects(e.gone(0), { message: "No such module" });
  },
};

export const importAttributesAreRefused = {
  async test(_, env) {
    const stub = env.LOADER.load(code({ modules: { "m.js": `import j from "j" with { type: "json" }; export default {};`, j: { json: 1 } } }));
    await rejects(stub.getEntrypoint().run(0), { message: "Failed to start Worker" });
  },
};

export const modulesMayImportEachOther = {
  async test(_, env) {
    const modules = {
      "m.js": `import { b } from "./b.js"; export const a = { n: 1 }; export default { run() { return b() + a.n; } };`,
      "b.js": `import { a } from "./m.js"; export function b() { return a.n + 1; }`,
    };
    equal(await env.LOADER.load(code({ modules })).getEntrypoint().run(0), 3);
  },
};

export const topLevelAwaitMustSettleByItself = {
  async test(_, env) {
    equal(await entry(env, "const d = await crypto.subtle.digest('SHA-256', new Uint8Array(1)); export default { run() { return d.byteLength; } };").run(0), 32);
    await rejects(entry(env, "await new Promise(() => {}); export default {};").run(0), { message: "unsettled" });
  },
};

export const primitiveExportsFailTheStart = {
  async test(_, env) {
    await rejects(entry(env, "export default 5;").run(0), { message: "Incorrect type for map entry 'default'" });
  },
};

export const tooMuchCodeIsRefused = {
  test(_, env) {
    const error = throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, big: { text: "x".repeat(67108865) } } })), { name: "Error" });
    includes(error.message, "code size");
    includes(error.message, "67108864");
  },
};

export const typesAreStrippedOnRequest = {
  async test(_, env) {
    const source = "interface N { n: number }\nexport default { run(x: N): number { return x.n as number; } };";
    const stub = env.LOADER.load({
      compatibilityDate: DATE, compatibilityFlags: ["typescript_strip_types"], mainModule: "m.ts", modules: { "m.ts": source }, globalOutbound: null,
    });
    equal(await stub.getEntrypoint().run({ n: 3 }), 3);
  },
};

export const badTypeScriptIsAStartFailure = {
  async test(_, env) {
    const stub = env.LOADER.load({
      compatibilityDate: DATE, compatibilityFlags: ["typescript_strip_types"], mainModule: "m.ts", modules: { "m.ts": "let x: = 3;" }, globalOutbound: null,
    });
    await rejects(stub.getEntrypoint().run(0), { message: "SyntaxError" });
  },
};

export const theMainModuleIsAPath = {
  async test(_, env) {
    equal(await env.LOADER.load(code({ mainModule: "./m.js" })).getEntrypoint().run(3), 3);
  },
};

export const limitsAreNumbers = {
  test(_, env) {
    ok(env.LOADER.load(code({ limits: null })));
    ok(env.LOADER.load(code({ limits: { cpuMs: 100.5 } })));
    throws(() => env.LOADER.load(code({ limits: { cpuMs: 5n } })), { name: "TypeError" });
  },
};

export const limitsMustBeWholeNumbers = {
  test(_, env) {
    throws(() => env.LOADER.load(code({ limits: { cpuMs: "x" } })), { name: "TypeError", message: "not an integer" });
    throws(() => env.LOADER.load(code({ limits: { cpuMs: -1 } })), { name: "TypeError", message: "expects a positive number" });
    throws(() => env.LOADER.load(code({ limits: { cpuMs: NaN } })), { name: "TypeError" });
    ok(env.LOADER.load(code({ limits: { unknown: 1 } })));
  },
};

export const stateOfAWorkerSurvivesBetweenCalls = {
  async test(_, env) {
    const e = entry(env, "let n = 0; export default { run() { return ++n; } };");
    equal(await e.run(0), 1);
    equal(await e.run(0), 2);
    equal(await entry(env, "let n = 0; export default { run() { return ++n; } };").run(0), 1, "another load");
  },
};

export const aClassProgramWorks = {
  async test(_, env) {
    equal(await withClass(env, "add(a, b) { return a + b; }").add(1, 2), 3);
    ok(load(env, ECHO));
  },
};

export const fieldsAreReadOnceAndInOrder = {
  test(_, env) {
    const read = [];
    const log = (prefix, object) => new Proxy(object, { get(target, key) { read.push(prefix + String(key)); return target[key]; } });
    env.LOADER.load(log("", code({ modules: { "m.js": log("module.", { js: ECHO }) }, limits: {}, env: {}, unknown: 1 })));
    deepEqual(read.filter((key) => !key.includes("allMs") && !key.includes("emoryMb")), [
      "compatibilityDate", "compatibilityFlags", "allowExperimental", "limits", "mainModule", "modules",
      ...["js", "cjs", "text", "data", "json", "py", "wasm"].map((kind) => `module.${kind}`),
      "env", "globalOutbound", "tails", "streamingTails",
    ]);
  },
};

export const anyObjectIsADictionary = {
  async test(_, env) {
    for (const given of [Object.create(code()), Object.assign(Object.create(null), code()), Object.assign(() => {}, code()), new (class { constructor() { Object.assign(this, code()); } })]) {
      equal(await env.LOADER.load(given).getEntrypoint().run(1), 1);
    }
    for (const given of [undefined, null, 5, "x", true]) throws(() => env.LOADER.load(given), { name: "TypeError" });
  },
};

export const aThrowingGetterThrowsFromLoad = {
  test(_, env) {
    throws(() => env.LOADER.load({ ...code(), get env() { throw new RangeError("from the getter"); } }), { name: "RangeError", message: "from the getter" });
  },
};

export const theDictionaryIsConvertedBeforeItIsJudged = {
  test(_, env) {
    const first = (fields, expected) => throws(() => env.LOADER.load(code(fields)), expected);
    first({ modules: {}, compatibilityDate: "bad", env: { f() {} } }, { message: "at least one module" });
    first({ compatibilityDate: "bad", env: { f() {} } }, { message: "Invalid compatibility date" });
    first({ compatibilityFlags: ["nope"], env: { f() {} }, globalOutbound: {} }, { message: "globalOutbound" });
    first({ env: 5, modules: {} }, { message: "'env'" });
    first({ tails: 5, env: 5 }, { message: "'env'" });
    first({ limits: 5, env: 5 }, { message: "'limits'" });
    first({ modules: { "m.js": null }, env: 5 }, { message: "'env'" });
    first({ modules: { "m.js": null, d: { data: 5 } } }, { message: "'data'" });
    first({ allowExperimental: true, modules: {} }, { message: "at least one module" });
  },
};

export const limitsAreConvertedAsIntegers = {
  test(_, env) {
    const limits = (cpuMs) => code({ limits: { cpuMs } });
    for (const cpuMs of [undefined, null, 0, -0, -0.5, 1.5, "5", [7], true, 4294967295, { valueOf: () => 3 }]) ok(env.LOADER.load(limits(cpuMs)));
    for (const cpuMs of ["x", {}, NaN, Infinity, -Infinity]) throws(() => env.LOADER.load(limits(cpuMs)), { name: "TypeError", message: "not an integer" });
    for (const cpuMs of [4294967296, 1e20]) throws(() => env.LOADER.load(limits(cpuMs)), { name: "TypeError", message: "less than or equal to 4294967295" });
    for (const cpuMs of [5n, Symbol("n")]) throws(() => env.LOADER.load(limits(cpuMs)), { name: "TypeError" });
    throws(() => env.LOADER.load(code({ limits: { subRequests: -1 } })), { name: "TypeError", message: "expects a positive number" });
    for (const given of [5, "x"]) throws(() => env.LOADER.load(code({ limits: given })), { name: "TypeError", message: "'limits' field on 'WorkerCode'" });
    for (const given of [null, [], () => {}]) ok(env.LOADER.load(code({ limits: given })));
  },
};

const keys = (env, given) => env.LOADER.load(code({ modules: { "m.js": "export default { run(_, env) { return [Object.prototype.toString.call(env), ...Object.keys(env)]; } };" }, env: given })).getEntrypoint().run(0);

export const envIsWhatCanBeCloned = {
  async test(_, env) {
    deepEqual([...(await keys(env, ["a", "b"]))], ["[object Object]", "0", "1"]);
    deepEqual([...(await keys(env, new Map([[1, 2]])))], ["[object Object]"]);
    deepEqual([...(await keys(env, undefined))], ["[object Object]"]);
    for (const given of [null, 5, "x", Symbol("x")]) throws(() => env.LOADER.load(code({ env: given })), { name: "TypeError", message: "'env' field on 'WorkerCode'" });
    for (const given of [() => {}, new (class Own { a = 1; }), Object.create(null), new Proxy({}, {}), new URL("http://h/")]) {
      throws(() => env.LOADER.load(code({ env: given })), { name: "DataCloneError" });
    }
  },
};

export const envValuesThatCannotBeCloned = {
  test(_, env) {
    for (const value of [() => {}, Symbol("s"), new (class Own {}), Object.create(null), new URL("http://h/"), Promise.resolve(), new WeakMap(), env.LOADER, env.LOADER.load(code()), new ReadableStream(), new FormData()]) {
      throws(() => env.LOADER.load(code({ env: { deep: [{ value }] } })), { name: "DataCloneError" });
    }
  },
};

export const messagesWithoutABodyTravelInEnv = {
  async test(_, env) {
    const source = "export default { run(_, { q, p }) { return [q.url, q.method, q.headers.get('a'), p.status, p.headers.get('b')]; } };";
    const given = { q: new Request("http://h/y", { method: "PUT", headers: { a: "1" } }), p: new Response(null, { status: 204, headers: { b: "2" } }) };
    deepEqual([...(await entry(env, source, { env: given }).run(0))], ["http://h/y", "PUT", "1", 204, "2"]);
    for (const body of [new Response("x"), new Request("http://h/", { method: "POST", body: "x" })]) {
      throws(() => env.LOADER.load(code({ env: { body } })), { name: "DataCloneError", message: "ReadableStream can only be serialized for RPC." });
    }
  },
};

export const envIsReadOnceAndDecodedForTheWorker = {
  async test(_, env) {
    let reads = 0;
    const given = { get n() { return ++reads; }, list: [1] };
    const e = entry(env, "export default { run(_, env) { env.list.push(2); return [env.n, env.n, env.list.length]; } };", { env: given });
    deepEqual([...(await e.run(0))], [1, 1, 2]);
    deepEqual([...(await e.run(0))], [1, 1, 3]);
    deepEqual([reads, given.list.length], [1, 1]);
  },
};

export const tooMuchEnvIsRefused = {
  test(_, env) {
    const { message } = throws(() => env.LOADER.load(code({ env: { a: "x".repeat(1048576) } })), { name: "Error" });
    includes(message, "Dynamic Worker env size (");
    includes(message, "exceeds the maximum allowed size of 1048576 bytes");
    ok(env.LOADER.load(code({ env: { a: "x".repeat(1048000) } })));
  },
};

export const codeIsMeasuredInUtf8 = {
  test(_, env) {
    const { message } = throws(() => env.LOADER.load(code({ modules: { "m.js": ECHO, b: { text: "é".repeat(33554433) } } })), { name: "Error" });
    includes(message, `Dynamic Worker code size (${67108866 + ECHO.length} bytes) exceeds the maximum`);
  },
};

export const outboundAndTailsAreFetchers = {
  test(_, env) {
    for (const globalOutbound of [5, "x", {}, [], () => {}, Symbol("x"), env.LOADER]) throws(() => env.LOADER.load(code({ globalOutbound })), { name: "TypeError", message: "'globalOutbound' field on 'WorkerCode'" });
    for (const tails of [null, 5, "x", {}, new Set()]) throws(() => env.LOADER.load(code({ tails })), { name: "TypeError", message: "'tails' field on 'WorkerCode'" });
    for (const tails of [[5], [undefined], [null], [{}], [,]]) throws(() => env.LOADER.load(code({ tails })), { name: "TypeError", message: "Incorrect type for array element 0" });
    ok(env.LOADER.load(code({ tails: [] })));
  },
};

export const dynamicEntrypointsStayWithTheirParent = {
  test(_, env) {
    const dynamic = entry(env, ECHO);
    for (const fields of [{ env: { dynamic } }, { globalOutbound: dynamic }, { tails: [dynamic] }, { streamingTails: [dynamic] }]) {
      throws(() => env.LOADER.load(code(fields)), { name: "DataCloneError", message: "Entrypoints to dynamically-loaded workers cannot be transferred to other Workers" });
    }
  },
};
