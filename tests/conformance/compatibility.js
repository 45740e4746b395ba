// worker-loader.md §1.5 (compatibilityDate, compatibilityFlags, allowExperimental), §6.4 and §10.2.

import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { entry, load, withClass } from "./_load.js";

const FINE = "export default {};";
const on = (date, ...flags) => ({ compatibilityDate: date, compatibilityFlags: flags });
const refused = (env, extra, expected) => throws(() => load(env, FINE, extra), expected);
const CLASS = (members) => `import * as workers from "cloudflare:workers"; export default class extends workers.WorkerEntrypoint { ${members} }`;

export const datesAreWrittenInOneWay = {
  test(_, env) {
    for (const date of ["2026-1-1", " 2026-01-01", "2026-01-01 ", "2026-01-01T00:00", "2026-13-01", "2026-00-10", "2026-02-32", "2026-04-00", "+026-01-01", ""]) {
      refused(env, on(date), { name: "Error", message: `Invalid compatibility date: ${date}` });
    }
  },
};

export const datesBeforeTheFirstAreInvalid = {
  test(_, env) {
    refused(env, on("1999-01-01"), { message: "Invalid compatibility date: 1999-01-01" });
    refused(env, on("0000-01-01"), { message: "Invalid compatibility date: 0000-01-01" });
    ok(load(env, FINE, on("2021-01-01")));
  },
};

export const daysAreNotCountedByMonth = {
  test(_, env) {
    for (const date of ["2026-02-30", "2026-04-31"]) ok(load(env, FINE, on(date)));
  },
};

export const aDateFarAheadIsRefused = {
  test(_, env) {
    const { message } = refused(env, on("9999-01-01"), { name: "Error" });
    includes(message, "compatibility date");
    includes(message, "9999-01-01");
  },
};

export const theDateIsConvertedToAString = {
  test(_, env) {
    ok(load(env, FINE, on({ toString: () => "2026-01-01" })));
    refused(env, on(5), { message: "Invalid compatibility date: 5" });
    refused(env, on(null), { message: "Invalid compatibility date: null" });
    refused(env, on(Symbol("date")), { name: "TypeError" });
  },
};

export const flagsAreAListOfStrings = {
  test(_, env) {
    for (const flags of [null, "nodejs_als", new Set(), { length: 0 }]) {
      refused(env, { compatibilityFlags: flags }, { name: "TypeError", message: "compatibilityFlags" });
    }
    refused(env, { compatibilityFlags: [5] }, { message: "No such compatibility flag: 5" });
    refused(env, { compatibilityFlags: [,] }, { message: "No such compatibility flag: undefined" });
    refused(env, { compatibilityFlags: [Symbol("flag")] }, { name: "TypeError" });
    ok(load(env, FINE, { compatibilityFlags: [{ toString: () => "nodejs_als" }] }));
  },
};

export const flagsAreSpelledExactly = {
  test(_, env) {
    for (const flag of ["NODEJS_COMPAT", " nodejs_compat", "", "no_such_flag"]) {
      refused(env, { compatibilityFlags: [flag] }, { name: "Error", message: `No such compatibility flag: ${flag}` });
    }
  },
};

export const aFlagIsGivenOnce = {
  test(_, env) {
    for (const flag of ["nodejs_als", "no_such_flag"]) {
      refused(env, { compatibilityFlags: [flag, flag] }, { message: `Compatibility flag specified multiple times: ${flag}` });
    }
  },
};

export const aChangeIsNotBothOnAndOff = {
  test(_, env) {
    const pairs = [
      ["nodejs_compat", "no_nodejs_compat"], ["allow_eval_during_startup", "disallow_eval_during_startup"],
      ["enable_ctx_exports", "disable_ctx_exports"], ["global_navigator", "no_global_navigator"],
      ["streams_enable_constructors", "streams_disable_constructors"], ["disallow_importable_env", "allow_importable_env"],
      ["enhanced_error_serialization", "legacy_error_serialization"], ["rpc_params_dup_stubs", "rpc_params_transfer_stubs"],
    ];
    for (const [enable, disable] of pairs) {
      const message = `Compatibility flags are mutually contradictory: ${enable} vs ${disable}`;
      refused(env, { compatibilityFlags: [enable, disable] }, { message });
      refused(env, { compatibilityFlags: [disable, enable] }, { message });
    }
  },
};

