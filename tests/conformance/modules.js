// worker-loader.md §1.6: names, kinds, specifiers, CommonJS, import(), and what a failed start says.

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { load } from "./_load.js";

const ECHO = "export default { run(x) { return x; } };";
const EMPTY_WASM = [0, 97, 115, 109, 1, 0, 0, 0];
const wasm = () => new Uint8Array(EMPTY_WASM);
const COMPILED = new WebAssembly.Module(wasm());
const run = (env, modules, extra) => load(env, "", { modules, ...extra }).getEntrypoint().run(0);
/** What `expression` gives in a handler of a main module that begins with `imports`. */
const value = (env, imports, expression, others, extra) =>
  run(env, { "m.js": `${imports}; export default { async run() { return ${expression}; } };`, ...others }, extra);
const failure = async (env, modules) => (await rejects(run(env, modules), { name: "Error", message: "Failed to start Worker:\nUncaught " })).message;

export const aThrowingModuleIsDescribed = {
  async test(_, env) {
    equal(await failure(env, { "m.js": "\n\n  throw new TypeError('boom');" }), "Failed to start Worker:\nUncaught TypeError: boom\n  at m.js:3:9");
    equal(await failure(env, { "m.js": "import './a.js';", "a.js": "\n throw new Error('inner');" }), "Failed to start Worker:\nUncaught Error: inner\n  at a.js:2:8");
  },
};

export const theFramesOfAFailedStartAreShown = {
  async test(_, env) {
    const source = "function f() {\n throw new RangeError('deep');\n}\nf();";
    equal(await failure(env, { "m.js": source }), "Failed to start Worker:\nUncaught RangeError: deep\n  at m.js:2:8 in f\n  at m.js:4:1");
  },
};

export const anythingCanBeThrownAtTheTop = {
  async test(_, env) {
    const thrown = async (expression) => (await failure(env, { "m.js": `throw ${expression};` })).split("\n")[1];
    equal(await thrown("'abc'"), "Uncaught Error: abc");
    equal(await thrown("5"), "Uncaught Error: 5");
    equal(await thrown("null"), "Uncaught Error: null");
    equal(await thrown("undefined"), "Uncaught Error: undefined");
    equal(await thrown("{ a: 1 }"), "Uncaught Error: #<Object>");
    equal(await thrown("new Error()"), "Uncaught Error");
    equal(await thrown("Object.assign(new Error('m'), { name: 'Odd' })"), "Uncaught Error: Odd: m");
    equal(await thrown("new DOMException('m', 'AbortError')"), "Uncaught DOMException(AbortError): m");
  },
};

export const aRejectedTopLevelAwaitIsDescribed = {
  async test(_, env) {
    equal(await failure(env, { "m.js": "\n await Promise.reject(new TypeError('later'));" }), "Failed to start Worker:\nUncaught TypeError: later\n  at m.js:2:23");
    includes(await failure(env, { "m.js": "await Promise.reject('text');" }), "Uncaught Error: text");
  },
};

export const aSyntaxErrorNamesItsLine = {
  async test(_, env) {
    includes(await failure(env, { "m.js": "export default {\n  run() {\n    let x = ;\n} };" }), "Uncaught SyntaxError: Unexpected token ';'\n  at m.js:3:");
    includes(await failure(env, { "m.js": ECHO, "u.js": "\n )" }), "Uncaught SyntaxError: Unexpected token ')'\n  at u.js:2");
    includes(await failure(env, { "m.js": ECHO, c: { cjs: "\n\n)" } }), "Uncaught SyntaxError: Unexpected token ')'\n  at c:3");
    includes(await failure(env, { "m.js": "const a: number = 1; export default {};" }), "SyntaxError");
  },
};

export const missingExportsAreLinkErrors = {
  async test(_, env) {
    const others = { "a.js": "export const a = 1;", j: { json: { a: 1 } }, t: { text: "x" }, w: { wasm: wasm() }, c: { cjs: "exports.a = 1;" } };
    for (const [clause, from] of [["{ b }", "./a.js"], ["d", "./a.js"], ["{ a }", "./j"], ["{ a }", "./t"], ["{ a }", "./w"], ["{ a }", "./c"], ["{ nope }", "cloudflare:workers"], ["d", "cloudflare:workers"]]) {
      const message = await failure(env, { "m.js": `import ${clause} from '${from}'; export default {};`, ...others });
      includes(message, `SyntaxError: The requested module '${from}' does not provide an export named`);
      includes(message, "\n  at m.js:1:");
    }
  },
};

