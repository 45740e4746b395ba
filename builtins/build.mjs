// Bundles the built-ins, builtins/main.ts and all it imports, into one classic script for the zygote.
//
//   node builtins/build.mjs --out FILE --stripper FILE [--depfile FILE]
//
// The type stripper's Wasm module, which amaro carries as base64 in its source, becomes the file --stripper: as a
// string it would cost every zygote four megabytes.
//
// The depfile tells Ninja which sources the script was made of, so that it is made anew when one changes.

import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: { out: { type: "string" }, stripper: { type: "string" }, depfile: { type: "string" } },
});
if (!options.out || !options.stripper) {
  console.error("usage: node builtins/build.mjs --out FILE --stripper FILE [--depfile FILE]");
  process.exit(2);
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const out = resolve(options.out);
await mkdir(dirname(out), { recursive: true });

const separateStripper = {
  name: "separate-stripper",
  setup(build) {
    build.onLoad({ filter: /amaro\/dist\/internal\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const literal = /Buffer2\.from\("([A-Za-z0-9+/=]+)", "base64"\)/;
      const found = literal.exec(source);
      if (found === null) return { errors: [{ text: "amaro no longer carries its Wasm module as base64" }] };
      await writeFile(resolve(options.stripper), Buffer.from(found[1], "base64"));
      return { contents: source.replace(literal, 'Buffer2.from("", "base64")') };
    });
  },
};

let result;
try {
  result = await build({
    absWorkingDir: root,
    entryPoints: ["builtins/main.ts"],
    outfile: out,
    bundle: true,
    format: "iife",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["worker", "import", "module"],
    target: "es2024",
    alias: { util: "./builtins/worker/amaro/util.ts", "node:buffer": "./builtins/worker/amaro/buffer.ts" },
    // Latin-1 only, so that V8 can read the script where it lies in the program.
    charset: "ascii",
    plugins: [separateStripper],
    // Names are visible to programs: in stacks, in `constructor.name`, in error messages.
    keepNames: true,
    minify: false,
    legalComments: "eof",
    sourcemap: "external",
    metafile: true,
    logLevel: "warning",
  });
} catch {
  process.exit(1); // esbuild has printed what is wrong, and where
}

if (options.depfile) {
  // An input may be named with a namespace ("disabled:path"); only plain paths are files.
  const inputs = Object.keys(result.metafile.inputs).filter((path) => !/^[a-z-]+:/.test(path));
  const escaped = inputs.map((path) => resolve(root, path).replaceAll(" ", "\\ "));
  await writeFile(options.depfile, `${out.replaceAll(" ", "\\ ")}: \\\n  ${escaped.join(" \\\n  ")}\n`);
}
