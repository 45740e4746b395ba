import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { global, run, runAsync } = sandbox;
const { Blob, File, FormData } = global;

test("a Blob joins its parts", async () => {
  const blob = new Blob(
    [
      "aé",
      new global.Uint8Array([66, 67]).subarray(1),
      new global.Uint8Array([68]).buffer,
      new Blob(["x"]),
      5,
      "\ud800",
    ],
    { type: "Text/PLAIN" },
  );
  assert.equal(await blob.text(), "aéCDx5\ufffd");
  assert.equal(blob.size, 3 + 1 + 1 + 1 + 1 + 3);
  assert.equal(blob.type, "text/plain");
  same([new Blob().size, new Blob().type], [0, ""]);
  assert.equal(new Blob([], { type: "a\u00e9" }).type, "");
});

test("a Blob reads as buffer, bytes and stream, and is not changed by that", async () => {
  const blob = new Blob(["abc"]);
  const bytes = await blob.bytes();
  bytes[0] = 0;
  new global.Uint8Array(await blob.arrayBuffer()).fill(0);
  assert.equal(await blob.text(), "abc");
  const got = await runAsync(
    `const out = []; for await (const c of new Blob(["abc"]).stream()) out.push(...c); return out`,
  );
  same([...got], [97, 98, 99]);
  const reader = blob.stream().getReader({ mode: "byob" });
  same([...(await reader.read(new global.Uint8Array(2))).value], [97, 98]);
});

test("slices clamp and count from the end", async () => {
  const blob = new Blob(["abcdef"], { type: "t/t" });
  const text = (...args) => blob.slice(...args).text();
  same(
    [await text(1, 3), await text(-2), await text(2, -2), await text(4, 2), await text(), await text(NaN, 100)],
    ["bc", "ef", "cd", "", "abcdef", "abcdef"],
  );
  same([blob.slice(0, 1).type, blob.slice(0, 1, "X/Y").type], ["", "x/y"]);
});

test("parts must be a sequence", async () => {
  await throws(() => new Blob("text"), "TypeError");
  await throws(() => new Blob({}), "TypeError");
  await throws(() => new Blob(null), "TypeError");
  await throws(() => new Blob([], { endings: "other" }), "TypeError");
  assert.equal(await new Blob(["a\r\nb\rc"], { endings: "native" }).text(), "a\nb\nc");
  assert.equal(await run(`new Blob(new Set(["a", "b"]))`).text(), "ab");
});

test("a File has a name and a date", async () => {
  const file = new File(["x"], "a/b.txt", { type: "text/plain", lastModified: 5.9 });
  same([file.name, file.lastModified, file.type, file.size], ["a/b.txt", 5, "text/plain", 1]);
  assert.ok(file instanceof Blob);
  assert.equal(Object.prototype.toString.call(file), "[object File]");
  assert.ok(new File([], "n").lastModified > 1e12);
  await throws(() => new File([]), "TypeError");
});

test("FormData is a multimap of texts and files", () => {
  const form = new FormData();
  form.append("a", 1);
  form.append("a", "2");
  form.append("f", new Blob(["x"], { type: "t/t" }));
  form.append("g", new Blob(["x"]), "named.bin");
  form.append("h", new File([], "own"), "renamed");
  assert.equal(form.get("a"), "1");
  same(form.getAll("a"), ["1", "2"]);
  same(
    [form.get("f").name, form.get("f").type, form.get("g").name, form.get("h").name],
    ["blob", "t/t", "named.bin", "renamed"],
  );
  assert.ok(form.get("f") instanceof File);
  assert.equal(form.get("none"), null);
  form.set("a", "3");
  same([...form.keys()], ["a", "f", "g", "h"]);
  form.set("z", "new");
  form.delete("f");
  assert.equal(form.has("f"), false);
  same(
    [...form].map(([k, v]) => [k, typeof v]),
    [
      ["a", "string"],
      ["g", "object"],
      ["h", "object"],
      ["z", "string"],
    ],
  );
  const file = new File([], "same");
  form.append("s", file);
  assert.equal(form.get("s"), file);
});

test("misuse of FormData", async () => {
  await throws(() => new FormData({}), "TypeError");
  await throws(() => new FormData().append("a"), "TypeError");
  await throws(() => new FormData().append("a", "text", "name"), "TypeError");
  await throws(() => new FormData().forEach(), "TypeError");
});
