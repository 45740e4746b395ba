// The workers of one loader that have names, until they are evicted.
//
// A name is kept while its code loads and while its worker can run. A failure is not kept, nor a worker that ended
// itself: the next get() of that name asks its own callback. An idle worker gives its sandbox back, and starts a fresh
// one when it is called again; when there are too many names, the longest unused are forgotten.

import { ops } from "../internal/ops.ts";
import { Instance } from "./instance.ts";
import type { Pending, Source } from "./source.ts";

const MAX_NAMES = 1000;

export class NamedWorkers {
  /** Most recently used last. */
  readonly #workers = new Map<string, Source>();
  #sweeping = false;

  constructor(readonly idleMs: number) {}

  get(name: string, make: () => Source): Source {
    let source = this.#workers.get(name);
    if (source === undefined || isOver(source)) source = make();
    this.#workers.delete(name);
    this.#workers.set(name, source);
    if (this.#workers.size > MAX_NAMES) this.#forget();
    this.#sweepLater();
    return source;
  }

  #forget(): void {
    for (const [name, source] of this.#workers) {
      if (this.#workers.size <= MAX_NAMES) return;
      const instance = instanceOf(source);
      if (!isOver(source) && (instance === null || instance.busy)) continue;
      instance?.release(true);
      this.#workers.delete(name);
    }
  }

  // One timer while any worker runs; none in a process where all is quiet.
  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    ops.startTimer(this.idleMs / 2, () => {
      this.#sweeping = false;
      if (this.#sweep()) this.#sweepLater();
    });
  }

  /** Whether any worker still runs. */
  #sweep(): boolean {
    let running = false;
    for (const [name, source] of this.#workers) {
      if (isOver(source)) {
        this.#workers.delete(name);
        continue;
      }
      const instance = instanceOf(source);
      if (instance !== null && instance.idleMs > this.idleMs) instance.release(true);
      running ||= instance === null || instance.running;
    }
    return running;
  }
}

function instanceOf(source: Source): Instance | null {
  return source instanceof Instance ? source : source.instance;
}

function isOver(source: Source): boolean {
  return (source as Pending).failed === true || instanceOf(source)?.aborted === true;
}
