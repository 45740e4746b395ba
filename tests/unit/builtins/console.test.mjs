import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect as nodeInspect } from "node:util";
import { createSandbox, same } from "./harness.mjs";

const sandbox = createSandbox();
const { run, platform, logs } = sandbox;

/** What one call on console printed. */
function printed(code) {
  logs.length = 0;
  run(code);
  return logs.map(([level, text]) => `${level}|${text}`);
}
const shown = (code) => platform.inspect(run(`(${code})`));

// Both evaluate the same expression, each in its own realm, so that node's own inspect tells what is right.
const AS_IN_NODE = [
  "1",
  "-0",
  "NaN",
  "10n",
  "'a'",
  `"it's"`,
  `"both ' and \\""`,
  "'a\\nb\\x01\\u2028'",
  "undefined",
  "null",
  "true",
  "Symbol('s')",
  "[]",
  "{}",
  "[1, 'a', null, undefined]",
  "[1, , , 4]",
  "[,]",
  "Object.assign([1], { x: 2 })",
  "({ a: 1, 'b-c': 2, 3: 4 })",
  "({ [Symbol('k')]: 1 })",
  "({ a: { b: { c: { d: 1 } } } })",
  "({ a: { b: { c: {} } } })",
  "[[[[1]]]]",
  "({ a: [1, { b: 2 }] })",
  "new Map([['a', 1], [{ k: 1 }, [2]]])",
  "new Set([1, 'b'])",
  "new Map()",
  "new Set()",
  "new (class Foo { x = 1 })()",
  "new (class extends Array {})(3)",
  "new (class Bar extends Map {})()",
  "class A {}",
  "class B extends Array {}",
  "class {}",
  "function f() {}",
  "() => {}",
  "async () => {}",
  "function* g() {}",
  "Object.assign(function f() {}, { a: 1 })",
  "new Date(0)",
  "new Date(NaN)",
  "/a\\/b/gi",
  "new Uint8Array([1, 2])",
  "new Float64Array(2)",
  "new ArrayBuffer(3)",
  "new Number(3)",
  "new String('abc')",
  "new Boolean(false)",
  "Object(1n)",
  "Object(Symbol('x'))",
  "Object.create(null)",
  "Object.assign(Object.create(null), { a: 1 })",
  "({ get a() { return 1 } })",
  "({ set a(v) {} })",
  "({ get a() { return 1 }, set a(v) {} })",
  "({ [Symbol.toStringTag]: 'Tag' })",
  "new WeakMap()",
  "new WeakSet()",
  "(() => { const a = {}; a.self = a; return a })()",
  "(() => { const a = { b: {} }; a.b.a = a; a.b.b = a.b; return a })()",
  "(() => { const m = new Map(); m.set('m', m); return m })()",
  "Array.from({ length: 120 }, (_, i) => 'item number ' + i)",
  "new Set(Array.from({ length: 101 }, (_, i) => i))",
  "Array.from({ length: 120 }, (_, i) => i * i)",
  "Array.from({ length: 30 }, (_, i) => 'w'.repeat(i % 7))",
  "[1, 2, 3, 4, 5, 6, 7]",
  "[1.5, -2, 3n, 4, 5, 6, 7]",
  "new Uint8Array(30)",
  "({ nested: { list: Array.from({ length: 10 }, (_, i) => i) } })",
  "Array.from({ length: 8 }, () => ({ a: 1 }))",
  "Array.from({ length: 8 }, () => 'long '.repeat(10))",
  "({ aaaaaaaaaaaaaaaaaaaa: 'bbbbbbbbbbbbbbbbbbbb', cccccccccccccccccccc: 'dddddddddddddddddddd', e: 1 })",
  "({ a: 'x'.repeat(80), b: ['y'.repeat(70), 'z'] })",
  "[{ a: 1, b: 2 }, { a: 3, b: 4 }]",
  "({ users: [{ name: 'Ann', tags: ['x', 'y'] }, { name: 'Bob', tags: [] }], total: 2 })",
  "Object.assign(new Error('m'), { stack: undefined })",
  "Object.assign(new TypeError('m'), { stack: 'TypeError: m\\n    at x (y:1:2)' })",
  "Object.assign(new Error('m'), { stack: 'Error: m\\n    at x (y:1:2)', code: 'E', detail: { a: 1 } })",
  "({ e: Object.assign(new Error('m'), { stack: 'Error: m\\n    at x (y:1:2)' }) })",
];

for (const code of AS_IN_NODE) {
  test(`inspect shows ${code.slice(0, 60)} as node does`, () => {
    assert.equal(shown(code), nodeInspect((0, eval)(`(${code})`)));
  });
}

