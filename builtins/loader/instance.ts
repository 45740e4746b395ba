// One dynamic worker as its parent holds it: the program, and the sandbox that currently runs it.
//
// A sandbox may go away under a stub (a limit, a crash, idleness); the next call then gets a fresh one from the
// program we kept, with its module state lost.

import { ops, type Cap, type Disconnect, type Encoded, type EndReason, type LeaseLimits, type ReceivedProgram } from "../internal/ops.ts";
import { systemError } from "../rpc/errors.ts";
import { explainPlainly, Session } from "../rpc/session.ts";
import { exportDetached } from "../rpc/target.ts";
import { Trace, TraceInbox, type Outcome } from "../trace/trace.ts";
import type { LoadedCode } from "./worker-code.ts";

/** How callers and tail workers hear of it. */
interface EndingText {
  message: string;
  code: string;
  outcome: Outcome | "never began";
}

const endings: Record<EndReason, EndingText> = {
  cpuLimit: { message: "Worker exceeded CPU time limit.", code: "ERR_CPU_LIMIT", outcome: "exceededCpu" },
  startupCpuLimit: { message: "Script startup exceeded CPU time limit.", code: "ERR_STARTUP_CPU_LIMIT", outcome: "never began" },
  wallLimit: { message: "Worker exceeded wall time limit.", code: "ERR_WALL_LIMIT", outcome: "exceededWallTime" },
  memoryLimit: { message: "Worker exceeded memory limit.", code: "ERR_MEMORY_LIMIT", outcome: "exceededMemory" },
  violation: { message: "Worker was stopped because it broke a rule of its sandbox.", code: "ERR_SANDBOX_CRASHED", outcome: "internalError" },
  crashed: { message: "Worker's sandbox crashed.", code: "ERR_SANDBOX_CRASHED", outcome: "internalError" },
  retired: { message: "Worker's sandbox was retired while it was running.", code: "ERR_SANDBOX_RETIRED", outcome: "internalError" },
  aborted: { message: "Worker ended its own isolate with abortIsolate().", code: "ERR_ISOLATE_ABORTED", outcome: "internalError" },
  exited: { message: "Worker's sandbox ended unexpectedly.", code: "ERR_SANDBOX_CRASHED", outcome: "internalError" },
  released: { message: "Worker was released while it was running.", code: "ERR_SANDBOX_RELEASED", outcome: "canceled" },
};

function endingError(reason: EndReason): Error {
  const { message, code } = endings[reason];
  return systemError(message, code, reason === "retired" ? { retryable: true } : undefined);
}

let loaded = { subrequests: 10_000, maxSubrequests: 10_000 };

/** What the operator grants the workers that are loaded here. */
export function setLoadedLimits(limits: ReceivedProgram["loaded"]): void {
  loaded = limits;
}

/** One sandbox with the program in it. */
class Running {
  readonly lease: Cap;
  readonly worker: Cap;
  #begun = 0;
  #inFlight = 0;
  #granted = false;
  #released = false;
  readonly ended: Promise<Error>;
  gone = false;
  readonly #traces = new Set<Trace>();
  readonly #goingOn = new Set<Promise<void>>();
  #letGo = false;
  /** False if the program itself cannot start: another sandbox would end in the same way. */
  startable = true;
  aborted = false;
  idleSince = Date.now();

  constructor(loader: Cap, { program, limits }: LoadedCode, label: string) {
    const { lease, blank, granted } = ops.loaderLease(loader, limits, "", program.outbound === "host", label);
    granted.then(
      () => {
        this.#granted = true;
      },
      () => {
        this.gone = true;
      },
    );
    this.lease = lease;
    this.worker = ops.blankStart(blank, program);
    this.ended = ops.leaseEnded(lease).then(
      ({ reason }) => {
        this.gone = true;
        this.#finishTraces(endings[reason].outcome);
        this.startable = reason !== "startupCpuLimit";
        this.aborted = reason === "aborted";
        return endingError(reason);
      },
      async (error: unknown) => {
        this.gone = true;
        this.#finishTraces("canceled");
        return this.#released ? endingError("released") : ((await explainPlainly(error as Disconnect)) as Error);
      },
    );
  }

  get busy(): boolean {
    return this.#inFlight > 0;
  }

