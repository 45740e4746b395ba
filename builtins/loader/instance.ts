// One dynamic worker as its parent holds it: the program, and the sandbox that currently runs it.
//
// A sandbox may go away under a stub (a limit, a crash, idleness); the next call then gets a fresh one from the
// program we kept, with its module state lost.

import { ops, type Cap, type Disconnect, type Encoded, type EndReason, type LeaseLimits } from "../internal/ops.ts";
import { systemError } from "../rpc/errors.ts";
import { explainPlainly, Session } from "../rpc/session.ts";
import { exportDetached } from "../rpc/target.ts";
import { Trace, TraceInbox, type Outcome } from "../trace/trace.ts";
import type { LoadedCode } from "./worker-code.ts";

const endings: Record<EndReason, { message: string; code: string }> = {
  cpuLimit: { message: "Worker exceeded CPU time limit.", code: "ERR_CPU_LIMIT" },
  startupCpuLimit: { message: "Script startup exceeded CPU time limit.", code: "ERR_STARTUP_CPU_LIMIT" },
  wallLimit: { message: "Worker exceeded wall-clock time limit.", code: "ERR_WALL_LIMIT" },
  memoryLimit: { message: "Worker exceeded memory limit.", code: "ERR_MEMORY_LIMIT" },
  violation: { message: "Worker was stopped because it broke a rule of its sandbox.", code: "ERR_SANDBOX_CRASHED" },
  crashed: { message: "Worker's sandbox crashed.", code: "ERR_SANDBOX_CRASHED" },
  retired: { message: "Worker's sandbox was retired while it was running.", code: "ERR_SANDBOX_RETIRED" },
  exited: { message: "Worker's sandbox ended unexpectedly.", code: "ERR_SANDBOX_CRASHED" },
  released: { message: "Worker was released while it was running.", code: "ERR_SANDBOX_RELEASED" },
};

function endingError(reason: EndReason): Error {
  const { message, code } = endings[reason];
  return systemError(message, code, reason === "retired" ? { retryable: true } : undefined);
}

const outcomes: Partial<Record<EndReason, Outcome | "never began">> = {
  cpuLimit: "exceededCpu",
  startupCpuLimit: "never began",
  wallLimit: "exceededWallTime",
  memoryLimit: "exceededMemory",
  released: "canceled",
};

/** One sandbox with the program in it. */
class Running {
  readonly lease: Cap;
  readonly worker: Cap;
  #begun = 0;
  readonly #leased: LeaseLimits;
  #inFlight = 1; // the lease counts the first, number 0, as begun
  #released = false;
  readonly ended: Promise<Error>;
  gone = false;
  readonly #traces = new Set<Trace>();
  idleSince = Date.now();

  constructor(loader: Cap, { program, limits }: LoadedCode, label: string, first: LeaseLimits) {
    const { lease, blank, granted } = ops.loaderLease(loader, tighter(limits, first), "", program.outbound === "host", label);
    granted.catch(() => {
      this.gone = true;
    });
    this.lease = lease;
    this.#leased = tighter(limits, first);
    this.worker = ops.blankStart(blank, program);
    this.ended = ops.leaseEnded(lease).then(
      ({ reason }) => {
        this.gone = true;
        this.#finishTraces(outcomes[reason] ?? "internalError");
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

  /** Begins an invocation; the returned function ends it. */
  begin(limits: LeaseLimits): () => void {
    let number = this.#begun++;
    if (number > 0) {
      this.#inFlight++;
      ops.leaseBegan(this.lease, number, limits);
    } else if (isTighter(limits, this.#leased)) {
      // The lease began its first invocation before anybody knew what would be called: this one takes its place.
      number = this.#begun++;
      ops.leaseBegan(this.lease, number, limits);
      ops.leaseFinished(this.lease, 0);
    }
    return () => {
      this.#inFlight--;
      this.idleSince = Date.now();
      if (!this.#released) ops.leaseFinished(this.lease, number);
    };
  }

  #finishTraces(outcome: Outcome | "never began"): void {
    for (const trace of this.#traces) {
      if (outcome === "never began") trace.discard();
      else trace.finish(outcome);
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.gone = true;
    ops.capDrop(this.worker);
    ops.capDrop(this.lease);
  }
}

function isTighter(a: LeaseLimits, b: LeaseLimits): boolean {
  return (["cpuMs", "wallMs"] as const).some((key) => a[key] !== undefined && (b[key] === undefined || a[key] < b[key]));
}

function tighter(a: LeaseLimits, b: LeaseLimits): LeaseLimits {
  const result: LeaseLimits = { ...a };
  for (const key of ["cpuMs", "wallMs", "memoryMb"] as const) {
    const x = a[key];
    const y = b[key];
    if (y !== undefined && (x === undefined || y < x)) result[key] = y;
  }
  return result;
}

export class Instance {
  #running: Running | null = null;
  #released = false;

  constructor(readonly loader: Cap, readonly code: LoadedCode, readonly label: string) {}

  /** Starts the sandbox, if it is not running. */
  ensure(limits: LeaseLimits): Running {
    if (this.#released) throw new Error("The invocation that loaded this Worker has ended.");
    if (this.#running === null || this.#running.gone) {
      this.#running?.release();
      this.#running = new Running(this.loader, this.code, this.label, limits);
    }
    return this.#running;
  }

  /** Begins one invocation of an entrypoint. */
  open(name: string, props: Encoded | null, limits: LeaseLimits): Session {
    const running = this.ensure(limits);
    const finish = running.begin(tighter(this.code.limits, limits));
    const { tails } = this.code;
    const trace = tails.length === 0 ? null : running.trace(tails, name === "" ? "default" : name);
    const inbox = trace === null ? null : exportDetached(new TraceInbox(trace));
    const entrypoint = ops.workerEntrypoint(running.worker, name, props, inbox);
    return new Session(
      entrypoint,
      (disconnect) => explain(running, disconnect),
      () => {
        ops.capDrop(entrypoint);
        finish();
      },
      null,
      (event) => trace?.begin(event),
    );
  }

  get idleMs(): number {
    return this.#running === null || this.#running.busy ? 0 : Date.now() - this.#running.idleSince;
  }

  get busy(): boolean {
    return this.#running?.busy ?? false;
  }

  /** Kills the sandbox. Later calls fail, or, if `again`, start a fresh one. */
  release(again = false): void {
    this.#released = !again;
    this.#running?.release();
    this.#running = null;
  }
}

async function explain(running: Running, disconnect: Disconnect): Promise<unknown> {
  if (disconnect.disconnect === "disconnected" || disconnect.disconnect === "overloaded") return running.ended;
  if (running.gone) return running.ended;
  return explainPlainly(disconnect);
}
