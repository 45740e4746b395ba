// A server on which every byte is the test's: what arrived, on which connection, and what it answers.
import { createServer } from "node:net";
import { once } from "node:events";

/**
 * `answer({method, path, head, body, connection}, socket)` gives the bytes of the answer (text or Buffer), or
 * undefined if it writes to the socket itself. Gives {port, requests, connections}; `head` is latin1 text with the
 * request line, `body` what its Content-Length or chunks say, in latin1.
 */
export async function origin(t, answer, host = "127.0.0.1") {
  const requests = [];
  const seen = { requests, connections: 0 };
  const open = new Set();
  const server = createServer((socket) => {
    const connection = ++seen.connections;
    open.add(socket);
    let received = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
      for (let one = readRequest(received); one !== null; one = readRequest(received)) {
        received = received.subarray(one.size);
        const [method, path] = one.head.split(" ");
        const request = { method, path, head: one.head, body: one.body, connection };
        requests.push(request);
        const bytes = answer(request, socket);
        if (bytes !== undefined) socket.write(bytes);
      }
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return Object.assign(seen, { port: server.address().port });
}

function readRequest(bytes) {
  const headSize = bytes.indexOf("\r\n\r\n");
  if (headSize < 0) return null;
  const head = bytes.toString("latin1", 0, headSize);
  const start = headSize + 4;
  const length = /^content-length: *(\d+)/im.exec(head);
  if (length !== null) {
    const size = start + Number(length[1]);
    return bytes.length < size ? null : { head, body: bytes.toString("latin1", start, size), size };
  }
  if (!/^transfer-encoding: *chunked/im.test(head)) return { head, body: "", size: start };
  let body = "";
  for (let at = start; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = parseInt(bytes.toString("latin1", at, line), 16);
    if (bytes.length < line + 2 + size + 2) return null;
    body += bytes.toString("latin1", line + 2, line + 2 + size);
    at = line + 2 + size + 2;
    if (size === 0) return { head, body, size: at };
  }
}

/** A whole HTTP/1.1 answer with the length of its body. */
export function http(status, headers = {}, body = "") {
  const bytes = Buffer.from(body);
  const lines = Object.entries({ ...headers, "Content-Length": bytes.length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${status === 200 ? "OK" : "Odd"}\r\n${lines.join("")}\r\n`), bytes]);
}
