// The customers' side: questions over HTTP, on kept-alive connections.
import { Agent, request } from "node:http";

const REPLY_DEADLINE_MS = 30_000;

/** Opens connections to the server at `url`. close() ends them. */
export function openDesk(url) {
  const agent = new Agent({ keepAlive: true });
  return { url, agent, close: () => agent.destroy() };
}

/** Asks one question. Resolves to the status, the JSON body and the time from sending to the last byte. */
export function ask(desk, { customerId, question }) {
  return exchange(desk, "POST", "/ask", JSON.stringify({ customerId, question }));
}

/** The questions for which the server has a program. */
export async function knownQuestions(desk) {
  return (await exchange(desk, "GET", "/", "")).body.questions;
}

function exchange({ url, agent }, method, path, body) {
  const headers = body === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { agent, method, headers, timeout: REPLY_DEADLINE_MS }, (incoming) => {
      const chunks = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const roundTripMs = performance.now() - started;
        const text = Buffer.concat(chunks).toString();
        try {
          resolve({ status: incoming.statusCode, body: JSON.parse(text), roundTripMs });
        } catch {
          reject(new Error(`the reply to ${method} ${path} is not JSON (HTTP ${incoming.statusCode}): ${text.slice(0, 200)}`));
        }
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no reply to ${method} ${path} ${body} within ${REPLY_DEADLINE_MS / 1000} s`)));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