export const missingModulesAreNamedWithTheirImporter = {
  async test(_, env) {
    const missing = async (specifier) => (await failure(env, { "m.js": `import '${specifier}'; export default {};` })).slice("Failed to start Worker:\nUncaught ".length);
    equal(await missing("./gone.js"), 'Error: No such module "gone.js".\n  imported from "m.js"');
    for (const specifier of ["lodash", "node:fsx", "cloudflare:nope", "data:text/javascript,1", "./a.js?x", "./a%20b.js"]) includes(await missing(specifier), "No such module");
    includes(await missing("https://example.com/x.js"), "No such module");
    includes(await failure(env, { "m.js": "import './d/a.js'; export default {};", "d/a.js": "import './gone.js';" }), 'No such module "d/gone.js".\n  imported from "d/a.js"');
  },
};

export const aSpecifierStaysInTheRoot = {
  async test(_, env) {
    includes(await failure(env, { "m.js": "import './d/a.js'; export default {};", "d/a.js": "import '../../x.js';" }), 'TypeError: Invalid module specifier "../../x.js"');
    equal(await value(env, "import v from './d/a.js'", "v", { "d/a.js": "export { default } from '../b.js';", "b.js": "export default 5;" }), 5);
  },
};

export const specifiersAreNormalized = {
  async test(_, env) {
    for (const specifier of ["./d/a.js", "d/a.js", "/d/a.js", "./d//a.js", "./d/./a.js", "./x/../d/a.js"]) {
      equal(await value(env, `import v from '${specifier}'`, "v", { "d/a.js": "export default 5;" }), 5, specifier);
    }
    equal(await value(env, "import v from './a.js'", "v", { "./a.js": "export default 6;" }), 6);
  },
};

export const namesAreCaseSensitiveAndMayBeOdd = {
  async test(_, env) {
    equal(await value(env, "import v from './é😀 b.js'", "v", { "é😀 b.js": "export default 5;" }), 5);
    equal(await value(env, "import v from '__proto__'", "v", { ["__proto__"]: { text: "own" } }), "own");
    includes(await failure(env, { "m.js": "import './A.js'; export default {};", "a.js": "" }), 'No such module "A.js"');
  },
};

export const oneNameIsOneModule = {
  async test(_, env) {
    includes(await failure(env, { "m.js": ECHO, "./m.js": ECHO }), 'Module "m.js" already added to bundle');
  },
};

export const aModuleMayShadowABuiltIn = {
  async test(_, env) {
    equal(await value(env, "import v from 'node:fs'", "v", { "node:fs": { text: "mine" } }), "mine");
    equal(await value(env, "import v from 'cloudflare:workers'", "v", { "cloudflare:workers": { js: "export default 'mine';" } }), "mine");
  },
};

export const bareNamesAreRelativeToo = {
  async test(_, env) {
    const others = { "d/a.js": "export { default } from 'pkg';", "d/pkg": { text: "near" }, pkg: { text: "root" } };
    equal(await value(env, "import v from './d/a.js'", "v", others), "near");
    equal(await value(env, "import v from 'pkg'", "v", others), "root");
  },
};

export const importMetaIsEmpty = {
  async test(_, env) {
    deepEqual([...(await value(env, "", "[Object.keys(import.meta).length, typeof import.meta.url, typeof import.meta.resolve]"))], [0, "undefined", "undefined"]);
  },
};

export const wasmAsASource = {
  async test(_, env) {
    equal(await value(env, "import source m from './w.wasm'", "m instanceof WebAssembly.Module", { "w.wasm": { wasm: wasm() } }), true);
    includes(await failure(env, { "m.js": "import source m from './a.js'; export default {};", "a.js": "" }), "SyntaxError: Source phase import not available for module: a.js.");
  },
};

export const dynamicSourceImportsAreNotSupported = {
  async test(_, env) {
    await rejects(value(env, "", "await import.source('./w.wasm')", { "w.wasm": { wasm: wasm() } }), { name: "Error", message: "Not supported" });
  },
};

export const badWasmFailsTheStartEvenIfNobodyImportsIt = {
  async test(_, env) {
    for (const bytes of [[], [1, 2, 3], [...EMPTY_WASM, 1]]) includes(await failure(env, { "m.js": ECHO, w: { wasm: new Uint8Array(bytes) } }), "Uncaught CompileError: ");
  },
};

