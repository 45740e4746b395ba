import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, same, throws } from "./harness.mjs";

const sandbox = createSandbox();
const { global, runAsync } = sandbox;
const { TextEncoder, TextDecoder, atob, btoa } = global;
const bytes = (...list) => new global.Uint8Array(list);

test("TextEncoder writes UTF-8", () => {
  same([...new TextEncoder().encode("aé€\u{1f600}")], [97, 195, 169, 226, 130, 172, 240, 159, 152, 128]);
  same([...new TextEncoder().encode("\ud800")], [239, 191, 189]);
  same([...new TextEncoder().encode()], []);
  assert.equal(new TextEncoder().encoding, "utf-8");
  assert.ok(new TextEncoder().encode("x") instanceof global.Uint8Array);
});

test("encodeInto stops before a character that does not fit", () => {
  const encoder = new TextEncoder();
  const into = (text, size) => {
    const target = new global.Uint8Array(size);
    return [{ ...encoder.encodeInto(text, target) }, [...target]];
  };
  same(into("abc", 2), [{ read: 2, written: 2 }, [97, 98]]);
  same(into("a€", 3), [{ read: 1, written: 1 }, [97, 0, 0]]);
  same(into("\u{1f600}b", 5), [{ read: 3, written: 5 }, [240, 159, 152, 128, 98]]);
  same(into("\u{1f600}", 3), [{ read: 0, written: 0 }, [0, 0, 0]]);
  same(into("\udc00é", 5), [{ read: 2, written: 5 }, [239, 191, 189, 195, 169]]);
});

test("encodeInto wants a Uint8Array", async () => {
  await throws(() => new TextEncoder().encodeInto("a", new global.Uint16Array(1)), "TypeError");
  await throws(() => new TextEncoder().encodeInto("a"), "TypeError");
});

test("TextDecoder reads UTF-8 and replaces what is wrong", () => {
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(bytes(226, 130, 172)), "€");
  assert.equal(decoder.decode(bytes(0xff, 0x41)), "\ufffdA");
  assert.equal(decoder.decode(bytes(0xe2, 0x82)), "\ufffd");
  assert.equal(decoder.decode(), "");
  assert.equal(decoder.decode(bytes(65).buffer), "A");
  assert.equal(decoder.decode(new global.DataView(bytes(65, 66).buffer, 1)), "B");
});

test("fatal decoding throws and starts afresh", async () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  assert.equal(decoder.fatal, true);
  await throws(() => decoder.decode(bytes(0xff)), "TypeError");
  assert.equal(decoder.decode(bytes(65)), "A");
  await throws(() => decoder.decode(bytes(0xe2)), "TypeError");
  assert.equal(decoder.decode(bytes(0xe2), { stream: true }), "");
  await throws(() => decoder.decode(), "TypeError");
  assert.equal(decoder.decode(bytes(66)), "B");
});

test("a byte order mark is dropped once, unless it is wanted", () => {
  assert.equal(new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 65)), "A");
  assert.equal(new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf)), "\ufeff");
  assert.equal(new TextDecoder("utf8", { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf, 65)), "\ufeffA");
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(bytes(0xef, 0xbb), { stream: true }), "");
  assert.equal(decoder.decode(bytes(0xbf, 65), { stream: true }), "A");
  assert.equal(decoder.decode(bytes(0xef, 0xbb, 0xbf)), "\ufeff");
  assert.equal(decoder.decode(bytes(0xef, 0xbb, 0xbf, 66)), "B");
});

test("streaming gives the same text however the bytes are cut", () => {
  const text = "aé€\u{1f600}\u{10ffff}z";
  const all = [...Buffer.from(text)].concat(
    [0xf0, 0x90],
    [...Buffer.from("é")],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf5],
  );
  const whole = new TextDecoder().decode(bytes(...all));
  for (let size = 1; size <= 5; size++) {
    const decoder = new TextDecoder();
    let got = "";
    for (let i = 0; i < all.length; i += size)
      got += decoder.decode(bytes(...all.slice(i, i + size)), { stream: true });
    got += decoder.decode();
    assert.equal(got, whole, `chunks of ${size}`);
  }
});

test("a chunk that begins no valid character is not held back", () => {
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(bytes(0xe0, 0x80), { stream: true }), "\ufffd\ufffd");
  assert.equal(decoder.decode(bytes(0xed, 0xa0), { stream: true }), "\ufffd\ufffd");
  assert.equal(decoder.decode(bytes(0xf4, 0x90), { stream: true }), "\ufffd\ufffd");
  assert.equal(decoder.decode(bytes(0xc1), { stream: true }), "\ufffd");
});

