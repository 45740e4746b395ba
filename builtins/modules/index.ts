// The modules a program can import that are not its own.

import type { Worker } from "../worker/worker.ts";
import { cloudflareSockets } from "./cloudflare-sockets.ts";
import { cloudflareWorkers } from "./cloudflare-workers.ts";

export function builtInModules(worker: Worker): Record<string, object> {
  return { "cloudflare:workers": cloudflareWorkers(worker), "cloudflare:sockets": cloudflareSockets() };
}
