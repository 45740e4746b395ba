// What one invocation says while it runs: its console lines and its uncaught exceptions, within a budget.

import { ops, type Cap } from "../internal/ops.ts";
import type { LogLevel } from "../runtime/support/platform-hooks.ts";
import { encodeValue } from "../rpc/lower.ts";
import { consoleValues, errorInfo } from "./console-values.ts";
import type { Outcome, TraceOutput, TraceSummary } from "./trace.ts";

const MAX_LOG_TEXT = 256 * 1024;

export class Recording {
  readonly #output: TraceOutput;
  readonly #summary: TraceSummary = { outcome: "ok", truncated: false };
  #text = 0;
  #ended = false;

  constructor(output: TraceOutput) {
    this.#output = output;
  }

  log(level: LogLevel, args: readonly unknown[]): void {
    if (this.#summary.truncated) return;
    const entry = JSON.stringify({ ...consoleValues(args), level, timestamp: Date.now() });
    if (!this.#fits(entry)) return;
    this.#output.log(entry);
  }

  /** An exception that no program code caught. */
  exception(thrown: unknown): void {
    const { stack, ...rest } = errorInfo(thrown);
    this.#addException(stack === "" ? rest : { stack, ...rest });
  }

  /** One given to reportError(), or from a microtask: its message is the whole report. */
  report(thrown: unknown): void {
    const { name, message, stack } = errorInfo(thrown);
    this.#addException({ name: "Error", message: `${name}: ${message}${stack === "" ? "" : `\n${stack}`}` });
  }

  /** The invocation as a whole failed, of `thrown`. */
  failed(thrown: unknown): void {
    this.exception(thrown);
    this.#summary.outcome = "exception";
  }

  set outcome(outcome: Outcome) {
    this.#summary.outcome = outcome;
  }

  set status(status: number) {
    this.#summary.status = status;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#output.end(JSON.stringify(this.#summary));
  }

  #addException(entry: object): void {
    const text = JSON.stringify({ ...entry, timestamp: Date.now() });
    if (this.#fits(text)) this.#output.exception(text);
  }

  #fits(entry: string): boolean {
    this.#text += entry.length;
    if (this.#text <= MAX_LOG_TEXT) return true;
    if (!this.#summary.truncated) {
      this.#summary.truncated = true;
      const message = [`Log size limit exceeded: More than 256KB of data (across console.log statements, exceptions, request metadata and headers) was logged during a single request. Subsequent data for this request will not be recorded in logs, appear when tailing this Worker's logs, or in Tail Workers.`];
      this.#output.log(JSON.stringify({ message, level: "warn", timestamp: Date.now() }));
    }
    return false;
  }
}

/** The trace of an invocation that was called from another process. */
export class RemoteTrace implements TraceOutput {
  readonly #inbox: Cap;

  constructor(inbox: Cap) {
    this.#inbox = inbox;
  }

  log(entry: string): void {
    this.#send("log", entry);
  }

  exception(entry: string): void {
    this.#send("exception", entry);
  }

  end(summary: string): void {
    this.#send("end", summary);
    ops.capDrop(this.#inbox);
  }

  discard(): void {
    this.#send("discard");
    ops.capDrop(this.#inbox);
  }

  #send(method: string, ...texts: string[]): void {
    // Whoever called may be gone; then nobody listens any more.
    ops.capCall(this.#inbox, [method], encodeValue(texts, "arguments")).settled.catch(() => {});
  }
}
