// error.stack as programs see it: their own frames, and none of ours.

const BUILT_IN = "mayfly:";

interface CallSite {
  getFileName(): string | null;
}

const { apply } = Reflect;
const TheError = Error as ErrorConstructor & { prepareStackTrace?: unknown };
const callSite = siteMethods();

// Taken before any program can change them.
function siteMethods(): { getFileName: () => string | null; toString: () => string } {
  let methods!: { getFileName: () => string | null; toString: () => string };
  const before = TheError.prepareStackTrace;
  TheError.prepareStackTrace = (_: unknown, sites: object[]) => {
    methods = Object.getPrototypeOf(sites[0]) as typeof methods;
    return "";
  };
  void new Error("for its call sites").stack;
  if (before === undefined) delete TheError.prepareStackTrace;
  else TheError.prepareStackTrace = before as typeof TheError.prepareStackTrace;
  return { getFileName: methods.getFileName, toString: methods.toString };
}

export function formatStack(error: unknown, sites: CallSite[]): unknown {
  const own: CallSite[] = [];
  let lines = "";
  for (let i = 0; i < sites.length; i++) {
    const site = sites[i]!;
    const file = apply(callSite.getFileName, site, []) as string | null;
    if (file !== null && file.startsWith(BUILT_IN)) continue;
    own[own.length] = site;
    lines += `\n    at ${apply(callSite.toString, site, []) as string}`;
  }
  const prepare = TheError.prepareStackTrace;
  if (typeof prepare === "function") return apply(prepare, TheError, [error, own]) as unknown;
  return headline(error) + lines;
}

const errorToString = Error.prototype.toString;

function headline(error: unknown): string {
  try {
    return apply(errorToString, error, []) as string;
  } catch {
    return "<error>";
  }
}