export const whatTheDateImpliesMayBeSaidAgain = {
  test(_, env) {
    ok(load(env, FINE, { compatibilityFlags: ["enable_ctx_exports", "global_navigator", "rpc"] }));
  },
};

export const theDateIsJudgedBeforeTheFlags = {
  test(_, env) {
    refused(env, on("bad", "no_such_flag"), { message: "Invalid compatibility date: bad" });
  },
};

export const experimentalFlagsNeedPermission = {
  test(_, env) {
    for (const flag of ["experimental", "unsafe_module", "enable_abortsignal_rpc", "streaming_tail_worker", "webgpu", "precise_timers"]) {
      refused(env, { compatibilityFlags: [flag] }, { name: "Error", message: `The compatibility flag ${flag} is experimental` });
      refused(env, { compatibilityFlags: [flag], allowExperimental: false }, { message: `The compatibility flag ${flag} is experimental` });
    }
    refused(env, { compatibilityFlags: ["no_such_flag", "experimental"] }, { message: "The compatibility flag experimental is experimental" });
  },
};

export const permissionIsOnlyGivenByExperimentalParents = {
  test(_, env) {
    for (const allowExperimental of [true, 1, "x"]) refused(env, { allowExperimental }, { name: "Error", message: "'allowExperimental' is only allowed when" });
    for (const allowExperimental of [false, undefined, null, 0, ""]) ok(load(env, FINE, { allowExperimental }));
    refused(env, { allowExperimental: true, compatibilityDate: "bad" }, { message: "'allowExperimental'" });
  },
};

export const streamingTailsAreExperimental = {
  test(_, env) {
    refused(env, { streamingTails: [], allowExperimental: false }, { message: "Streaming tail workers are experimental." });
    refused(env, { streamingTails: null }, { name: "TypeError", message: "streamingTails" });
    refused(env, { streamingTails: [5] }, { name: "TypeError", message: "Incorrect type for array element 0" });
  },
};

export const programsCanReadTheirFlags = {
  async test(_, env) {
    const source = `export default { run() { const { compatibilityFlags: f } = Cloudflare;
      return [f.enable_ctx_exports, f.nodejs_als, f.enable_weak_ref, f.no_such, Object.isFrozen(f)]; } };`;
    deepEqual([...(await entry(env, source, on("2025-06-01", "nodejs_als")).run(0))], [false, true, true, undefined, true]);
    deepEqual([...(await entry(env, source, on("2025-11-17", "disable_weak_ref")).run(0))], [true, false, false, undefined, true]);
  },
};

export const weakReferencesByDateAndFlag = {
  async test(_, env) {
    const source = "const top = [typeof WeakRef, typeof FinalizationRegistry].join(); export default { run() { return top; } };";
    equal(await entry(env, source, on("2025-05-04")).run(0), "undefined,undefined");
    equal(await entry(env, source, on("2025-05-05")).run(0), "function,function");
    equal(await entry(env, source, on("2025-05-04", "enable_weak_ref")).run(0), "function,function");
    equal(await entry(env, source, on("2025-05-05", "disable_weak_ref")).run(0), "undefined,undefined");
  },
};

export const evalAtTheTopByDateAndFlag = {
  async test(_, env) {
    const source = "const top = [eval('1'), new Function('return 2')()]; export default { run() { return top; } };";
    const no = { message: "EvalError: Code generation from strings disallowed for this context" };
    deepEqual([...(await entry(env, source, on("2025-06-01")).run(0))], [1, 2]);
    await rejects(entry(env, source, on("2025-05-31")).run(0), no);
    deepEqual([...(await entry(env, source, on("2025-05-31", "allow_eval_during_startup")).run(0))], [1, 2]);
    await rejects(entry(env, source, on("2025-06-01", "disallow_eval_during_startup")).run(0), no);
  },
};

export const wasmBytesAtTheTopByDate = {
  async test(_, env) {
    const source = "const m = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); export default { run() { return String(new WebAssembly.Instance(m)); } };";
    equal(await entry(env, source, on("2025-06-01")).run(0), "[object WebAssembly.Instance]");
    await rejects(entry(env, source, on("2025-05-31")).run(0), { message: "Wasm code generation disallowed by embedder" });
  },
};

