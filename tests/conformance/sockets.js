// worker-loader.md §2.3 (connect), §3.1 (cloudflare:sockets), §3.2 (connect handlers), §5.1, §5.2 and checklist 67.

import { WorkerEntrypoint } from "cloudflare:workers";
import { connect } from "cloudflare:sockets";
import { deepEqual, equal, includes, ok, rejects, throws } from "./_assert.js";
import { entry, withClass } from "./_load.js";

const REFUSED = "proxy request failed, cannot connect to the specified address";
const bytes = (text) => new TextEncoder().encode(text);

/** All that `readable` gives, as text. */
const text = (readable) => new Response(readable).text();

/** The text of one read. */
async function once(reader) {
  const { value, done } = await reader.read();
  return done ? null : new TextDecoder().decode(value);
}

const ECHO = `export default {
  async connect(socket, env, ctx) {
    globalThis.seen = [Object.prototype.toString.call(socket), (await socket.opened).localAddress, env.name, typeof ctx.waitUntil];
    await socket.readable.pipeTo(socket.writable);
  },
  seen() { return globalThis.seen; },
};`;

export class Out extends WorkerEntrypoint {
  async connect(socket) {
    const { localAddress } = await socket.opened;
    const writer = socket.writable.getWriter();
    for await (const chunk of socket.readable) {
      await writer.write(bytes(`${this.ctx.props.tenant} ${localAddress} ${new TextDecoder().decode(chunk)}`));
    }
    await writer.close();
  }
}

export class NoConnect extends WorkerEntrypoint {
  fetch() {
    return new Response("x");
  }
}

const CLIENT = `import { connect } from "cloudflare:sockets";
export default {
  async talk(address) {
    const socket = connect(address);
    const writer = socket.writable.getWriter();
    await writer.write(new TextEncoder().encode("hey"));
    const reader = socket.readable.getReader();
    const { value } = await reader.read();
    await writer.close();
    const { done } = await reader.read();
    return [(await socket.opened).remoteAddress, new TextDecoder().decode(value), done, (await socket.closed) === undefined];
  },
  async attempt(address) {
    try { connect(address); } catch (error) { return ["thrown", error.name, error.message]; }
    return ["not thrown"];
  },
  async refused(address) {
    const { opened, closed } = connect(address);
    const said = (promise) => promise.then(() => "fulfilled", (error) => error.name + ": " + error.message);
    return [await said(opened), await said(closed)];
  },
};`;

// The shape ------------------------------------------------------------------------------------------------

export const aSocketHasStreamsAndPromises = {
  async test(_, env) {
    const socket = entry(env, ECHO).connect("h:1");
    equal(Object.prototype.toString.call(socket), "[object Socket]");
    ok(socket.readable instanceof ReadableStream && socket.writable instanceof WritableStream);
    ok(socket.opened instanceof Promise && socket.closed instanceof Promise);
    ok(socket.readable === socket.readable && socket.opened === socket.opened);
    deepEqual([socket.secureTransport, socket.upgraded, typeof globalThis.Socket], ["off", false, "undefined"]);
    await socket.close();
  },
};

export const addressesAreChecked = {
  test(_, env) {
    const e = entry(env, ECHO);
    for (const dial of [connect, (...args) => e.connect(...args)]) {
      throws(() => dial(""), { name: "TypeError", message: "Specified address is missing hostname" });
      for (const bad of ["x", "x:", "http://x:80", 5]) throws(() => dial(bad), { name: "TypeError", message: "Specified address is missing port" });
      for (const bad of [":80", "x:y", "x:99999", "x:-1", "::1:80", "x y:80"]) throws(() => dial(bad), { name: "TypeError", message: "Specified address could not be parsed" });
      for (const bad of ["x:80/path", "u@x:80", "x:80#f", "x:80?q"]) throws(() => dial(bad), { name: "TypeError", message: "unsupported characters" });
      throws(() => dial(), { name: "TypeError" });
      throws(() => dial({ hostname: "x" }), { name: "TypeError", message: "not an integer" });
      throws(() => dial({ hostname: "x", port: 70000 }), { name: "TypeError", message: "out of range" });
    }
  },
};