  /** The trace of one invocation; told by the sandbox, and by its end if that comes first. */
  trace(tails: readonly Cap[], entrypoint: string): Trace {
    const trace = new Trace(tails, entrypoint, () => this.#traces.delete(trace));
    this.#traces.add(trace);
    return trace;
  }

  get waitsEarly(): boolean {
    return !this.#granted && !this.gone && this.#inFlight === 0;
  }

  /** Whether a sandbox stands by with nothing to do. */
  get idle(): boolean {
    return this.#granted && !this.gone && this.#inFlight === 0;
  }

  /** Begins an invocation; the returned function ends it. */
  begin(limits: LeaseLimits): () => void {
    const number = ++this.#begun;
    this.#inFlight++;
    ops.leaseBegan(this.lease, number, limits);
    return () => {
      this.#inFlight--;
      this.idleSince = Date.now();
      if (!this.#letGo) ops.leaseFinished(this.lease, number);
    };
  }

  #finishTraces(outcome: EndingText["outcome"]): void {
    for (const trace of this.#traces) {
      if (outcome === "never began") trace.discard();
      else trace.finish(outcome);
    }
  }

  /** An invocation that has given its answer goes on until `over` settles. */
  goesOn(over: Promise<void>): void {
    this.#goingOn.add(over);
    void over.then(() => this.#goingOn.delete(over));
  }

  /** Lets the sandbox go: at once, or when what goes on after its answers is over. Takes no more calls. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.gone = true;
    const letGo = () => {
      this.#letGo = true;
      ops.capDrop(this.worker);
      ops.capDrop(this.lease);
    };
    if (this.#goingOn.size === 0) letGo();
    else void Promise.all(this.#goingOn).then(letGo);
  }
}

function tighter(a: LeaseLimits, b: LeaseLimits): LeaseLimits {
  const result: LeaseLimits = { ...a };
  for (const key of ["cpuMs", "wallMs", "memoryMb", "subRequests"] as const) {
    const x = a[key];
    const y = b[key];
    if (y !== undefined && (x === undefined || y < x)) result[key] = y;
  }
  return result;
}

export class Instance {
  #running: Running | null = null;
  #aborted = false;
  #released = false;

  constructor(readonly loader: Cap, readonly code: LoadedCode, readonly label: string) {}

  /** Starts the sandbox, if it is not running. */
  ensure(): Running {
    if (this.#released) throw new Error("The invocation that loaded this Worker has ended.");
    if (this.#running === null || (this.#running.gone && this.#running.startable)) {
      this.#aborted ||= this.#running?.aborted === true;
      this.#running?.release();
      this.#running = new Running(this.loader, this.code, this.label);
      holders.add(this);
      watchShortage(this.loader);
    }
    return this.#running;
  }

  /** Whether it waits for a sandbox that nobody has called yet. */
  get waitsEarly(): boolean {
    return this.#running?.waitsEarly ?? false;
  }

  /** Since when its sandbox stands by with nothing to do; null if it has none or is in use. */
  get idleSince(): number | null {
    return this.#running?.idle === true ? this.#running.idleSince : null;
  }

  /** Begins one invocation of an entrypoint. */
  open(name: string, props: Encoded | null, limits: LeaseLimits): Session {
    const running = this.ensure();
    const granted = tighter(this.code.limits, limits);
    const finish = running.begin(granted);
    const { tails } = this.code;
    const trace = tails.length === 0 ? null : running.trace(tails, name === "" ? "default" : name);
    const inbox = trace === null ? null : exportDetached(new TraceInbox(trace));
    const subrequests = Math.min(granted.subRequests ?? loaded.subrequests, loaded.maxSubrequests);
    const entrypoint = ops.workerEntrypoint(running.worker, name, props, inbox, subrequests);
    return new Session(entrypoint, {
      explain: (disconnect) => explain(running, disconnect),
      done() {
        ops.capDrop(entrypoint);
        finish();
      },
      begins: (event) => trace?.begin(event()),
      goesOn: (over) => running.goesOn(over),
    });
  }

  get idleMs(): number {
    return this.#running === null || this.#running.busy ? 0 : Date.now() - this.#running.idleSince;
  }

  get busy(): boolean {
    return this.#running?.busy ?? false;
  }

  /** Whether it has a sandbox. */
  get running(): boolean {
    return this.#running !== null && !this.#running.gone;
  }

  /** Whether the program itself ever ended its sandbox. */
  get aborted(): boolean {
    return this.#aborted || this.#running?.aborted === true;
  }

  /** Kills the sandbox. Later calls fail, or, if `again`, start a fresh one. */
  release(again = false): void {
    this.#released = !again;
    this.#running?.release();
    this.#running = null;
    holders.delete(this);
  }
}

// Sandboxes are a bounded good: when loads wait for one, those that stand by with nothing to do are given back, the least
// recently used first. The next call of such an instance gets a fresh sandbox, as after a limit.

const holders = new Set<Instance>();
const watched = new Set<Cap>();

function watchShortage(loader: Cap): void {
  if (watched.has(loader)) return;
  watched.add(loader);
  // This goes on for as long as the process does; it must not keep the invocation that happened to begin it.
  const frame = ops.asyncFrame();
  ops.setAsyncFrame(undefined);
  void answerShortages(loader).catch(() => watched.delete(loader));
  ops.setAsyncFrame(frame);
}

async function answerShortages(loader: Cap): Promise<never> {
  for (;;) {
    const wanted = await ops.loaderShortage(loader);
    // Loaded ahead of a call that has not come: whoever is called now goes first. If loads still wait then, we hear of it.
    const early = [...holders].filter((instance) => instance.waitsEarly);
    for (const instance of early) instance.release(true);
    if (early.length > 0) continue;
    const idle = [...holders].filter((instance) => instance.idleSince !== null);
    idle.sort((a, b) => a.idleSince! - b.idleSince!);
    for (const instance of idle.slice(0, wanted)) instance.release(true);
  }
}

async function explain(running: Running, disconnect: Disconnect): Promise<unknown> {
  if (disconnect.disconnect === "disconnected" || disconnect.disconnect === "overloaded") return running.ended;
  if (running.gone) return running.ended;
  return explainPlainly(disconnect);
}
