// `mayfly run`: programs that fail (1), wrong usage (2), and limits (3).
import assert from "node:assert/strict";
import { test } from "node:test";
import { mayfly, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { folder } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };

const run = (t, source, args = [], name = "a.js") => mayfly(["run", `${folder(t, { [name]: source })}/${name}`, ...args]);

/** Runs with --json and asserts the shape of a failure; returns its error. */
async function failure(t, source, status, args = [], name) {
  const end = await run(t, source, ["--json", ...args], name);
  assert.equal(end.status, status, end.stdout + end.stderr);
  const report = JSON.parse(end.stdout);
  assert.equal(report.ok, false);
  assert.ok(Array.isArray(report.logs));
  assert.deepEqual(Object.keys(report.error).sort(), ["code", "message", "name", "stack"]);
  return report.error;
}

test("a throwing program: 1, with name, message and stack on standard error", options, async (t) => {
  const { status, stdout, stderr } = await run(t, "async () => {\n  null.field;\n}");
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^TypeError: Cannot read properties of null \(reading 'field'\)\n/);
  assert.match(stderr, /a\.js:2:\d+/);
});

test("a throwing program with --json", options, async (t) => {
  const error = await failure(t, "async () => { throw Object.assign(new RangeError('too far'), { code: 'E_FAR' }); }", 1);
  assert.equal(error.name, "RangeError");
  assert.equal(error.message, "too far");
  assert.equal(error.code, "E_FAR");
  assert.match(error.stack, /a\.js:1/);
});

test("what is thrown need not be an Error", options, async (t) => {
  assert.match((await failure(t, "async () => { throw 'just text'; }", 1)).message, /just text/);
  await failure(t, "async () => { throw null; }", 1);
});

test("a syntax error names file and line", options, async (t) => {
  const { status, stderr } = await run(t, "export default {\n  run( {\n};");
  assert.equal(status, 1);
  assert.match(stderr, /SyntaxError/);
  assert.match(stderr, /a\.js:[23]/);
  assert.ok(!stderr.includes("\\n"), `line breaks are printed as such: ${stderr}`);
});

test("a TypeScript syntax error names file and line", options, async (t) => {
  const { status, stderr } = await run(t, "export default () => {\n  const x: = 1;\n};", [], "a.ts");
  assert.equal(status, 1);
  assert.match(stderr, /a\.ts:2/);
});

test("a throwing top level", options, async (t) => {
  assert.match((await failure(t, "throw new Error('at the top');\nexport default {};", 1)).message, /at the top/);
});

test("a missing import is named", options, async (t) => {
  assert.match((await failure(t, "import x from './nowhere.js';\nexport default () => x;", 1)).message, /nowhere\.js/);
});

test("a method that is not there is named", options, async (t) => {
  assert.match((await failure(t, "export default { run() {} };", 1, ["--call", "nope"])).message, /nope/);
});

test("there is no network, and there are no files", options, async (t) => {
  assert.match((await failure(t, "async () => fetch('http://127.0.0.1:1/')", 1)).message, /not permitted to access the internet/);
  const end = await run(t, `async () => { try { return (await import("node:fs")).readFileSync("/etc/passwd", "utf8"); } catch (error) { return "refused"; } }`);
  assert.equal(end.stdout, '"refused"\n', end.stderr);
});

test("an endless loop: 3, ERR_CPU_LIMIT", options, async (t) => {
  assert.equal((await failure(t, "async () => { for (;;); }", 3, ["--cpu-ms", "50"])).code, "ERR_CPU_LIMIT");
  const { status, stderr } = await run(t, "async () => { for (;;); }", ["--cpu-ms", "50"]);
  assert.equal(status, 3);
  assert.match(stderr, /exceeded CPU time limit/);
  assert.match(stderr, /ERR_CPU_LIMIT/);
});

test("endless microtasks: 3, ERR_CPU_LIMIT", options, async (t) => {
  assert.equal((await failure(t, "async () => { for (;;) await null; }", 3, ["--cpu-ms", "50"])).code, "ERR_CPU_LIMIT");
});

test("an endless loop at the top level: 3", options, async (t) => {
  assert.match((await failure(t, "for (;;);\nexport default {};", 3, ["--cpu-ms", "50"])).code, /^ERR_(STARTUP_)?CPU_LIMIT$/);
});

test("a memory bomb: 3, ERR_MEMORY_LIMIT", options, async (t) => {
  const error = await failure(t, "async () => { const a = []; for (;;) a.push({ x: [a.length] }); }", 3, ["--memory-mb", "32", "--cpu-ms", "60000"]);
  assert.equal(error.code, "ERR_MEMORY_LIMIT");
});

test("a promise that never settles: 1, at once", options, async (t) => {
  const error = await failure(t, "async () => { await new Promise(() => {}); }", 1);
  assert.equal(error.code, "ERR_NEVER_SETTLES");
  assert.match(error.message, /had hung/);
});

test("waiting without end: 3, ERR_WALL_LIMIT", options, async (t) => {
  assert.equal((await failure(t, "async () => { for (;;) await new Promise((r) => setTimeout(r, 5)); }", 3, ["--wall-ms", "200"])).code, "ERR_WALL_LIMIT");
});

const USAGE = [
  ["a missing file", ["/nowhere/a.js"], /\/nowhere\/a\.js/],
  ["a folder", ["/"], /"?\/"?/],
  ["--args that is no JSON", ["a.js", "--args", "{"], /--args/],
  ["--args that is no array", ["a.js", "--args", "{}"], /--args.*array/],
  ["--env that is no object", ["a.js", "--env", "[]"], /--env.*object/],
  ["an unknown option", ["a.js", "--bogus"], /--bogus/],
  ["an unknown profile", ["a.js", "--profile", "loose"], /loose/],
  ["a limit that is no number", ["a.js", "--cpu-ms", "fast"], /cpu-ms/],
  ["a limit of nothing", ["a.js", "--cpu-ms", "0"], /cpu-ms/],
  ["a Python file", ["a.py"], /[Pp]ython/],
  ["no file", [], /file/],
];

for (const [what, args, pattern] of USAGE) {
  test(`wrong usage: ${what}: 2`, options, async (t) => {
    const cwd = folder(t, { "a.js": "async () => 1", "a.py": "1" });
    const { status, stdout, stderr } = await mayfly(["run", ...args], { cwd });
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, pattern);
  });
}
