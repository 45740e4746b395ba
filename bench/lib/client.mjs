// One kept-alive HTTP connection to the server under measurement.
import { Agent, get } from "node:http";

const REPLY_DEADLINE_MS = 120_000;

export function connect(url) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
  return { url, getJson: (path) => getJson(agent, url, path), close: () => agent.destroy() };
}

/** Resolves to the JSON reply and the time from sending the request to its last byte. */
function getJson(agent, url, path) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const outgoing = get(`${url}${path}`, { agent, timeout: REPLY_DEADLINE_MS }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk) => { text += chunk; });
      incoming.on("error", reject);
      incoming.on("end", () => {
        const clientMs = performance.now() - started;
        if (incoming.statusCode !== 200) return reject(new Error(`HTTP ${incoming.statusCode} for ${path}: ${text.slice(0, 300)}`));
        try {
          resolve({ body: JSON.parse(text), clientMs });
        } catch {
          reject(new Error(`the reply to ${path} is not JSON: ${text.slice(0, 300)}`));
        }
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no reply to ${path} within ${REPLY_DEADLINE_MS / 1000} s`)));
    outgoing.on("error", reject);
  });
}
