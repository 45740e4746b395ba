import { modulesFor } from "./program-modules";
import type { RecordedProgram } from "./recorded-programs";
import { TODAY } from "./shop-data";

const CPU_MS = 200;

export type Outcome =
  | { ok: true; answer: unknown }
  | { ok: false; error: { name: string; message: string; code: string | null } };

/**
 * Runs one program in a sandbox of its own. Whatever the program does (throw, loop, exhaust its memory),
 * this resolves; it never rejects.
 */
export async function runProgram(loader: WorkerLoader, ctx: ExecutionContext, program: RecordedProgram, customerId: string): Promise<Outcome> {
  try {
    const worker = loader.load({
      compatibilityDate: "2026-04-22",
      ...modulesFor(program.text, program.language),
      env: { ORDERS: ctx.exports.Orders({ props: { customerId } }), TODAY },
      globalOutbound: null,           // no network at all: ORDERS is the only way out
      limits: { cpuMs: CPU_MS },
    });
    return { ok: true, answer: await worker.getEntrypoint().run() };
  } catch (thrown) {
    return { ok: false, error: describe(thrown) };
  }
}

// The program may throw anything, so nothing about `thrown` is taken for granted.
function describe(thrown: unknown): { name: string; message: string; code: string | null } {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown), code: null };
  const code: unknown = (thrown as { code?: unknown }).code;
  return { name: String(thrown.name), message: String(thrown.message), code: typeof code === "string" ? code : null };
}