export const aCompiledModuleIsAModuleValue = {
  async test(_, env) {
    for (const given of [COMPILED, { wasm: COMPILED }]) equal(await value(env, "import w from 'w'", "w instanceof WebAssembly.Module", { w: given }), true);
  },
};
export const compilingWasmAtTheTopIsUnsettled = {
  async test(_, env) {
    for (const call of ["compile", "instantiate"]) {
      includes(await failure(env, { "m.js": `await WebAssembly.${call}(new Uint8Array([${EMPTY_WASM}])); export default {};` }), "Top-level await in module is unsettled.");
    }
    equal(await value(env, "import w from 'w'; const i = await WebAssembly.instantiate(w)", "String(i)", { w: { wasm: wasm() } }), "[object WebAssembly.Instance]");
  },
};

export const unsettledAwaitOfAnImportedModule = {
  async test(_, env) {
    includes(await failure(env, { "m.js": "import './a.js'; export default {};", "a.js": "await new Promise(() => {});" }), "Top-level await in module is unsettled.");
    equal(await value(env, "const v = (await import('./a.js')).default", "v", { "a.js": "await 0; export default 7;" }), 7);
  },
};

export const commonJsKnowsItsPlace = {
  async test(_, env) {
    const cjs = `module.exports = [__filename, __dirname, this === globalThis, exports === module.exports, typeof require, typeof arguments, Object.keys(module).join()];`;
    deepEqual([...(await value(env, "import c from './c'", "c", { c: { cjs } }))], ["/c", "/", true, true, "function", "object", "path,exports"]);
    deepEqual([...(await value(env, "import c from './d/e/c'", "c.slice(0, 2)", { "d/e/c": { cjs } }))], ["/d/e/c", "/d/e"]);
  },
};

export const commonJsIsSloppyAndMayReturn = {
  async test(_, env) {
    deepEqual([...(await value(env, "import c from './c'", "[c.a, c.b, undeclared]", { c: { cjs: "undeclared = 3; exports.a = 1; return; exports.b = 2;" } }))], [1, undefined, 3]);
    equal(await value(env, "import c from './c'", "c", { c: { cjs: "module.exports = 5; // no line end" } }), 5);
    equal(await value(env, "import c from './c'", "String(c)", { c: { cjs: "module.exports = undefined;" } }), "undefined");
  },
};

export const commonJsCyclesSeeWhatIsThere = {
  async test(_, env) {
    const early = { a: { cjs: "exports.x = 1; exports.y = require('./b').seen;" }, b: { cjs: "exports.seen = Object.keys(require('./a')).join();" } };
    equal(await value(env, "import a from './a'", "a.y", early), "x");
    const replaced = { ...early, a: { cjs: "module.exports = { z: 1 }; module.exports.y = require('./b').seen;" } };
    equal(await value(env, "import a from './a'", "a.y", replaced), "z");
  },
};

export const commonJsRunsOnceAndWhenAsked = {
  async test(_, env) {
    const c = { cjs: "globalThis.runs = (globalThis.runs ?? 0) + 1; module.exports = globalThis.runs;" };
    equal(await value(env, "import './a.js'; import c from './c'", "c", { c, "a.js": "import './c';" }), 1);
    equal(await value(env, "", "globalThis.runs ?? 'never'", { c }), "never");
    equal(await value(env, "import c from './c'", "c()", { c: { cjs: "module.exports = () => require('./t');" }, t: { text: "late" } }), "late");
  },
};

export const requireGivesEveryKind = {
  async test(_, env) {
    const cjs = "module.exports = [require('./j').a, require('./t'), require('./d').byteLength, require('./w') instanceof WebAssembly.Module, require('./j') === require('./j')];";
    const others = { c: { cjs }, j: { json: { a: 1 } }, t: { text: "hi" }, d: { data: new Uint8Array([1, 2]) }, w: { wasm: wasm() } };
    deepEqual([...(await value(env, "import c from './c'", "c", others))], [1, "hi", 2, true, true]);
  },
};

export const requireOfAnEsModuleGivesItsDefault = {
  async test(_, env) {
    const required = (source) => value(env, "import c from './c'", "c", { c: { cjs: "const a = require('./a.js'); module.exports = [typeof a, a?.q];" }, "a.js": source });
    deepEqual([...(await required("export default { q: 1 }; export const b = 2;"))], ["object", 1]);
    deepEqual([...(await required("export const b = 2;"))], ["undefined", undefined]);
    deepEqual([...(await required("export default 1; const z = { q: 3 }; export { z as 'module.exports' };"))], ["object", 3]);
  },
};

