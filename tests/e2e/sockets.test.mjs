// `mayfly serve` and connect(): byte connections to servers outside, and from worker to worker.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { createServer as createTlsServer, createSecureContext, TLSSocket } from "node:tls";
import { json } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { until } from "./_processes.mjs";
import { project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const MAIN = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  import { connect } from "cloudflare:sockets";
  const enc = (text) => new TextEncoder().encode(text);
  const CHILD = \`import { connect } from "cloudflare:sockets";
    export default { async run(address) {
      try {
        const socket = connect(address);
        const writer = socket.writable.getWriter();
        await writer.write(new TextEncoder().encode("hi"));
        await writer.close();
        return [(await socket.opened).remoteAddress, await new Response(socket.readable).text(), (await socket.closed) ?? null];
      } catch (error) { return [error.name, error.message, error.code ?? null]; }
    } };\`;
  export class Out extends WorkerEntrypoint {
    async connect(socket) {
      const upstream = connect(this.ctx.props.address);
      await Promise.all([socket.readable.pipeTo(upstream.writable), upstream.readable.pipeTo(socket.writable)]);
    }
  }
  const load = (env, extra) => env.LOADER.load({ compatibilityDate: "2026-04-22", mainModule: "m.js", modules: { "m.js": CHILD }, ...extra }).getEntrypoint();
  const lines = (socket) => {
    const reader = socket.readable.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    return async () => {
      while (!text.includes("\\n")) { const { value, done } = await reader.read(); if (done) return null; text += value; }
      const line = text.slice(0, text.indexOf("\\n"));
      text = text.slice(line.length + 1);
      return line;
    };
  };
  const routes = {
    "/ask": async (address, url) => {
      const socket = connect(address, { allowHalfOpen: url.searchParams.has("half"), secureTransport: url.searchParams.get("secure") ?? "off" });
      const writer = socket.writable.getWriter();
      const reader = socket.readable.getReader();
      const log = [];
      for (const line of url.searchParams.getAll("say")) {
        await writer.write(enc(line + "\\n"));
        const { value, done } = await reader.read();
        log.push(done ? null : new TextDecoder().decode(value));
      }
      await socket.close();
      return log;
    },
    "/big": async (address, url) => {
      const size = Number(url.searchParams.get("size"));
      const socket = connect(address);
      const writer = socket.writable.getWriter();
      const writing = writer.write(new Uint8Array(size).fill(7)).then(() => writer.close());
      let count = 0;
      for await (const chunk of socket.readable) count += chunk.byteLength;
      await writing;
      return [count];
    },
    "/eof": async (address, url) => {
      const socket = connect(address, { allowHalfOpen: url.searchParams.has("half") });
      const writer = socket.writable.getWriter();
      await writer.write(enc("bye\\n"));
      const text = await new Response(socket.readable).text();
      let after;
      try { await writer.write(enc("more\\n")); after = "written"; await writer.close(); } catch (error) { after = error.message; }
      return [text, after, (await socket.closed) ?? null];
    },
    "/reset": async (address) => {
      const socket = connect(address);
      const writer = socket.writable.getWriter();
      await writer.write(enc("reset\\n"));
      const said = (error) => [error.message, error.retryable];
      return [await socket.readable.getReader().read().catch(said), (await socket.closed) ?? null];
    },
    "/refused": async (address) => {
      const socket = connect(address);
      const said = (error) => [error.message, error.code ?? null];
      return [await socket.opened.catch(said), await socket.closed.catch(said)];
    },
    "/starttls": async (address, url) => {
      const plain = connect(address, { secureTransport: "starttls" });
      const writer = plain.writable.getWriter();
      const reader = plain.readable.getReader();
      await writer.write(enc("STARTTLS\\n"));
      const ready = new TextDecoder().decode((await reader.read()).value);
      writer.releaseLock();
      reader.releaseLock();
      const host = url.searchParams.get("host");
      const secure = plain.startTls(host === null ? undefined : { expectedServerHostname: host });
      const next = lines(secure);
      const secureWriter = secure.writable.getWriter();
      await secureWriter.write(enc("secret\\n"));
      const answer = await next();
      await secure.close();
      return [ready, secure.secureTransport, answer, plain.upgraded];
    },
    "/many": async (address) => {
      const sockets = Array.from({ length: 40 }, () => connect(address));
      let open = 0;
      const opened = sockets.map((socket) => socket.opened.then(() => { open++; }));
      await Promise.all(opened.slice(0, 32));
      await new Promise((r) => setTimeout(r, 50));
      const atOnce = open;
      await Promise.all(sockets.slice(0, 32).map((socket) => socket.close()));
      await Promise.all(opened);
      return [atOnce, open];
    },
    "/inherited": (address, url, env) => load(env, {}).run(address),
    "/null": (address, url, env) => load(env, { globalOutbound: null }).run(address),
    "/intercepted": (address, url, env, ctx) => load(env, { globalOutbound: ctx.exports.Out({ props: { address } }) }).run("made.up:1"),
  };
  export default { async fetch(request, env, ctx) {
    const url = new URL(request.url);
    try { return Response.json(await routes[url.pathname](url.searchParams.get("to"), url, env, ctx)); }
    catch (error) { return Response.json({ name: error.name, message: error.message, code: error.code ?? null }); }
  } };`;

const file = wholeFile();
let port;       // of a server that speaks lines
let tlsPort;    // of one that speaks TLS from the first byte
let server;     // a mayfly whose operator allows both
let closed;     // one whose operator allows nothing
let connections = 0;

/** A certificate of `localhost`, signed by itself. */
function makeCertificate() {
  const directory = mkdtempSync(join(tmpdir(), "mayfly-e2e-"));
  chmodSync(directory, 0o755);
  file.after(() => rmSync(directory, { recursive: true, force: true }));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const made = spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  chmodSync(cert, 0o644);
  return { key: readFileSync(key), cert: readFileSync(cert), path: cert };
}

function converse(socket, certificate) {
  socket.on("error", () => {});
  socket.on("data", (data) => {
    const said = data.toString("latin1");
    if (said.startsWith("bye")) socket.end("last words");
    else if (said.startsWith("reset")) socket.resetAndDestroy();
    else if (said.startsWith("STARTTLS")) {
      socket.removeAllListeners("data");
      socket.write("ready\n");
      const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(certificate) });
      secure.on("error", () => {});
      secure.on("data", (more) => secure.write(`secure ${more}`));
    } else socket.write(data);
  });
}

