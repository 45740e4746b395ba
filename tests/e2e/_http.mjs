// HTTP as a client sees it: whole exchanges, and connections on which every byte is ours.
import { request } from "node:http";
import { connect } from "node:net";
import { once } from "node:events";
import { within } from "./_mayfly.mjs";

const REPLY_DEADLINE_MS = 60_000;

/** One exchange on a connection of its own: {status, headers, rawHeaders, body: Buffer, text}. */
export function ask(server, path, { method = "GET", headers = {}, body } = {}) {
  return within(REPLY_DEADLINE_MS, `a reply to ${method} ${path}`, new Promise((resolve, reject) => {
    const outgoing = request(server.url, { path, method, headers, agent: false }, (incoming) => {
      const chunks = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: incoming.statusCode, headers: incoming.headers, rawHeaders: incoming.rawHeaders, body: bytes, text: bytes.toString() });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  }), () => server.output?.stderr ?? "");
}

export const json = async (...args) => JSON.parse((await ask(...args)).text);

/** Asks the PROGRAM_RUNNER of _project.mjs to call `method` of `program`. */
export function call(server, program, { method = "run", limits = {} } = {}) {
  return json(server, `/${method}?limits=${encodeURIComponent(JSON.stringify(limits))}`, { method: "POST", body: program });
}

/** A connection. `received(pattern)` resolves to all text so far once it matches; `closed` once the server hung up. */
export async function open(server, t) {
  const socket = connect(server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  await within(REPLY_DEADLINE_MS, "a connection", once(socket, "connect"));
  let text = "";
  socket.setEncoding("latin1").on("data", (more) => { text += more; });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => { socket.on("close", () => resolve(text)); });
  return {
    socket,
    closed,
    send: (bytes) => socket.write(bytes, "latin1"),
    received: (pattern, deadlineMs = REPLY_DEADLINE_MS) => within(deadlineMs, `text like ${pattern}`, new Promise((resolve) => {
      const look = () => pattern.test(text) && resolve(text);
      socket.on("data", look);
      look();
    }), () => text),
  };
}