export const wasmModulesNeedNoPermission = {
  async test(_, env) {
    const modules = {
      "m.js": "import w from 'w'; export default { run() { return String(new WebAssembly.Instance(w)); } };",
      w: { wasm: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) },
    };
    equal(await entry(env, "", { modules, ...on("2025-05-31") }).run(0), "[object WebAssembly.Instance]");
  },
};

export const codeGenerationEndsWithTheStart = {
  async test(_, env) {
    const e = entry(env, "const f = (code) => eval(code); f('1'); export default { run() { return f('1'); } };", on("2025-06-01"));
    await rejects(e.run(0), { name: "EvalError" });
  },
};

export const ctxExportsByDateAndFlag = {
  async test(_, env) {
    const source = CLASS("run() { return [typeof this.ctx.exports, 'exports' in this.ctx, Object.keys(workers.exports)]; }");
    const run = async (...how) => (([type, present, names]) => [type, present, ...names])(await entry(env, source, on(...how)).run());
    deepEqual(await run("2025-11-16"), ["undefined", false, "default"]);
    deepEqual(await run("2025-11-17"), ["object", true, "default"]);
    deepEqual(await run("2025-11-16", "enable_ctx_exports"), ["object", true, "default"]);
    deepEqual(await run("2025-11-17", "disable_ctx_exports"), ["undefined", false, "default"]);
  },
};

export const importableEnvCanBeSwitchedOff = {
  async test(_, env) {
    const source = CLASS("run() { return [Object.keys(workers.env), Object.keys(workers.exports), Object.keys(this.env), typeof this.ctx.exports].map(String); }");
    const run = async (...flags) => [...(await entry(env, source, { compatibilityFlags: flags, env: { a: 1 } }).run())];
    deepEqual(await run(), ["a", "default", "a", "object"]);
    deepEqual(await run("disallow_importable_env"), ["", "", "a", "object"]);
  },
};

export const withEnvWorksWhenTheEnvIsNotImportable = {
  async test(_, env) {
    const e = withClass(env, "run() { return this.constructor.see(); } static see() { return 0; }");
    equal(await e.run(), 0);
    const source = CLASS("run() { return workers.withEnv({ z: 1 }, () => workers.env.z); }");
    equal(await entry(env, source, { compatibilityFlags: ["disallow_importable_env"] }).run(), 1);
  },
};

export const importAttributesWereIgnoredOnce = {
  async test(_, env) {
    const modules = { "m.js": "import v from './j' with { type: 'json' }; export default { run() { return v; } };", j: { json: 5 } };
    equal(await entry(env, "", { modules, ...on("2025-06-15") }).run(0), 5);
    await rejects(entry(env, "", { modules, ...on("2025-06-16") }).run(0), { message: "Unrecognized import attributes specified" });
  },
};

export const thrownErrorsWerePlainOnce = {
  async test(_, env) {
    const source = `class Odd extends Error { name = "Odd"; }
      export default { run(odd) { throw Object.assign(odd ? new Odd("m") : new TypeError("m", { cause: 1 }), { code: 7 }); } };`;
    const thrown = async (odd, ...how) => {
      const { name, message, code, cause } = await rejects(entry(env, source, on(...how)).run(odd));
      return [name, message, code, cause];
    };
    deepEqual(await thrown(true, "2026-04-21"), ["Odd", "m", 7, undefined]);
    deepEqual(await thrown(true, "2026-04-20"), ["Error", "Odd: m", undefined, undefined]);
    deepEqual(await thrown(false, "2026-04-20"), ["TypeError", "m", undefined, undefined]);
    deepEqual(await thrown(true, "2026-04-20", "enhanced_error_serialization"), ["Odd", "m", 7, undefined]);
    deepEqual(await thrown(true, "2026-04-21", "legacy_error_serialization"), ["Error", "Odd: m", undefined, undefined]);
  },
};

export const returnedErrorsWerePlainToo = {
  async test(_, env) {
    const source = "export default { run(name) { return Object.assign(new TypeError('m'), { code: 7, name }); } };";
    const returned = async (date) => (({ name, message, code }) => [name, message, code])(await entry(env, source, on(date)).run("Odd"));
    deepEqual(await returned("2026-04-21"), ["Odd", "m", 7]);
    deepEqual(await returned("2026-04-20"), ["Error", "m", undefined]);
  },
};