test("labels are trimmed and without case; unknown ones are a RangeError", async () => {
  assert.equal(new TextDecoder(" UTF8\n").encoding, "utf-8");
  assert.equal(new TextDecoder("Latin1").encoding, "windows-1252");
  assert.equal(new TextDecoder("ascii").encoding, "windows-1252");
  assert.equal(new TextDecoder("utf-16").encoding, "utf-16le");
  await throws(() => new TextDecoder("klingon"), "RangeError");
  await throws(() => new TextDecoder("utf-7"), "RangeError");
});

test("UTF-16 is decoded, also in pieces", async () => {
  const decoder = new TextDecoder("utf-16le");
  assert.equal(decoder.decode(bytes(0xff, 0xfe, 65, 0)), "A");
  assert.equal(decoder.decode(bytes(0x3d), { stream: true }), "");
  assert.equal(decoder.decode(bytes(0xd8, 0x00), { stream: true }), "");
  assert.equal(decoder.decode(bytes(0xde), { stream: true }), "\u{1f600}");
  assert.equal(decoder.decode(), "");
  assert.equal(decoder.decode(bytes(0x3d, 0xd8)), "\ufffd");
  assert.equal(decoder.decode(bytes(65, 0, 66)), "A\ufffd");
  assert.equal(new TextDecoder("utf-16be").decode(bytes(0xd8, 0x3d, 0xde, 0)), "\u{1f600}");
  await throws(() => new TextDecoder("utf-16le", { fatal: true }).decode(bytes(0, 0xdc)), "TypeError");
});

test("windows-1252 maps every byte", () => {
  assert.equal(new TextDecoder("latin1").decode(bytes(0x80, 0x41, 0xe9, 0x9f, 0x81)), "€Aé\u0178\u0081");
});

test("decode() wants bytes", async () => {
  await throws(() => new TextDecoder().decode("text"), "TypeError");
  await throws(() => new TextDecoder().decode(5), "TypeError");
});

test("atob and btoa", async () => {
  assert.equal(btoa("hi\xff"), "aGn/");
  assert.equal(atob("aGk="), "hi");
  assert.equal(atob(" aG k"), "hi");
  assert.equal(atob(btoa("\0\x80\xff")), "\0\x80\xff");
  assert.equal(btoa(""), "");
  assert.equal(btoa(null), "bnVsbA==");
  await throws(() => atob("a"), "InvalidCharacterError");
  await throws(() => atob("%%%%"), "InvalidCharacterError");
  await throws(() => btoa("€"), "InvalidCharacterError");
  await throws(() => btoa(), "TypeError");
});

test("TextEncoderStream joins surrogates across chunks", async () => {
  const got = await runAsync(`
    const s = new TextEncoderStream();
    const w = s.writable.getWriter();
    w.write("a\\ud83d"); w.write("\\ude00"); w.write(5); w.write("\\ud800"); w.close();
    const out = [];
    for await (const chunk of s.readable) out.push(...chunk);
    return out;`);
  same([...got], [97, 240, 159, 152, 128, 53, 239, 191, 189]);
});

test("TextDecoderStream decodes across chunks", async () => {
  const got = await runAsync(`
    const s = new TextDecoderStream();
    const w = s.writable.getWriter();
    w.write(new Uint8Array([0xe2, 0x82])); w.write(new Uint8Array([0xac, 65])); w.write(new Uint8Array([0xe2])); w.close();
    let out = "";
    for await (const chunk of s.readable) out += chunk;
    return out;`);
  assert.equal(got, "€A\ufffd");
  await throws(
    () =>
      runAsync(`
    const s = new TextDecoderStream("utf-8", {fatal: true});
    const w = s.writable.getWriter();
    w.write(new Uint8Array([0xff])).catch(() => {}); w.closed.catch(() => {});
    await s.readable.getReader().read();`),
    "TypeError",
  );
});

test("a program that replaces prototypes hurts only itself", () => {
  const other = createSandbox();
  const result = other.run(`
    String.prototype.charCodeAt = () => { throw new Error("no"); };
    Uint8Array.prototype.subarray;
    JSON.stringify([new TextEncoder().encodeInto("é", new Uint8Array(2)).written, new TextDecoder().decode(new Uint8Array([65]))])`);
  assert.equal(result, '[2,"A"]');
});
