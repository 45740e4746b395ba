// Projects of a test: a folder with the files that the test spells out, gone when the test ends.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const DATE = "2026-04-22";

/** Writes `files` (path: text) into a new folder that every user may read; returns its path. */
export function folder(t, files) {
  const root = mkdtempSync(join(tmpdir(), "mayfly-e2e-"));
  chmodSync(root, 0o755);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** A worker: `main` is the text of main.js; `config` adds keys to its wrangler.jsonc; `files` adds files. */
export function project(t, main, config = {}, files = {}) {
  const wrangler = { name: "app", main: "main.js", compatibility_date: DATE, ...config };
  return folder(t, { "wrangler.jsonc": JSON.stringify(wrangler), [wrangler.main]: main, ...files });
}

/** A copy of a folder of tests/fixtures; what is in its `packages` is found in its node_modules. */
export function fixture(t, name) {
  const root = folder(t, {});
  cpSync(new URL(`../fixtures/${name}`, import.meta.url), root, { recursive: true });
  if (existsSync(join(root, "packages"))) renameSync(join(root, "packages"), join(root, "node_modules"));
  return root;
}

/** Configuration of a worker with a loader. */
export const WITH_LOADER = { worker_loaders: [{ binding: "LOADER" }] };

/**
 * The text of a parent that runs programs: POST a module's text to /METHOD; the reply is JSON, {result} or {error}.
 * `?limits=JSON` adds limits.
 */
export const PROGRAM_RUNNER = `
  export default {
    async fetch(request, env) {
      const url = new URL(request.url);
      if (url.pathname === "/state") return Response.json(globalThis.state = (globalThis.state ?? 0) + 1);
      const limits = JSON.parse(url.searchParams.get("limits") ?? "{}");
      const modules = { "m.js": await request.text() };
      try {
        const stub = env.LOADER.load({ compatibilityDate: "${DATE}", mainModule: "m.js", modules, limits, globalOutbound: null });
        const result = await stub.getEntrypoint()[url.pathname.slice(1)](url.search);
        return Response.json({ result: result ?? null });
      } catch (error) {
        return Response.json({ error: { name: error.name, message: error.message, code: error.code ?? null } });
      }
    },
  };`;
