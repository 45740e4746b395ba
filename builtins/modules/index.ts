// The modules a program can import that are not its own.

import type { Worker } from "../worker/worker.ts";
import { cloudflareWorkers } from "./cloudflare-workers.ts";

export function builtInModules(worker: Worker): Record<string, object> {
  return { "cloudflare:workers": cloudflareWorkers(worker) };
}
