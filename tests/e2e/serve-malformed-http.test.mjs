// `mayfly serve`: clients that do not speak HTTP are refused, and nobody else notices.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ask, open } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { project } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = `export default { async fetch(request) { return new Response(request.method === "POST" ? await request.text() : "Hello World!"); } };`;
const file = wholeFile();
let server;
before(async () => { server = await serve(file, project(file, MAIN)); });

const MALFORMED = {
  "no HTTP at all": "\x00\x01\x02 nonsense\r\n\r\n", "no method": " / HTTP/1.1\r\n\r\n", "a header without a colon": "GET / HTTP/1.1\r\nHost h\r\n\r\n",
  "two lengths": "POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "a length that is no number": "POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
  "a length that is too large": "POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
  "length and chunks": "POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
};
for (const [what, bytes] of Object.entries(MALFORMED)) {
  test(`malformed HTTP (${what}): refused, and the server lives`, options, async (t) => {
    const connection = await open(server, t);
    connection.send(bytes);
    assert.match(await connection.received(/\r\n\r\n/, 5000), /^HTTP\/1\.1 (400|501|505) /);
    assert.equal((await ask(server, "/")).status, 200);
  });
}

test("chunks that are none, and headers without end: refused, and the server lives", options, async (t) => {
  const chunks = await open(server, t);
  chunks.send("POST /text HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n");
  assert.doesNotMatch(await chunks.closed, /HTTP\/1\.1 200/);
  const headers = await open(server, t);
  headers.send(`GET / HTTP/1.1\r\nHost: h\r\n${`X: ${"y".repeat(1000)}\r\n`.repeat(3000)}\r\n`);
  assert.doesNotMatch(await headers.closed, /HTTP\/1\.1 200/);
  assert.equal((await ask(server, "/")).text, "Hello World!");
});
