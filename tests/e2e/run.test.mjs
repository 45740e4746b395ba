// `mayfly run`: the shapes of programs, their input, their output and the exit status.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { test } from "node:test";
import { BINARY, mayfly, runProgram, TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { folder } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };

/** Asserts the printed result of one file. */
async function gives(t, name, source, expected, args = []) {
  const { status, stdout, stderr } = await mayfly(["run", `${folder(t, { [name]: source })}/${name}`, ...args]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), expected);
  assert.match(stdout, /^[^\n]*\n$/, "one line");
}

test("a bare arrow function", options, (t) => gives(t, "a.js", "async () => ({ answer: 6 * 7 })", { answer: 42 }));

test("a bare arrow function gets the arguments", options, (t) =>
  gives(t, "a.js", "async (a, b) => [b, a]", ["two", 1], ["--args", '[1,"two"]']));

test("statements", options, (t) => gives(t, "a.js", "const x = await Promise.resolve(20);\nreturn x + 1;", 21));

test("a module with a default function", options, (t) =>
  gives(t, "a.mjs", "export default function (name) { return `hello ${name}`; }", "hello Ada", ["--args", '["Ada"]']));

test("an object of methods: --call picks one, else `run`", options, async (t) => {
  const source = "export default { run() { return 'run'; }, total(list) { return list.reduce((a, b) => a + b); } };";
  await gives(t, "a.js", source, "run");
  await gives(t, "a.js", source, 6, ["--call", "total", "--args", "[[1,2,3]]"]);
});

test("a WorkerEntrypoint class", options, (t) => gives(t, "a.js", `
  import { WorkerEntrypoint } from "cloudflare:workers";
  export default class extends WorkerEntrypoint { run(x) { return { x, who: this.env.WHO }; } }`,
  { x: 3, who: { name: "Ada" } }, ["--args", "[3]", "--env", '{"WHO":{"name":"Ada"}}']));

test("TypeScript: interfaces, generics and satisfies", options, (t) => gives(t, "a.ts", `
  interface Price { cents: number; currency?: string }
  type Pair<A, B = A> = readonly [A, B];
  const first = <T,>(pair: Pair<T>): T => pair[0];
  export default async function (price: Price): Promise<unknown> {
    const limits = { low: 1 } satisfies Record<string, number>;
    return [first([price.cents, 2] as const as Pair<number>), limits.low];
  }`, [1250, 1], ["--args", '[{"cents":1250}]']));

test("TypeScript that is more than types: enums", options, (t) =>
  gives(t, "a.ts", "enum Level { LOW = 1, HIGH }\nexport default () => [Level.HIGH, Level[1]];", [2, "LOW"]));

test("TypeScript as a bare arrow function", options, (t) =>
  gives(t, "a.ts", "async (n: number): Promise<number> => { const twice: number = n * 2; return twice; }", 8, ["--args", "[4]"]));

test("no result is null, and values without JSON become what JSON makes of them", options, async (t) => {
  await gives(t, "a.js", "async () => {}", null);
  await gives(t, "a.js", "async () => ({ date: new Date(0), gone: undefined, text: '\\u2028 \\u00e9 \\ud83d\\ude00' })",
    { date: "1970-01-01T00:00:00.000Z", text: "\u2028 é 😀" });
});

test("--json prints result and logs as one object", options, async (t) => {
  const root = folder(t, { "a.js": "async () => { console.log('one', { two: 2 }); console.error('three'); return 1; }" });
  const { status, stdout } = await mayfly(["run", `${root}/a.js`, "--json"]);
  assert.equal(status, 0);
  const report = JSON.parse(stdout);
  assert.equal(report.ok, true);
  assert.equal(report.result, 1);
  assert.deepEqual(report.logs.map(({ level }) => level), ["log", "error"]);
  assert.match(report.logs[0].text, /^one .*two/);
  assert.equal(report.logs[1].text, "three");
});

test("console output goes to standard error, to its last line", options, async (t) => {
  const root = folder(t, { "a.js": "async () => { for (let i = 1; i <= 100; i++) console.log('line', i); console.warn('the last'); return 1; }" });
  const { status, stdout, stderr } = await mayfly(["run", `${root}/a.js`]);
  assert.equal(status, 0);
  assert.equal(stdout, "1\n");
  assert.match(stderr, /line 1\n/);
  assert.match(stderr, /line 100\n/);
  assert.match(stderr, /the last\n$/);
});

test("the last lines of console output are not lost either", options, async (t) => {
  const root = folder(t, { "arrow.js": "async () => { console.log('first'); console.error('second'); return 1; }", "statements.js": "console.log('first');\nconsole.error('second');\nreturn 1;" });
  for (let round = 0; round < 10; round++) {
    for (const name of ["arrow.js", "statements.js"]) assert.match((await mayfly(["run", `${root}/${name}`])).stderr, /first\n.*second\n$/, `${name}, round ${round}`);
  }
});

test("console output cannot write to the terminal behind the operator's back", options, async (t) => {
  const root = folder(t, { "a.js": "async () => { console.log('\\x1b[2Jcleared\\r'); await null; return 1; }" });
  const { stdout, stderr } = await mayfly(["run", `${root}/a.js`]);
  assert.ok(!stderr.includes("\x1b") && !stderr.includes("\r"), JSON.stringify(stderr));
  assert.equal(stdout, "1\n");
});

test("from another working directory, by a relative path", options, async (t) => {
  const root = folder(t, { "deep/a.js": "async () => 'here'" });
  mkdirSync(`${root}/elsewhere`);
  const { status, stdout } = await mayfly(["run", "../deep/a.js"], { cwd: `${root}/elsewhere` });
  assert.equal(status, 0);
  assert.equal(stdout, '"here"\n');
});

test("the command and the file may be symbolic links", options, async (t) => {
  const root = folder(t, { "real.js": "async () => 'linked'" });
  symlinkSync(BINARY, `${root}/mf`);
  symlinkSync(`${root}/real.js`, `${root}/link.js`);
  const { status, stdout, stderr } = await runProgram(`${root}/mf`, ["run", `${root}/link.js`]);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '"linked"\n');
});

test("as an ordinary user", options, async (t) => {
  const root = folder(t, { "a.ts": "async (n: number) => n + 1" });
  const { status, stdout, stderr } = await mayfly(["run", `${root}/a.ts`, "--args", "[1]"], { ordinary: true });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "2\n");
});
