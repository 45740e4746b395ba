// A short form of `make soak`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TEST_DEADLINE_MS } from "./_mayfly.mjs";
import { leftovers, soak } from "../soak/lib/soak.mjs";

test("five hundred sandboxes end in every way there is, and nothing of them is left", { timeout: TEST_DEADLINE_MS }, async (t) => {
  const { before, after, counts } = await soak(t, 500);
  assert.deepEqual(leftovers(before, after), [], JSON.stringify({ before, after }));
  for (const kind of ["loops", "hoards", "isKilled", "clientLeaves"]) assert.ok(counts[kind] > 0, `cycles of the kind ${kind}: ${counts[kind]}`);
});
