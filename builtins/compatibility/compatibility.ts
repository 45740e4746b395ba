// Compatibility dates and flags: which are valid, and which changes of behaviour are on in this worker.
//
// Mayfly has one behaviour set, the newest, with these exceptions that follow the date and the flags both ways:
// allow_eval_during_startup (code from strings and Wasm bytes at the top level), enable_weak_ref, enable_ctx_exports,
// disallow_importable_env, enable_request_signal, throw_on_unrecognized_import_assertion, enhanced_error_serialization, precise_timers,
// typescript_strip_types. Every other valid flag is accepted and changes nothing.

import { CHANGES } from "./changes.ts";

interface Change {
  enable: string;
  disable: string | null;
  /** The date from which it is on by itself; null: never. */
  since: string | null;
  experimental: boolean;
  /** The date from which `nodejs_compat` brings it; null: it does not. */
  node: string | null;
}

// Mayfly erases types itself; asking for that needs no permission.
const OURS = new Set(["typescript_strip_types"]);

function readChange(line: string): Change {
  const [since, enable, ...rest] = line.split(" ") as [string, string, ...string[]];
  const node = rest.find((word) => word.startsWith("node="))?.slice("node=".length) ?? null;
  const disable = rest[0] === undefined || rest[0] === "-" ? null : rest[0];
  const dated = since !== "-" && since !== "experimental";
  return { enable, disable, since: dated ? since : null, experimental: since === "experimental" && !OURS.has(enable), node };
}

const changes: Change[] = CHANGES.trim().split("\n").map(readChange);
const byFlag = new Map<string, Change>();
for (const change of changes) {
  byFlag.set(change.enable, change);
  if (change.disable !== null) byFlag.set(change.disable, change);
}

const FIRST_DATE = "2021";

/** Whether `text` is a date that can be asked for: `YYYY-MM-DD`. Days are not counted by month, as on the platform. */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text < FIRST_DATE) return false;
  const month = Number(text.slice(5, 7));
  const day = Number(text.slice(8, 10));
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/**
 * Throws Error for what is wrong with the date or the flags: the first problem, in the platform's words.
 *
 * @param today         no date after it is accepted
 * @param experimental  whether flags marked experimental are permitted
 */
export function checkCompatibility(date: string, flags: string[], today: string, experimental: boolean): void {
  if (!isDate(date)) throw new Error(`Invalid compatibility date: ${date}`);
  if (date > today) throw new Error(`Can't set compatibility date in the future: ${date}`);
  const given = new Set<string>();
  for (const flag of flags) {
    if (given.has(flag)) throw new Error(`Compatibility flag specified multiple times: ${flag}`);
    given.add(flag);
  }
  for (const { enable, disable } of given.size > 1 ? changes : []) {
    if (disable !== null && given.has(enable) && given.has(disable)) {
      throw new Error(`Compatibility flags are mutually contradictory: ${enable} vs ${disable}`);
    }
  }
  const known = flags.map((flag) => byFlag.get(flag));
  const refused = experimental ? -1 : known.findIndex((change) => change?.experimental === true);
  if (refused >= 0) {
    throw new Error(
      `The compatibility flag ${flags[refused]} is experimental and may break or be removed in a future version. ` +
        "To use it in a dynamic worker, pass 'allowExperimental: true'.",
    );
  }
  const unknown = known.indexOf(undefined);
  if (unknown >= 0) throw new Error(`No such compatibility flag: ${flags[unknown]}`);
}

let asked: { readonly date: string; readonly flags: ReadonlySet<string> } = { date: "", flags: new Set() };

/** Sets the date and the flags of this worker, which have been checked; once, before its program runs. */
export function setCompatibility(date: string, flags: string[]): void {
  asked = { date, flags: new Set(flags) };
}

/**
 * Whether the change that `flag` enables is on in this worker. Worked out when it is asked for: a program's start asks
 * for a handful of the two hundred.
 */
export function enabled(flag: string): boolean {
  const change = byFlag.get(flag);
  return change !== undefined && isOn(change);
}

function isOn({ enable, disable, since, node }: Change): boolean {
  const { date, flags } = asked;
  if (flags.has(enable)) return true;
  if (disable !== null && flags.has(disable)) return false;
  if (since !== null && date >= since) return true;
  return node !== null && date >= node && enabled("nodejs_compat");
}

/** `Cloudflare.compatibilityFlags`: every change by its enable flag. */
export function compatibilityFlags(): Record<string, boolean> {
  return Object.fromEntries(changes.map((change) => [change.enable, isOn(change)]));
}
