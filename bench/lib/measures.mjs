// What is measured. Each function takes a site, {server, client}, and resolves to named lists of values;
// the lists of all rounds are joined. Names end in their unit.
import { setTimeout as pause } from "node:timers/promises";
import { medianOf } from "./statistics.mjs";
import { memAvailableBytes } from "./machine.mjs";
import { proportionalSetBytes } from "./process-tree.mjs";

const WARM_UP_COLD_STARTS = 30;
const WARM_UP_IDLE = 5;
const SETTLE_MS = 500;
const MEMORY_SAMPLES = 5;
const MEMORY_SAMPLE_GAP_MS = 60;

/** Lets the parent's code, the connection and the runtime's own caches get warm. */
export async function warmUp({ client }, unique) {
  for (let index = 0; index < WARM_UP_COLD_STARTS; index++) {
    await client.getJson(`/cold?unique=warm-${unique}-${index}&constant=${index}`);
  }
}

/** One request, one sandbox, one after the other. */
export async function measureColdStart({ client }, count, unique) {
  const coldClientMs = [];
  const coldParentMs = [];
  for (let index = 0; index < count; index++) {
    const { body, clientMs } = await client.getJson(`/cold?unique=cold-${unique}-${index}&constant=${index}`);
    coldClientMs.push(clientMs);
    coldParentMs.push(body.parentMs);
  }
  return { coldClientMs, coldParentMs };
}

/** `counts` maps the number of sandboxes in flight to how many are made in all. */
export async function measureThroughput({ client }, counts, unique) {
  const rates = {};
  for (const [concurrency, count] of Object.entries(counts)) {
    const { body, clientMs } = await client.getJson(`/burst?unique=burst-${unique}-${concurrency}&count=${count}&concurrency=${concurrency}`);
    if (body.completed !== count) throw new Error(`${body.completed} of ${count} sandboxes answered at concurrency ${concurrency}`);
    rates[`sandboxesPerSecondAt${concurrency}`] = [count / (clientMs / 1000)];
  }
  return rates;
}

/**
 * Memory per sandbox that has answered one call and stays loaded, by what the kernel has left and by the
 * proportional set size of the server and everything below it. The sandboxes are called once more in the
 * end, to show that they were all alive while they were counted.
 */
export async function measureIdleMemory({ server, client }, count) {
  await client.getJson(`/idle?from=${count}&count=${WARM_UP_IDLE}`);
  const before = await settledMemory(server.pid);
  await client.getJson(`/idle?from=0&count=${count}`);
  const after = await settledMemory(server.pid);
  const { body } = await client.getJson(`/idle?from=0&count=${count}`);
  if (body.calledBefore !== count) throw new Error(`only ${body.calledBefore} of ${count} sandboxes were still alive when counted`);
  const perSandbox = {};
  perSandbox.idleAvailableBytes = [(before.availableBytes - after.availableBytes) / count];
  if (before.proportionalBytes !== null && after.proportionalBytes !== null) {
    perSandbox.idleProportionalBytes = [(after.proportionalBytes - before.proportionalBytes) / count];
  }
  return perSandbox;
}

async function settledMemory(pid) {
  await pause(SETTLE_MS);
  const available = [];
  for (let sample = 0; sample < MEMORY_SAMPLES; sample++) {
    available.push(memAvailableBytes());
    await pause(MEMORY_SAMPLE_GAP_MS);
  }
  return { availableBytes: medianOf(available), proportionalBytes: proportionalSetBytes(pid) };
}

export async function measureHostCalls({ client }, count) {
  await client.getJson(`/host-calls?count=${count}`);
  const { body } = await client.getJson(`/host-calls?count=${count}`);
  return { hostCallUs: [(body.parentMs * 1000) / count] };
}

export async function measureHello({ server }, loadGenerator, seconds) {
  await loadGenerator.requestsPerSecond(`${server.url}/hello`, 1);
  return { helloPerSecond: [await loadGenerator.requestsPerSecond(`${server.url}/hello`, seconds)] };
}
