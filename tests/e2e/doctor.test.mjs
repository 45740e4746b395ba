// `mayfly doctor`: every wall stands on this machine, with evidence.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mayfly, TEST_DEADLINE_MS } from "./_mayfly.mjs";

const options = { timeout: TEST_DEADLINE_MS };

// What the kernel shows of each layer.
const EVIDENCE = {
  "system-call filter": /Seccomp: 2\b.*canaries/, "no new privileges": /NoNewPrivs: 1/, "no capabilities": /CapEff: 0{16}/,
  "user namespace": /user:\[\d+\]/, "mount namespace": /mnt:\[\d+\]/, "PID namespace": /NSpid: \d+\s+\d+/,
  "network namespace": /net:\[\d+\]/, "IPC namespace": /ipc:\[\d+\]/, "UTS namespace": /uts:\[\d+\]/,
  "cgroup namespace": /cgroup:\[\d+\]/, "empty root": /one mount/, "Landlock": /version \d+/, "not dumpable": /DUMPABLE/,
  "resource limits": /data: \d+/, "descriptors": /0-2 \/dev\/null/,
};

async function diagnose(ordinary) {
  const { status, stdout, stderr } = await mayfly(["doctor", "--json"], { ordinary });
  const diagnosis = JSON.parse(stdout);
  assert.equal(diagnosis.grade, "A", stdout + stderr);
  assert.equal(status, 0);
  const walls = Object.fromEntries(diagnosis.walls.map((wall) => [wall.name, wall]));
  for (const [name, pattern] of Object.entries(EVIDENCE)) {
    assert.equal(walls[name]?.state, "active", name);
    assert.match(walls[name].evidence, pattern);
  }
  assert.deepEqual(diagnosis.walls.filter(({ state }) => state !== "active"), []);
  assert.ok(diagnosis.kernel.length > 0 && diagnosis.v8.startsWith("13."), stdout);
}

test("doctor --json: grade A, evidence for each wall", options, () => diagnose(false));

test("doctor --json as an ordinary user", options, () => diagnose(true));

test("doctor in words", options, async () => {
  const { status, stdout } = await mayfly(["doctor"]);
  assert.equal(status, 0);
  for (const name of Object.keys(EVIDENCE)) assert.match(stdout, new RegExp(`active +${name} `));
  assert.match(stdout, /^grade A: .+$/m);
});

test("doctor with an unknown option: 2", options, async () => {
  assert.equal((await mayfly(["doctor", "--loud"])).status, 2);
});
