// WebAssembly.compile() and instantiate() of bytes at the top level: they never settle, as on the platform, where they
// would need I/O. `new WebAssembly.Module(bytes)` works there.

import { inGlobalScope } from "../internal/invocation.ts";
import { ops } from "../internal/ops.ts";

const { apply } = Reflect;
const { WebAssembly } = globalThis as unknown as { WebAssembly: Record<"compile" | "instantiate", unknown> };

export function guardWasmAtStart(): void {
  for (const name of ["compile", "instantiate"] as const) {
    const original = WebAssembly[name] as (...args: unknown[]) => Promise<unknown>;
    const guarded = {
      [name](...args: unknown[]): Promise<unknown> {
        const isModule = typeof args[0] === "object" && args[0] !== null && ops.brand(args[0]) === "WebAssembly.Module";
        if (inGlobalScope() && !isModule) return new Promise(() => {});
        return apply(original, WebAssembly, args) as Promise<unknown>;
      },
    }[name]!;
    Object.defineProperty(guarded, "length", { value: 1, configurable: true });
    Object.defineProperty(WebAssembly, name, { value: guarded, writable: true, enumerable: true, configurable: true });
  }
}