test("an error is its stack, with cause and errors", () => {
  assert.match(shown("new RangeError('bad')"), /^RangeError: bad\n    at program\.js:1/);
  assert.match(
    shown("new Error('outer', { cause: new Error('inner') })"),
    /^Error: outer\n.*at program[^]*\[cause\]: Error: inner\n/,
  );
  assert.match(
    shown("new AggregateError([new Error('one')], 'many')"),
    /^AggregateError: many[^]*\[errors\]: \[\n?\s*Error: one/,
  );
  assert.match(shown("new DOMException('gone', 'AbortError')"), /^AbortError: gone\n    at/);
  assert.match(shown("(() => { const e = new Error('old'); e.name = 'Custom'; return e })()"), /^Custom: old\n    at/);
});

test("hostile values cost little and throw nothing", () => {
  assert.equal(shown("({ get x() { throw 1 } })"), "{ x: [Getter] }");
  assert.equal(shown("new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 } })"), "[Proxy]");
  assert.equal(shown("new Proxy(function () {}, {})"), "[Proxy]");
  assert.equal(shown("({ toString() { throw 1 }, [Symbol.toPrimitive]() { throw 2 }, a: 1 }).a"), "1");
  assert.equal(shown("Object.create(new Proxy({}, { getPrototypeOf() { throw 1 } }))").length > 0, true);
  assert.equal(shown("Object.defineProperty(new Error('m'), 'stack', { get() { throw 1 } })"), "[Error: m]");
  assert.equal(shown("Object.defineProperty({}, 'constructor', { get() { throw 1 } })"), "{}");
  assert.equal(
    shown("class X { static name = { toString() { throw 1 } } }"),
    "[class (anonymous)] { name: { toString: [Function: toString] } }",
  );
  assert.equal(shown("Object.assign(() => {}, { toString() { throw 1 } })").startsWith("[Function (anonymous)]"), true);
  assert.equal(shown("Object.setPrototypeOf(new Map([[1, 2]]), null)"), "Map(1) { 1 => 2 }");
  assert.ok(shown("(() => { const p = Object.create(Promise.resolve()); return p })()").length > 0);
});

test("output is cut at 16 KiB, whatever the shape", () => {
  for (const code of [
    "'x'.repeat(1e6)",
    "Array.from({ length: 100 }, () => 'y'.repeat(9000))",
    "(() => { const o = {}; for (let i = 0; i < 2e5; i++) o['k' + i] = i; return o })()",
    "(() => { let o = {}; for (let i = 0; i < 20; i++) o = { a: o, b: o }; return o })()",
    "new Map(Array.from({ length: 1e5 }, (_, i) => [i, 'z'.repeat(1000)]))",
    "(() => { const a = []; a[4e9] = 1; return a })()",
    "Object.assign([], { length: 4294967295 })",
    "2n ** 100000n",
  ]) {
    assert.ok(platform.inspect(run(`(${code})`), { depth: Infinity }).length <= 17_000, code);
    printed(`console.log(${code}, ${code})`);
    assert.ok(logs[0][1].length <= 17_000, code);
  }
});

test("the platform's classes are shown by what matters", () => {
  assert.equal(shown("new URLSearchParams('a=1&b=2')"), "URLSearchParams { 'a' => '1', 'b' => '2' }");
  assert.equal(shown("new Headers({ b: '2', A: '1' })"), "Headers { a: '1', b: '2' }");
  assert.match(shown("new URL('http://h/p?q=1')"), /^URL \{\n  href: 'http:\/\/h\/p\?q=1',/);
  assert.match(shown("new Request('http://h/')"), /^Request \{[^]*method: 'GET'/);
  assert.match(shown("new Response('x', { status: 404 })"), /^Response \{[^]*status: 404/);
  assert.equal(shown("new ReadableStream()"), "ReadableStream { locked: false, state: 'readable' }");
  assert.equal(shown("new AbortController()"), "AbortController { signal: AbortSignal { aborted: false } }");
  assert.equal(shown("new Blob(['abc'], { type: 'a/b' })"), "Blob { size: 3, type: 'a/b' }");
  assert.match(shown("new Event('x')"), /^Event \{\s+type: 'x'/);
  assert.equal(shown("new (class My extends Response {})()").startsWith("My [Response] {"), true);
});

test("console methods print at their level", () => {
  same(printed("console.debug(1); console.info(2); console.log(3); console.warn(4); console.error(5)"), [
    "debug|1",
    "info|2",
    "log|3",
    "warn|4",
    "error|5",
  ]);
  same(printed("console.log()"), ["log|"]);
  same(printed("console.log('a', 'b', { c: 'd' }, [1])"), ["log|a b { c: 'd' } [ 1 ]"]);
  same(printed("const { log } = console; log('torn off')"), ["log|torn off"]);
});

test("directives are replaced in the first argument only", () => {
  same(printed("console.log('%s is %d and %i or %f', 'x', '42.5', 42.9, '1.5kg')"), ["log|x is 42.5 and 42 or 1.5"]);
  same(printed("console.log('%o %O', { a: { b: { c: {} } } }, [1])"), ["log|{ a: { b: { c: {} } } } [ 1 ]"]);
  same(printed("console.log('%j %c%s', { a: 1 }, 'color: red', 'styled')"), ['log|{"a":1} styled']);
  same(printed("console.log('100%', 5, '%s')"), ["log|100% 5 %s"]);
  same(printed("console.log('%s %s', 'only')"), ["log|only %s"]);
  same(printed("console.log('%%s %s', 1)"), ["log|%s 1"]);
  same(printed("console.log('%s', Symbol('x'), 5n)"), ["log|Symbol(x) 5n"]);
  same(printed("console.log('%d %d %i', {}, 5n, Symbol())"), ["log|NaN 5n NaN"]);
  same(printed("console.log('%s', { toString() { throw 1 } })"), ["log|{ toString: [Function: toString] }"]);
});

test("assert, count, dir, trace and table", () => {
  same(
    printed(
      "console.assert(true, 'no'); console.assert(false); console.assert(0, 'why %s', 'x'); console.assert('', { a: 1 })",
    ),
    ["error|Assertion failed", "error|Assertion failed: why x", "error|Assertion failed { a: 1 }"],
  );
  same(
    printed(
      "console.count(); console.count('x'); console.count(); console.countReset(); console.count(); console.countReset('none')",
    ),
    ["log|default: 1", "log|x: 1", "log|default: 2", "log|default: 1", "warn|Count for 'none' does not exist"],
  );
  same(
    printed(
      "console.dir({ a: { b: { c: { d: {} } } } }, { depth: 0 }); console.dir({ a: { b: { c: { d: {} } } } }, { depth: null })",
    ),
    ["log|{ a: [Object] }", "log|{\n  a: { b: { c: { d: {} } } }\n}"],
  );
  const [trace] = printed("function here() { console.trace('at %s', 'x') } here()");
  assert.match(trace, /^log\|Trace: at x\n    at here \(program\.js/);
  same(printed("console.table([{ a: 1, b: 'x' }, { a: 2 }])"), [
    "log|┌─────────┬───┬─────┐\n│ (index) │ a │ b   │\n├─────────┼───┼─────┤\n│ 0       │ 1 │ 'x' │\n│ 1       │ 2 │     │\n└─────────┴───┴─────┘",
  ]);
  same(printed("console.table(['p', 'q'])"), [
    "log|┌─────────┬────────┐\n│ (index) │ Values │\n├─────────┼────────┤\n│ 0       │ 'p'    │\n│ 1       │ 'q'    │\n└─────────┴────────┘",
  ]);
  assert.match(printed("console.table({ r: { a: 1, b: 2 } }, ['b'])")[0], /│ \(index\) │ b │\n[^]*│ r       │ 2 │/);
  same(printed("console.table(5)"), ["log|5"]);
});

test("groups indent what follows", () => {
  same(
    printed(
      "console.group('g'); console.log('a\\nb'); console.groupCollapsed(); console.warn('c'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('d')",
    ),
    ["log|g", "log|  a\n  b", "warn|    c", "log|d"],
  );
});

test("timers measure", () => {
  logs.length = 0;
  run("console.time('t')");
  sandbox.nowMs += 1500;
  run("console.timeLog('t', 'more', 1); console.time('t'); console.timeEnd('t'); console.timeEnd('t')");
  assert.match(logs[0][1], /^t: 1\.\d{3}s more 1$/);
  assert.equal(logs[1].join("|"), "warn|Timer 't' already exists");
  assert.match(logs[2][1], /^t: 1\.\d{3}s$/);
  assert.equal(logs[3].join("|"), "warn|Timer 't' does not exist");
});

test("the other methods can be called", () => {
  same(printed("console.clear(); console.profile(); console.profileEnd(); console.timeStamp(); console.dirxml(1)"), [
    "log|1",
  ]);
  assert.equal(Object.prototype.toString.call(sandbox.global.console), "[object console]");
});

test("the five levels are recorded with their arguments, the others are not", () => {
  sandbox.recorded = [];
  run("globalThis.arg = {}; console.log(arg, 1); console.error('e'); console.dir(1); console.trace(); console.count()");
  same(
    sandbox.recorded.map(([level, args]) => [level, args.length]),
    [
      ["log", 2],
      ["error", 1],
    ],
  );
  assert.equal(sandbox.recorded[0][1][0], sandbox.global.arg);
});

test("console.log works after a program broke the prototypes", () => {
  const other = createSandbox();
  other.run(`Array.prototype.map = Array.prototype.push = undefined; Object.keys = Object.getOwnPropertyDescriptor = Reflect.ownKeys = () => { throw new Error("broken") };
    try { console.log({ a: [1, new Map([[1, 2]])] }) } catch (e) { globalThis.failed = String(e) }`);
  assert.ok(other.logs.length === 1 || typeof other.global.failed === "string");
});