before(async () => {
  const certificate = makeCertificate();
  const plain = createServer({ allowHalfOpen: false }, (socket) => { connections++; converse(socket, certificate); }).listen(0, "127.0.0.1");
  const secure = createTlsServer(certificate, (socket) => converse(socket, certificate)).listen(0, "127.0.0.1");
  secure.on("tlsClientError", () => {});
  file.after(() => { plain.close(); secure.close(); });
  await Promise.all([once(plain, "listening"), once(secure, "listening")]);
  port = plain.address().port;
  tlsPort = secure.address().port;
  const allow = [`127.0.0.1:${port}`, `127.0.0.1:${tlsPort}`, `localhost:${port}`, `localhost:${tlsPort}`, "loopback"];
  server = await serve(file, project(file, MAIN, { ...WITH_LOADER, mayfly: { egress: { allow } } }), { env: { SSL_CERT_FILE: certificate.path } });
  closed = await serve(file, project(file, MAIN, WITH_LOADER));
});

const ask = (to, path, query = "") => json(to, `${path}?to=127.0.0.1:${port}${query}`);

test("a worker talks with a server outside", options, async () => {
  assert.deepEqual(await ask(server, "/ask", "&say=one&say=two"), ["one\n", "two\n"]);
});

test("megabytes pass in both directions", options, async () => {
  assert.deepEqual(await ask(server, "/big", "&size=12000000"), [12000000]);
});

test("the end of the server ends the socket, unless it may stay half open", options, async () => {
  assert.deepEqual(await ask(server, "/eof"), ["last words", "This WritableStream has been closed.", null]);
  assert.deepEqual(await ask(server, "/eof", "&half"), ["last words", "written", null]);
});

test("a reset connection is lost", options, async () => {
  assert.deepEqual(await ask(server, "/reset"), [["Network connection lost.", true], null]);
});

test("TLS from the first byte, with a certificate of the host", options, async () => {
  assert.deepEqual(await json(server, `/ask?to=localhost:${tlsPort}&secure=on&say=x`), ["x\n"]);
});

test("no TLS with a certificate of somebody else", options, async () => {
  const error = await json(server, `/ask?to=127.0.0.1:${tlsPort}&secure=on&say=x`);
  assert.match(error.message, /^proxy request failed, cannot connect to the specified address.*TLS/);
});

test("TLS that begins later", options, async () => {
  assert.deepEqual(await json(server, `/starttls?to=localhost:${port}`), ["ready\n", "on", "secure secret", true]);
  assert.deepEqual(await ask(server, "/starttls", "&host=localhost"), ["ready\n", "on", "secure secret", true]);
  assert.match((await ask(server, "/starttls")).message, /proxy request failed|Network connection lost/);
});

test("a sandbox has at most 32 connections at once; further ones wait until one is given back", options, async () => {
  const before = connections;
  assert.deepEqual(await ask(server, "/many"), [32, 40]);
  // Our own server may hear of them later than the program does.
  await until("40 connections here", () => connections === before + 40);
});

test("what the operator does not allow is refused, by name and number alike", options, async () => {
  const before = connections;
  for (const host of ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"]) {
    for (const [message, code] of await json(closed, `/refused?to=${encodeURIComponent(`${host}:${port}`)}`)) {
      assert.equal(code, "ERR_OUTBOUND_BLOCKED", host);
      assert.match(message, /^proxy request failed, cannot connect to the specified address/);
      if (host === "localhost") assert.doesNotMatch(message, /127\.0\.0\.1|::1/);
    }
  }
  assert.equal(connections, before);
  await closed.logged(/egress\.not-allowed/);
});

test("mail and port 0 are refused, even where the address is allowed", options, async () => {
  for (const blocked of [25, 0]) {
    const [[message, code]] = await json(server, `/refused?to=127.0.0.1:${blocked}`);
    assert.equal(code, "ERR_OUTBOUND_BLOCKED", message);
  }
});

test("nobody there, and no such host: refused with a code", options, async () => {
  const unused = createServer().listen(0, "127.0.0.1");
  await once(unused, "listening");
  const free = unused.address().port;
  await new Promise((resolve) => unused.close(resolve));
  assert.equal((await json(server, `/refused?to=127.0.0.1:${free}`))[0][1], "ERR_OUTBOUND_CONNECT");
  assert.equal((await json(server, "/refused?to=no-such-host.invalid:80"))[0][1], "ERR_OUTBOUND_CONNECT");
});

test("a dynamic worker inherits the network, or has none, or an interceptor", options, async () => {
  assert.deepEqual(await ask(server, "/inherited"), [`127.0.0.1:${port}`, "hi", null]);
  const before = connections;
  const [name, message] = await ask(server, "/null");
  assert.equal(name, "Error");
  assert.match(message, /not permitted to access the internet/);
  assert.equal(connections, before);
  assert.deepEqual(await ask(server, "/intercepted"), ["made.up:1", "hi", null]);
});
