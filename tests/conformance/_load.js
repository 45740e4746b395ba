// Loading small programs in tests.

export const DATE = "2026-04-22";

/** A worker of one module; `extra` adds fields of WorkerCode. */
export function load(env, source, extra = {}) {
  return env.LOADER.load({
    compatibilityDate: DATE, mainModule: "m.js", modules: { "m.js": source }, globalOutbound: null, ...extra,
  });
}

/** Its default entrypoint. */
export function entry(env, source, extra) {
  return load(env, source, extra).getEntrypoint();
}

/** An entrypoint whose class has the given members. */
export function withClass(env, members, extra) {
  return entry(
    env,
    `import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";
     export default class extends WorkerEntrypoint { ${members} }`,
    extra,
  );
}
