// The least of RFC 6455 that a test needs: a client, and a server end, over a socket of node:net.
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { within } from "./_mayfly.mjs";

const DEADLINE_MS = 30_000;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;

export const acceptKey = (key) => createHash("sha1").update(key + GUID).digest("base64");

/** Frames on an open connection. `mask`: we are the client. */
export class Frames {
  #socket;
  #mask;
  #bytes;
  #got = [];
  #waiting = [];
  #parts = [];
  #over = false;

  constructor(socket, mask, first) {
    this.#socket = socket;
    this.#mask = mask;
    this.#bytes = first;
    socket.on("data", (more) => this.#read(more));
    socket.on("error", () => {});
    socket.on("close", () => this.#deliver(null));
    this.#read(Buffer.alloc(0));
  }

  /** A frame with these bytes, whatever they say. */
  sendFrame(opcode, payload, { fin = true } = {}) {
    const size = payload.length;
    const length = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127, ...bigEndian(size)];
    length[0] |= this.#mask ? 0x80 : 0;
    const key = this.#mask ? randomBytes(4) : null;
    const body = key === null ? payload : Buffer.from(payload.map((byte, i) => byte ^ key[i & 3]));
    this.#socket.write(Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode, ...length]), key ?? Buffer.alloc(0), body]));
  }

  send(data) {
    if (typeof data === "string") this.sendFrame(TEXT, Buffer.from(data));
    else this.sendFrame(BINARY, Buffer.from(data));
  }

  close(code, reason = "") {
    const head = code === undefined ? [] : [code >> 8, code & 255];
    this.sendFrame(CLOSE, Buffer.concat([Buffer.from(head), Buffer.from(reason)]));
  }

  drop() {
    this.#socket.destroy();
  }

  end() {
    this.#socket.end();
  }

  /** The next message: a string, a Buffer, {code, reason} of a Close frame, or null when the connection is over. */
  next() {
    const waited = new Promise((resolve) => {
      if (this.#got.length > 0) resolve(this.#got.shift());
      else if (this.#over) resolve(null);
      else this.#waiting.push(resolve);
    });
    return within(DEADLINE_MS, "a WebSocket message", waited);
  }

  #deliver(message) {
    if (message === null) this.#over = true;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting(message);
    else if (message !== null) this.#got.push(message);
  }

  #read(more) {
    this.#bytes = Buffer.concat([this.#bytes, more]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      let size = bytes[1] & 0x7f;
      let at = 2;
      if (size === 126) { if (bytes.length < 4) return; size = bytes.readUInt16BE(2); at = 4; }
      else if (size === 127) { if (bytes.length < 10) return; size = Number(bytes.readBigUInt64BE(2)); at = 10; }
      const masked = (bytes[1] & 0x80) !== 0;
      const key = masked ? bytes.subarray(at, at + 4) : null;
      at += masked ? 4 : 0;
      if (bytes.length < at + size) return;
      const payload = Buffer.from(bytes.subarray(at, at + size));
      if (key !== null) for (let i = 0; i < size; i++) payload[i] ^= key[i & 3];
      this.#bytes = bytes.subarray(at + size);
      this.#frame(bytes[0], payload);
    }
  }

  #frame(head, payload) {
    const opcode = head & 15;
    if (opcode === CLOSE) {
      this.#deliver(payload.length < 2 ? { code: 1005, reason: "" } : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() });
      return;
    }
    if (opcode > CLOSE) return;
    this.#parts.push({ opcode, payload });
    if ((head & 0x80) === 0) return;
    const whole = Buffer.concat(this.#parts.map((part) => part.payload));
    const kind = this.#parts[0].opcode;
    this.#parts = [];
    this.#deliver(kind === TEXT ? whole.toString() : whole);
  }
}

function bigEndian(size) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(size));
  return bytes;
}

/** Asks for a WebSocket. Resolves to {status, headers, frames}; `frames` is null unless the answer was 101. */
export function dial(t, port, path, headers = {}) {
  const key = randomBytes(16).toString("base64");
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  const lines = { Host: `127.0.0.1:${port}`, Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, ...headers };
  socket.write(`GET ${path} HTTP/1.1\r\n${Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
  return within(DEADLINE_MS, `an answer to the upgrade of ${path}`, new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const read = (more) => {
      bytes = Buffer.concat([bytes, more]);
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", read);
      const [first, ...fields] = bytes.subarray(0, end).toString().split("\r\n");
      const got = Object.fromEntries(fields.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
      const status = Number(first.split(" ")[1]);
      if (status === 101 && got["sec-websocket-accept"] !== acceptKey(key)) return reject(new Error("wrong Sec-WebSocket-Accept"));
      resolve({ status, headers: got, frames: status === 101 ? new Frames(socket, true, bytes.subarray(end + 4)) : null });
    };
    socket.on("data", read);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`hung up: ${bytes}`)));
  }));
}
