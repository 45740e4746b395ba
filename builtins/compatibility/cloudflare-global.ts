// The global `Cloudflare`: what is on in this worker.

import { compatibilityFlags } from "./compatibility.ts";

class Cloudflare {}

Object.defineProperty(Cloudflare.prototype, Symbol.toStringTag, { value: "Cloudflare", configurable: true });

export function installCloudflareGlobal(): void {
  let flags: object | undefined;
  const cloudflare = new Cloudflare();
  // Made when first asked for: the zygote does not know the flags yet, and hardly any program asks.
  Object.defineProperty(cloudflare, "compatibilityFlags", {
    get: () => (flags ??= Object.freeze(Object.assign(Object.create(null) as object, compatibilityFlags()))),
    enumerable: true,
  });
  Object.defineProperty(globalThis, "Cloudflare", { value: cloudflare, writable: true, enumerable: true, configurable: true });
}