export const socketOptionsAreChecked = {
  test(_, env) {
    const e = entry(env, ECHO);
    throws(() => e.connect("h:1", { secureTransport: "nope" }), { name: "TypeError", message: "Unsupported value in secureTransport socket option: nope" });
    throws(() => e.connect("h:1", { highWaterMark: -1 }), { name: "TypeError" });
    throws(() => e.connect("h:1", 5), { name: "TypeError", message: "SocketOptions" });
    throws(() => e.connect("h:1").startTls(), { name: "TypeError", message: "'starttls'" });
  },
};

export const connectIsForbiddenAtTheTopLevel = {
  async test(_, env) {
    const e = entry(env, `import { connect } from "cloudflare:sockets";
      let said; try { connect("h:1"); } catch (error) { said = error.message; } export default { said() { return said; } };`);
    includes(await e.said(0), "Disallowed operation called within global scope");
  },
};

// To a worker's connect handler ------------------------------------------------------------------------------

export const aFetcherConnectsToTheConnectHandler = {
  async test(_, env) {
    const e = entry(env, ECHO, { env: { name: "n" } });
    const socket = e.connect("some.host:99");
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    const written = writer.write(bytes("one"));
    equal(await once(reader), "one");
    await written;
    equal((await socket.opened).remoteAddress, "some.host:99");
    await writer.close();
    equal(await once(reader), null);
    equal(await socket.closed, undefined);
    deepEqual([...(await e.seen(0))], ["[object Socket]", "some.host:99", "n", "function"]);
  },
};

export const anAddressMayBeAnObject = {
  async test(_, env) {
    const socket = entry(env, ECHO).connect({ hostname: "a.b", port: 5 });
    equal((await socket.opened).remoteAddress, "a.b:5");
    await socket.close();
  },
};

export const aClassHandlerHasItsProps = {
  async test(_, env, ctx) {
    const socket = ctx.exports.Out({ props: { tenant: "t7" } }).connect("h:1");
    const reader = socket.readable.getReader();
    const written = socket.writable.getWriter().write(bytes("x"));
    equal(await once(reader), "t7 h:1 x");
    await written;
    await socket.close();
  },
};

export const textIsWrittenAsUtf8AndObjectsAreRefused = {
  async test(_, env) {
    const socket = entry(env, ECHO).connect("h:1");
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    const written = writer.write("é");
    equal(await once(reader), "é");
    await written;
    await rejects(writer.write({}), { name: "TypeError", message: "byte stream" });
  },
};

export const manyBytesPassInOrder = {
  async test(_, env) {
    const socket = entry(env, ECHO).connect("h:1");
    const size = 3_000_000;
    const all = new Uint8Array(size).map((_, i) => i * 7);
    const writer = socket.writable.getWriter();
    const writing = writer.write(all).then(() => writer.close());
    const back = new Uint8Array(await new Response(socket.readable).arrayBuffer());
    await writing;
    ok(back.length === size && back.every((byte, i) => byte === all[i]), "the same bytes");
  },
};

export const byobReadersReadASocket = {
  async test(_, env) {
    const socket = entry(env, ECHO).connect("h:1");
    const reader = socket.readable.getReader({ mode: "byob" });
    void socket.writable.getWriter().write(bytes("abc"));
    const { value } = await reader.read(new Uint8Array(10));
    equal(new TextDecoder().decode(value), "abc");
    await socket.close();
  },
};

export const theConnectionEndsWithItsHandler = {
  async test(_, env) {
    for (const body of ["", "socket.close();", "throw new Error('boom');"]) {
      const socket = entry(env, `export default { async connect(socket) { ${body} } };`).connect("h:1");
      equal((await socket.opened).remoteAddress, "h:1");
      equal(await once(socket.readable.getReader()), null);
      equal(await socket.closed, undefined);
    }
  },
};

