// A conformance file as workerd wants it: one module, and a configuration that grants what `mayfly test` grants.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { cannotRun } from "./errors.mjs";

// The date is the one the specification was observed under; every flag the cases need is on by then.
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "main.js")],
  compatibilityDate = "2026-04-22",
  bindings = [(name = "LOADER", workerLoader = ())],
);
`;

/** Writes both into a folder of their own in `scratch`; resolves to the configuration's path. */
export async function makeTask(folder, file, scratch) {
  const directory = join(scratch, file);
  mkdirSync(directory);
  try {
    await build({
      entryPoints: [join(folder, file)], outfile: join(directory, "main.js"),
      bundle: true, format: "esm", target: "esnext", external: ["cloudflare:*", "node:*"], logLevel: "silent",
    });
  } catch (error) {
    throw cannotRun(`${file} cannot be bundled: ${error.message}`, "correct the file");
  }
  const config = join(directory, "config.capnp");
  writeFileSync(config, CONFIG);
  return config;
}
