// performance: now(), and marks and measures kept in memory.

import { DOMException } from "../errors/dom-exception.ts";
import { EventTarget } from "../events/event-target.ts";
import { setInspector } from "../support/inspectors.ts";
import {
  defineInterface,
  illegalConstructor,
  INTERNAL,
  isObject,
  requireArguments,
  toDictionary,
  toDOMString,
} from "../support/webidl.ts";
import { nowMs } from "./clock.ts";

const MAX_ENTRIES = 10_000;

interface EntryInit {
  name: string;
  startTime: number;
  duration: number;
  detail: unknown;
}

export class PerformanceEntry {
  readonly #init: EntryInit;

  constructor(token?: unknown, init?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
    this.#init = init as EntryInit;
  }

  get name(): string {
    return this.#init.name;
  }
  get entryType(): string {
    return "";
  }
  get startTime(): number {
    return this.#init.startTime;
  }
  get duration(): number {
    return this.#init.duration;
  }
  get detail(): unknown {
    return this.#init.detail;
  }

  toJSON(): object {
    const { name, startTime, duration, detail } = this.#init;
    return { name, entryType: this.entryType, startTime, duration, detail };
  }
}

export class PerformanceMark extends PerformanceEntry {
  constructor(name: unknown, options?: unknown) {
    requireArguments(arguments.length, 1, "PerformanceMark.constructor");
    const { startTime, detail } = toDictionary(options, "PerformanceMark options");
    const start = startTime === undefined ? nowMs() : Number(startTime);
    if (!(start >= 0)) throw new TypeError("A mark cannot start before time 0.");
    super(INTERNAL, { name: toDOMString(name), startTime: start, duration: 0, detail: detail ?? null });
  }
  override get entryType(): string {
    return "mark";
  }
}

export class PerformanceMeasure extends PerformanceEntry {
  override get entryType(): string {
    return "measure";
  }
}

export class Performance extends EventTarget {
  #entries: PerformanceEntry[] = [];

  constructor(token?: unknown) {
    if (token !== INTERNAL) illegalConstructor();
    super();
  }

  get timeOrigin(): number {
    void this.#entries;
    return 0;
  }

  now(): number {
    void this.#entries;
    return nowMs();
  }

  mark(name: unknown, options?: unknown): PerformanceMark {
    requireArguments(arguments.length, 1, "Performance.mark");
    const mark = new PerformanceMark(name, options);
    this.#add(mark);
    return mark;
  }

  measure(name: unknown, startOrOptions?: unknown, endMark?: unknown): PerformanceMeasure {
    requireArguments(arguments.length, 1, "Performance.measure");
    let start: unknown = startOrOptions;
    let end: unknown = endMark;
    let duration: unknown;
    let detail: unknown = null;
    if (isObject(startOrOptions)) {
      ({ start, end, duration, detail = null } = startOrOptions as Record<string, unknown>);
      if (endMark !== undefined) throw new TypeError("Performance.measure: with options there is no third argument.");
      if (start !== undefined && end !== undefined && duration !== undefined) {
        throw new TypeError("Performance.measure: of start, end and duration only two can be given.");
      }
    }
    let endTime = end !== undefined ? this.#time(end) : nowMs();
    if (end === undefined && start !== undefined && duration !== undefined)
      endTime = this.#time(start) + Number(duration);
    let startTime = start !== undefined ? this.#time(start) : 0;
    if (start === undefined && duration !== undefined) startTime = endTime - Number(duration);
    const measure = new PerformanceMeasure(INTERNAL, {
      name: toDOMString(name),
      startTime,
      duration: endTime - startTime,
      detail,
    });
    this.#add(measure);
    return measure;
  }

  clearMarks(name?: unknown): void {
    this.#clear("mark", name);
  }

  clearMeasures(name?: unknown): void {
    this.#clear("measure", name);
  }

  clearResourceTimings(): void {
    void this.#entries;
  }

  getEntries(): PerformanceEntry[] {
    return [...this.#entries];
  }

  getEntriesByName(name: unknown, type?: unknown): PerformanceEntry[] {
    requireArguments(arguments.length, 1, "Performance.getEntriesByName");
    const key = toDOMString(name);
    return this.#entries.filter((entry) => entry.name === key && (type === undefined || entry.entryType === type));
  }

  getEntriesByType(type: unknown): PerformanceEntry[] {
    requireArguments(arguments.length, 1, "Performance.getEntriesByType");
    return this.#entries.filter((entry) => entry.entryType === type);
  }

  toJSON(): object {
    return { timeOrigin: this.timeOrigin };
  }

  #add(entry: PerformanceEntry): void {
    // The oldest go first: a program that marks for ever must not grow for ever.
    if (this.#entries.length >= MAX_ENTRIES) this.#entries.shift();
    const at = this.#entries.findLastIndex((other) => other.startTime <= entry.startTime);
    this.#entries.splice(at + 1, 0, entry);
  }

  #time(mark: unknown): number {
    if (typeof mark === "number") return mark;
    const name = toDOMString(mark);
    const found = this.#entries.findLast((entry) => entry.entryType === "mark" && entry.name === name);
    if (found === undefined) throw new DOMException(`There is no mark called '${name}'.`, "SyntaxError");
    return found.startTime;
  }

  #clear(type: string, name: unknown): void {
    const key = name === undefined ? undefined : toDOMString(name);
    this.#entries = this.#entries.filter(
      (entry) => entry.entryType !== type || (key !== undefined && entry.name !== key),
    );
  }
}

export function createPerformance(): Performance {
  return new Performance(INTERNAL);
}

defineInterface(PerformanceEntry, "PerformanceEntry");
defineInterface(PerformanceMark, "PerformanceMark");
defineInterface(PerformanceMeasure, "PerformanceMeasure");
defineInterface(Performance, "Performance");
setInspector(PerformanceEntry, "PerformanceEntry", (entry) => ({
  fields: {
    name: entry.name,
    entryType: entry.entryType,
    startTime: entry.startTime,
    duration: entry.duration,
    detail: entry.detail,
  },
}));
setInspector(Performance, "Performance", () => ({ fields: { timeOrigin: 0 } }));