export const whatTheHandlerWroteIsReadBeforeTheEnd = {
  async test(_, env) {
    const e = withClass(env, `async connect(socket) {
      const writer = socket.writable.getWriter();
      await writer.write(new TextEncoder().encode("a"));
      await writer.write(new TextEncoder().encode("b"));
      await writer.close();
    }`);
    equal(await text(e.connect("h:1").readable), "ab");
  },
};

export const aMissingHandlerRefusesTheConnection = {
  async test(_, env, ctx) {
    for (const fetcher of [entry(env, "export default { fetch() {} };"), ctx.exports.NoConnect({ props: {} })]) {
      const socket = fetcher.connect("h:1");
      ok((await rejects(socket.opened, { name: "Error" })).message.startsWith(REFUSED));
      ok((await rejects(socket.closed, { name: "Error" })).message.startsWith(REFUSED));
      equal(await once(socket.readable.getReader()), null);
    }
  },
};

export const aProgramThatDoesNotStartRefusesTheConnection = {
  async test(_, env) {
    const socket = entry(env, "syntax error(").connect("h:1");
    ok((await rejects(socket.opened, { name: "Error" })).message.startsWith(REFUSED));
    await rejects(socket.closed, { name: "Error" });
  },
};

export const connectIsNoRpcMethod = {
  async test(_, env) {
    const socket = withClass(env, "connect(socket) { return socket.close(); }").connect("h:1");
    equal(typeof socket.then, "undefined");
    await socket.closed.catch(() => {});
  },
};

// Closing -------------------------------------------------------------------------------------------------

export const closeEndsBothDirections = {
  async test(_, env) {
    const socket = entry(env, ECHO).connect("h:1");
    const writer = socket.writable.getWriter();
    const reader = socket.readable.getReader();
    const written = writer.write(bytes("x"));
    equal(await once(reader), "x");
    await written;
    const pending = reader.read();
    const refused = rejects(pending, { name: "TypeError", message: "This socket has been closed." });
    equal(await socket.close(), undefined);
    equal(await socket.closed, undefined);
    await refused;
    await rejects(writer.write(bytes("y")), { name: "TypeError", message: "This WritableStream has been closed." });
    equal(await socket.close(), undefined);
  },
};

export const theEndOfTheOtherSideEndsWriting = {
  async test(_, env) {
    const e = entry(env, "export default { async connect(socket) { await socket.writable.close(); } };");
    const socket = e.connect("h:1");
    const writer = socket.writable.getWriter();
    equal(await once(socket.readable.getReader()), null);
    equal(await socket.closed, undefined);
    await rejects(writer.write(bytes("x")), { name: "TypeError", message: "This WritableStream has been closed." });
  },
};

// Outbound ------------------------------------------------------------------------------------------------

export const noOutboundMeansNoSocket = {
  async test(_, env) {
    const [how, name, message] = await entry(env, CLIENT).attempt("db.host:5432");
    deepEqual([how, name], ["thrown", "Error"]);
    includes(message, "This worker is not permitted to access the internet via global functions like fetch().");
  },
};

export const aBadAddressIsSaidBeforeTheMissingOutbound = {
  async test(_, env) {
    deepEqual((await entry(env, CLIENT).attempt("nope")).slice(0, 2), ["thrown", "TypeError"]);
  },
};

export const anInterceptorGetsTheConnections = {
  async test(_, env, ctx) {
    const e = entry(env, CLIENT, { globalOutbound: ctx.exports.Out({ props: { tenant: "t1" } }) });
    deepEqual([...(await e.talk("db.host:5432"))], ["db.host:5432", "t1 db.host:5432 hey", true, true]);
  },
};

export const anInterceptorWithoutHandlerRefusesThem = {
  async test(_, env, ctx) {
    const e = entry(env, CLIENT, { globalOutbound: ctx.exports.NoConnect({ props: {} }) });
    for (const said of await e.refused("db.host:5432")) ok(said.startsWith(`Error: ${REFUSED}`), said);
  },
};
