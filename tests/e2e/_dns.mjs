// A name server on the loopback interface, whose answers a test writes.
import { createSocket } from "node:dgram";
import { once } from "node:events";

const TYPES = { A: 1, CNAME: 5, AAAA: 28 };
const NAME_ERROR = 3;

/**
 * `answer(name, type, count)`: a list of [type, data] for the count-th question of this type ("A" or "AAAA") for a
 * name, or null if there is no such name. Answers live for 0 seconds. Gives {address, asked}, `asked` being "TYPE name".
 */
export async function nameServer(t, answer) {
  const socket = createSocket("udp4");
  const asked = [];
  socket.on("message", (message, from) => {
    const { name, type, end } = readQuestion(message);
    const kind = Object.keys(TYPES).find((key) => TYPES[key] === type);
    if (kind !== undefined) asked.push(`${kind} ${name}`);
    const count = asked.filter((one) => one === `${kind} ${name}`).length;
    const records = kind === undefined ? [] : answer(name, kind, count);
    socket.send(reply(message.subarray(0, end), records), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  t.after(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
}

function readQuestion(message) {
  const labels = [];
  let at = 12;
  for (let size = message[at]; size > 0; size = message[at]) {
    labels.push(message.toString("latin1", at + 1, at + 1 + size));
    at += 1 + size;
  }
  return { name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function reply(question, records) {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180 | (records === null ? NAME_ERROR : 0), 2);
  head.writeUInt16BE(records?.length ?? 0, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  let owner = Buffer.from([0xc0, 12]); // the name of the question
  const parts = [head];
  for (const [type, data] of records ?? []) {
    const content = encode(type, data);
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(TYPES[type], 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt16BE(content.length, 8);
    parts.push(owner, fixed, content);
    if (type === "CNAME") owner = content;
  }
  return Buffer.concat(parts);
}

function encode(type, data) {
  if (type === "A") return Buffer.from(data.split(".").map(Number));
  if (type === "AAAA") {
    // Written in full: eight groups.
    return Buffer.from(data.split(":").flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
  }
  return Buffer.concat([...data.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);
}