export const requireOfAnEsModuleThatFails = {
  async test(_, env) {
    const caught = (source) => value(env, "import c from './c'", "c", { c: { cjs: "try { require('./a.js'); } catch (e) { module.exports = e.name + ': ' + e.message; }" }, "a.js": source });
    equal(await caught("throw new TypeError('q');"), "TypeError: q");
    equal(await caught("await 0; export default 1;"), "Error: Top-level await in module is not permitted at this time.");
  },
};

export const requireOfWhatIsNotThere = {
  async test(_, env) {
    const caught = (specifier) => value(env, "import c from './c'", "c", { c: { cjs: `try { module.exports = require(${specifier}); } catch (e) { module.exports = e.name + ': ' + e.message; }` }, "x.js": { cjs: "" }, "y/index.js": { cjs: "" } });
    equal(await caught("'./gone'"), 'Error: No such module "gone".');
    equal(await caught("'./x'"), 'Error: No such module "x".');
    equal(await caught("'./y'"), 'Error: No such module "y".');
    equal(await caught("'../gone'"), 'TypeError: Invalid module specifier "../gone".');
    equal(await caught("5"), 'Error: No such module "5".');
    includes(await caught(""), "TypeError: ");
  },
};

export const commonJsFailuresAreDescribed = {
  async test(_, env) {
    equal(await failure(env, { "m.js": "import './c'; export default {};", c: { cjs: "\n\nthrow new Error('in c');" } }), "Failed to start Worker:\nUncaught Error: in c\n  at c:3:7");
    includes(await failure(env, { "m.js": ECHO, c: { cjs: "import x from 'y';" } }), "SyntaxError: Cannot use import statement outside a module");
  },
};

export const commonJsMayImportDynamically = {
  async test(_, env) {
    equal(await value(env, "import c from './c'", "(await c()).default", { c: { cjs: "module.exports = () => import('./a.js');" }, "a.js": "export default 9;" }), 9);
  },
};

export const importsAtRunTimeAreTheSameModules = {
  async test(_, env) {
    const others = { "a.js": "globalThis.runs = (globalThis.runs ?? 0) + 1; export const n = globalThis.runs;" };
    deepEqual([...(await value(env, "", "await (async () => { const [a, b] = await Promise.all([import('./a.js'), import('./a.js')]); return [a === b, a.n]; })()", others))], [true, 1]);
    equal(await value(env, "", "typeof (await import('cloudflare:workers')).WorkerEntrypoint"), "function");
    equal(await value(env, "", "(await import({ toString: () => './t' })).default", { t: { text: "hi" } }), "hi");
  },
};

export const importsAtRunTimeRunAsAtTheStart = {
  async test(_, env) {
    const thrown = (source) => value(env, "", "await import('./a.js').then((m) => m.default, (e) => e.message)", { "a.js": source });
    equal(await thrown("export default Date.now();"), 0);
    includes(await thrown("setTimeout(() => {}, 1);"), "Disallowed operation called within global scope");
    includes(await thrown("await 0; setTimeout(() => {}, 1);"), "Disallowed operation called within global scope");
    includes(await thrown("export default eval('1');"), "Code generation from strings disallowed");
  },
};

export const afterAnImportTheInvocationGoesOn = {
  async test(_, env) {
    const source = "await import('./a.js').then(async () => { await scheduler.wait(1); return typeof crypto.randomUUID() + (Date.now() > 1e12); })";
    equal(await value(env, "", source, { "a.js": "await 0;" }), "stringtrue");
  },
};

export const failedImportsAtRunTime = {
  async test(_, env) {
    const caught = (specifier, others) => value(env, "", `await import(${specifier}).catch((e) => e.name + ': ' + e.message)`, others);
    equal(await caught("'./gone.js'"), 'Error: No such module "gone.js".');
    equal(await caught("5"), 'Error: No such module "5".');
    equal(await caught("'./a.js'", { "a.js": "throw new TypeError('q');" }), "TypeError: q");
    includes(await caught("'./j', { with: { type: 'json' } }", { j: { json: 1 } }), "Unrecognized import attributes specified");
  },
};

export const moduleValuesOfOtherTypes = {
  async test(_, env) {
    const refused = (given, expected) => throws(() => load(env, "", { modules: { "m.js": ECHO, "a.js": given } }), expected);
    for (const given of [null, undefined, {}, [], () => {}, { foo: 1 }, { js: undefined }, { json: undefined }, new Map(), new Uint8Array(1)]) {
      refused(given, { name: "TypeError", message: "Module 'a.js' contained 0 properties." });
    }
    refused({ js: "", text: "", cjs: "" }, { name: "TypeError", message: "contained 3 properties" });
    refused({ js: "", cjs: null }, { name: "TypeError", message: "contained 2 properties" });
    refused(Symbol("m"), { name: "TypeError" });
    refused({ js: Symbol("m") }, { name: "TypeError" });
    for (const given of [5, true, 5n, { js: 5 }, { text: null }, { json: null }]) ok(load(env, "", { modules: { "m.js": ECHO, "a.js": given } }));
  },
};

