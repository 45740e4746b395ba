// Hello world under 32 connections. wrk if this machine has it, since it takes the least of the CPU that it
// shares with the server; else Node's http client, which then is likely to be the limit itself.
import { spawn, spawnSync } from "node:child_process";
import { Agent, get } from "node:http";

export const CONNECTIONS = 32;

/** {name, requestsPerSecond(url, seconds)} */
export function findLoadGenerator() {
  const version = spawnSync("wrk", ["-v"], { encoding: "utf8" });
  if (version.error === undefined) {
    return { name: `${/^wrk \S+/.exec(version.stdout)?.[0] ?? "wrk"}, 1 thread`, requestsPerSecond: requestsPerSecondByWrk };
  }
  return {
    name: `Node ${process.versions.node} http client with keep-alive; it is slower than the servers, so install wrk for a true comparison`,
    requestsPerSecond: requestsPerSecondByNode,
  };
}

function requestsPerSecondByWrk(url, seconds) {
  return new Promise((resolve, reject) => {
    const wrk = spawn("wrk", ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, url], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    wrk.stdout.on("data", (chunk) => { text += chunk; });
    wrk.on("error", reject);
    wrk.on("close", (status) => {
      const rate = /Requests\/sec:\s+([\d.]+)/.exec(text);
      const trouble = /Non-2xx[^\n]*|Socket errors[^\n]*/.exec(text);
      if (status !== 0 || rate === null) reject(new Error(`wrk ended with status ${status}: ${text}`));
      else if (trouble !== null) reject(new Error(`wrk saw errors: ${trouble[0]}`));
      else resolve(Number(rate[1]));
    });
  });
}

async function requestsPerSecondByNode(url, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, noDelay: true });
  const started = performance.now();
  const end = started + seconds * 1000;
  let completed = 0;
  async function lane() {
    for (; performance.now() < end; completed++) await fetchOnce(url, agent);
  }
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
    return completed / ((performance.now() - started) / 1000);
  } finally {
    agent.destroy();
  }
}

function fetchOnce(url, agent) {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (incoming) => {
      if (incoming.statusCode !== 200) reject(new Error(`HTTP ${incoming.statusCode} from ${url}`));
      incoming.resume().on("end", resolve).on("error", reject);
    }).on("error", reject);
  });
}
