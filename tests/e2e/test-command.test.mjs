// `mayfly test`: counts, names, the last line and the exit status.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mayfly, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { fixture, folder, project } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const lastLine = (stdout) => stdout.trimEnd().split("\n").at(-1);

const MIXED = `
  export default { test() {} };
  export const addsUp = { async test() { if (1 + 1 !== 2) throw new Error("no"); } };
  export const breaks = { test() { throw new TypeError("on purpose"); } };
  export const notATest = { fetch() {} };`;

test("passed and failed tests are counted, named and explained; 1", options, async (t) => {
  const { status, stdout, stderr } = await mayfly(["test", "mixed.js"], { cwd: folder(t, { "mixed.js": MIXED }) });
  assert.equal(status, 1, stderr);
  assert.equal(lastLine(stdout), "2 passed, 1 failed");
  assert.match(stdout, /^ok default \(\d+ ms\)$/m);
  assert.match(stdout, /^ok addsUp \(\d+ ms\)$/m);
  assert.match(stdout, /^not ok breaks\n {4}TypeError: on purpose/m);
  assert.doesNotMatch(stdout, /notATest/);
});

test("--filter picks tests by name", options, async (t) => {
  const cwd = folder(t, { "mixed.js": MIXED });
  const { status, stdout } = await mayfly(["test", "mixed.js", "--filter", "^adds"], { cwd });
  assert.equal(status, 0);
  assert.equal(lastLine(stdout), "1 passed, 0 failed");
  const wrong = await mayfly(["test", "mixed.js", "--filter", "("], { cwd });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--filter/);
});

test("several files: names tell which, the last line counts all", options, async (t) => {
  const cwd = folder(t, { "a.js": MIXED, "b.mjs": "export const more = { test() {} };" });
  const { status, stdout } = await mayfly(["test", "a.js", "b.mjs"], { cwd });
  assert.equal(status, 1);
  assert.equal(lastLine(stdout), "3 passed, 1 failed");
  assert.match(stdout, /^ok b\.mjs > more/m);
});

test("a file with a syntax error is a failure with file and line; the other files still run", options, async (t) => {
  const cwd = folder(t, { "bad.js": "export const a = {\n  test( {\n};", "good.js": "export const fine = { test() {} };" });
  const { status, stdout } = await mayfly(["test", "bad.js", "good.js"], { cwd });
  assert.equal(status, 1);
  assert.equal(lastLine(stdout), "1 passed, 1 failed");
  assert.match(stdout, /^not ok bad\.js\n/m);
  assert.match(stdout, /bad\.js:[23]/);
});

test("a missing import is a failure that names file and import", options, async (t) => {
  const cwd = folder(t, { "a.js": "import './nowhere.js';\nexport const x = { test() {} };" });
  const { status, stdout } = await mayfly(["test", "a.js"], { cwd });
  assert.equal(status, 1);
  assert.match(stdout, /a\.js:1/);
  assert.match(stdout, /nowhere\.js/);
});

test("a file without tests: 0 passed, 0 failed", options, async (t) => {
  const { stdout } = await mayfly(["test", "a.js"], { cwd: folder(t, { "a.js": "export default { fetch() {} };" }) });
  assert.equal(lastLine(stdout), "0 passed, 0 failed");
});

test("a file that is not there", options, async (t) => {
  const { status, stdout, stderr } = await mayfly(["test", "nowhere.js"], { cwd: folder(t, {}) });
  assert.notEqual(status, 0);
  assert.match(stdout + stderr, /nowhere\.js/);
});

test("a test that never ends fails, and the next one runs", options, async (t) => {
  const cwd = folder(t, { "a.js": `
    export const hangs = { test() { return new Promise((r) => setTimeout(r, 1e8)); } };
    export const next = { test() {} };` });
  const { status, stdout } = await mayfly(["test", "a.js", "--timeout-ms", "300"], { cwd });
  assert.equal(status, 1);
  assert.match(stdout, /not ok hangs\n.*300 ms/);
  assert.equal(lastLine(stdout), "1 passed, 1 failed");
});

test("tests load sandboxes", options, async (t) => {
  const cwd = folder(t, { "a.js": `
    export const loads = { async test(_, env) {
      const code = { compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": "export default { run(x) { return x * 2; } };" }, globalOutbound: null };
      if (await env.LOADER.load(code).getEntrypoint().run(21) !== 42) throw new Error("wrong");
    } };` });
  const { status, stdout } = await mayfly(["test", "a.js"], { cwd });
  assert.equal(status, 0, stdout);
  assert.equal(lastLine(stdout), "1 passed, 0 failed");
});

test("a project, from its folder and by its path", options, async (t) => {
  const root = project(t, "export default { test(_, env) { if (env.WHO !== 'Ada') throw new Error(env.WHO); } };", { vars: { WHO: "Ada" } });
  for (const [args, cwd] of [[[], root], [[root], "/"], [[`${root}/wrangler.jsonc`], "/"]]) {
    const { status, stdout, stderr } = await mayfly(["test", ...args], { cwd });
    assert.equal(status, 0, stdout + stderr);
    assert.equal(lastLine(stdout), "1 passed, 0 failed");
  }
});

test("TypeScript with an import from node_modules, as a file and as a project", options, async (t) => {
  const root = fixture(t, "npm-project");
  for (const target of ["src/tests.ts", "."]) {
    const { status, stdout, stderr } = await mayfly(["test", target], { cwd: root });
    assert.equal(status, 0, stdout + stderr);
    assert.equal(lastLine(stdout), "1 passed, 0 failed");
  }
});