export const bytesMustBeBytes = {
  test(_, env) {
    for (const kind of ["data", "wasm"]) {
      for (const given of ["text", null, [], {}, 5]) throws(() => load(env, "", { modules: { "m.js": ECHO, b: { [kind]: given } } }), { name: "TypeError", message: `'${kind}' field on 'Module'` });
    }
  },
};

export const theRecordOfModules = {
  async test(_, env) {
    for (const modules of [undefined, null, 5, "x", [], [ECHO], Symbol("m")]) throws(() => load(env, "", { modules }), { name: "TypeError", message: "'modules' field on 'WorkerCode'" });
    equal(await run(env, Object.assign(Object.create(null), { "m.js": "export default { run() { return 1; } };" })), 1);
    equal(await run(env, Object.assign(() => {}, { "m.js": "export default { run() { return 2; } };", [Symbol("m")]: 5 })), 2);
    throws(() => load(env, "", { modules: Object.create({ "m.js": ECHO }) }), { name: "TypeError", message: "at least one module" });
    await rejects(run(env, Object.defineProperty({ "b.js": "1" }, "m.js", { value: ECHO })), { message: "No such module: m.js" });
  },
};

export const otherEndingsAreRefused = {
  test(_, env) {
    for (const name of ["a", "a.mjs", "a.cjs", "a.json", "a.JS", "js", "a.wasm", "a.js?x", ""]) {
      throws(() => load(env, "", { modules: { "m.js": ECHO, [name]: "1" } }), { name: "TypeError", message: `Got: ${name}` });
    }
    for (const name of ["a.ts", "a.tsx", "a.jsx"]) throws(() => load(env, "", { modules: { "m.js": ECHO, [name]: "1" } }), { name: "TypeError", message: "TypeScript" });
    throws(() => load(env, "", { modules: { "m.js": ECHO, "a.py": "1" } }), { name: "TypeError", message: 'Module "a.py" is a Python module' });
    ok(load(env, "", { modules: { "m.js": ECHO, ".js": "1" } }));
  },
};

export const mainModulesThatCannotBe = {
  async test(_, env) {
    for (const kind of [{ cjs: "" }, { text: "x" }, { wasm: wasm() }, { json: 1 }]) includes(await failure(env, { "m.js": kind }), "TypeError: Main module must be an ES module.");
    for (const mainModule of [null, 5, undefined, {}]) await rejects(load(env, ECHO, { mainModule }).getEntrypoint().run(0), { message: `No such module: ${mainModule}` });
    throws(() => load(env, ECHO, { mainModule: Symbol("m") }), { name: "TypeError" });
    equal(await load(env, "", { mainModule: 5, modules: { 5: { js: "export default { run() { return 'five'; } };" } } }).getEntrypoint().run(0), "five");
  },
};

export const jsonIsTakenWhenTheCodeIs = {
  async test(_, env) {
    const given = { at: "first", toJSON() { return { at: this.at }; } };
    const stub = load(env, "", { modules: { "m.js": "import j from 'j'; export default { run() { return j.at; } };", j: { json: given } } });
    given.at = "second";
    equal(await stub.getEntrypoint().run(0), "first");
    throws(() => load(env, "", { modules: { "m.js": ECHO, j: { json: { toJSON() { throw new RangeError("no"); } } } } }), { name: "RangeError", message: "no" });
  },
};

export const dataIsAnArrayBuffer = {
  async test(_, env) {
    equal(await value(env, "import d from 'd'", "Object.prototype.toString.call(d) + d.byteLength + d.resizable", { d: { data: new Float64Array([1]) } }), "[object ArrayBuffer]8false");
  },
};

export const stacksShowOnlyTheProgram = {
  async test(_, env) {
    equal(await value(env, "import c from './d/c'", "c()", { "d/c": { cjs: "module.exports = () => new Error('x').stack;" } }),
      "Error: x\n    at module.exports (d/c:1:24)\n    at Object.run (m.js:1:62)");
    equal(await value(env, "Error.prepareStackTrace = (e, sites) => sites.map((s) => s.getFileName()).join()", "new Error('x').stack"), "m.js");
  },
};
