// Runs once in the zygote what every sandbox will run, so that it is compiled, its inline caches are filled and the
// pages it touches are shared. No randomness, no clock, no program's bytes.

import { ops } from "../internal/ops.ts";
import { builtInModules } from "../modules/index.ts";
import { startCall } from "../rpc/calls.ts";
import { encodeValue } from "../rpc/lower.ts";
import { Reviver } from "../rpc/revive.ts";
import { Session } from "../rpc/session.ts";
import { stripTypes } from "./strip-types.ts";
import { Worker } from "./worker.ts";

/**
 * In a blank sandbox, before its program comes: plays the whole way of a small program once, so that the pages which
 * every program writes to have been copied by then.
 */
export async function rehearse(): Promise<void> {
  const worker = new Worker(true);
  const source = "import { WorkerEntrypoint } from 'cloudflare:workers'; export default { async run(x) { return { x, list: [1, 'a'] }; } };";
  const graph = ops.evaluateModules("blank.js", [{ name: "blank.js", kind: "esm", body: source }], builtInModules(worker), {
    codeGeneration: true, importAttributes: false, frame: undefined,
  });
  if ("failed" in graph) throw graph.failed;
  await graph.settled;
  worker.adopt(graph.exports);
  const cap = worker.entrypoint("", null);
  const session = new Session(cap, { done: () => ops.capDrop(cap) });
  await startCall(session, () => cap, ["run"], [{ text: "a", n: 1.5 }]);
}

export function warm(): void {
  const reviver = new Reviver(null, undefined);
  const sample = { text: "a", list: [1, 2.5, null, true], nested: { map: new Map([["k", 1]]), date: new Date(0) } };
  for (let i = 0; i < 50; i++) ops.decode(encodeValue(sample, "result"), reviver.revive, false);
  stripTypes("warm.ts", "interface A { x: number }\nexport default async (a: A): Promise<number> => a.x as number;\n");
  ops.syntaxError("warm.js", "export default async function run(a, ...b) { return await a?.b ?? b.map((c) => c * 2); }");
  new Intl.NumberFormat("en").format(1234.5);
  new Date(0).toISOString();
  JSON.parse(JSON.stringify(sample.list));
}
