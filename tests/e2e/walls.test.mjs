// The walls of a live sandbox, as the kernel shows them from outside.
import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { before, test } from "node:test";
import { call, open } from "./_http.mjs";
import { serve, TEST_DEADLINE_MS, wholeFile } from "./_mayfly.mjs";
import { IS_ROOT } from "./_ordinary-user.mjs";
import { childrenOf, sandboxesOf, until, zygoteOf } from "./_processes.mjs";
import { PROGRAM_RUNNER, project, WITH_LOADER } from "./_project.mjs";

const options = { timeout: TEST_DEADLINE_MS };
const SECRET = "planted-secret-7f3a9c-of-the-supervisor";
const NAMESPACES = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];

const file = wholeFile();
let server;
let busy;    // the pid of a sandbox in the midst of a call
let blank;   // and of one that waits for a program
before(async () => {
  server = await serve(file, project(file, PROGRAM_RUNNER, { ...WITH_LOADER, vars: { VISIBLE: "var" } }), { env: { MAYFLY_E2E_SECRET: SECRET } });
  const blanks = await until("blank sandboxes", () => { const pids = sandboxesOf(server.pid); return pids.length === 8 && pids; });
  call(server, `import { WorkerEntrypoint } from "cloudflare:workers";
    export default class extends WorkerEntrypoint { async run() { console.log("inside"); await scheduler.wait(60_000); } }`, { limits: { wallMs: 90_000 } }).catch(() => {});
  await server.logged(/inside/);
  await until("a full pool", () => sandboxesOf(server.pid).length === 9);
  const now = sandboxesOf(server.pid);
  busy = Math.min(...blanks);   // the oldest is taken first
  blank = Math.max(...now);
});

const status = (pid) => Object.fromEntries(readFileSync(`/proc/${pid}/status`, "utf8").trim().split("\n").map((line) => line.split(/:\s*/, 2)));
const sandboxes = () => [["busy", busy], ["blank", blank]];

test("seccomp, no_new_privs, no capability, a PID namespace", options, () => {
  for (const [what, pid] of sandboxes()) {
    const facts = status(pid);
    assert.equal(facts.Seccomp, "2", what);
    assert.equal(facts.NoNewPrivs, "1", what);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) assert.match(facts[set], /^0+$/, `${what} ${set}`);
    assert.ok(facts.NSpid.split(/\s+/).length >= 2, facts.NSpid);
    assert.equal(facts.Threads, "1", what);
    assert.ok(Number(facts.Seccomp_filters) >= 2, "the zygote's filter and its own");
    assert.equal(facts.Uid.split(/\s+/).includes("0"), false, `${what} ${facts.Uid}`);
  }
});

test("the parent worker is behind the same walls", options, () => {
  const facts = status(childrenOf(zygoteOf(server.pid, "parents"))[0]);
  assert.deepEqual([facts.Seccomp, facts.NoNewPrivs, facts.CapEff], ["2", "1", "0000000000000000"]);
});

test("descriptors: nothing but /dev/null, its two sockets and its event loop", { ...options, skip: !IS_ROOT && "needs root to look" }, () => {
  for (const [what, pid] of sandboxes()) {
    const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => [Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:?\[\d+\]$/, "")]);
    assert.deepEqual(targets.filter(([fd]) => fd <= 4), [[0, "/dev/null"], [1, "/dev/null"], [2, "/dev/null"], [3, "socket"], [4, "socket"]], what);
    assert.deepEqual(targets.filter(([fd]) => fd > 4).map(([, target]) => target).sort(), ["anon_inode:[eventfd]", "anon_inode:[eventpoll]"], what);
  }
});

test("one mount, every namespace its own, an empty read-only root", { ...options, skip: !IS_ROOT && "needs root to look" }, () => {
  for (const [what, pid] of sandboxes()) {
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8").trim().split("\n");
    assert.equal(mounts.length, 1, mounts.join("\n"));
    assert.match(mounts[0], / \/ \/ ro[, ].* - tmpfs /);
    assert.deepEqual(readdirSync(`/proc/${pid}/root/`), [], what);
    for (const name of NAMESPACES) assert.notEqual(readlinkSync(`/proc/${pid}/ns/${name}`), readlinkSync(`/proc/self/ns/${name}`), `${what} ${name}`);
  }
});

test("limits: no core, no process, bounded data", options, () => {
  const limits = readFileSync(`/proc/${blank}/limits`, "utf8");
  assert.match(limits, /^Max core file size +0 +0 /m);
  assert.match(limits, /^Max processes +0 +0 /m);
  assert.match(limits, /^Max data size +\d+ +\d+ /m);
});

test("the zygotes have one thread and no sandbox shares a namespace with a parent worker", { ...options, skip: !IS_ROOT && "needs root to look" }, () => {
  for (const profile of ["parents", "standard"]) assert.equal(status(zygoteOf(server.pid, profile)).Threads, "1", profile);
  const parent = childrenOf(zygoteOf(server.pid, "parents"))[0];
  for (const name of ["pid", "net", "ipc", "mnt", "user"]) assert.notEqual(readlinkSync(`/proc/${blank}/ns/${name}`), readlinkSync(`/proc/${parent}/ns/${name}`), name);
});

/** Whether any readable byte of a process is part of `text`. */
function memoryHas(pid, text) {
  const needle = Buffer.from(text);
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const piece = Buffer.alloc(4 << 20);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const match = /^([0-9a-f]+)-([0-9a-f]+) r\S+ .*?(\[v\w+\])?$/.exec(line);
      if (!match || match[3]) continue;
      const end = parseInt(match[2], 16);
      for (let at = parseInt(match[1], 16); at < end; at += piece.length - needle.length) {
        let size = 0;
        try {
          size = readSync(memory, piece, 0, Math.min(piece.length, end - at), at);
        } catch {
          break;   // never touched, or not readable
        }
        if (piece.subarray(0, size).includes(needle)) return true;
      }
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

test("no secret of the supervisor is in the memory or environment of a zygote or sandbox", { ...options, skip: !IS_ROOT && "needs root to look" }, () => {
  assert.ok(memoryHas(server.pid, SECRET), "the search finds what is there");
  const parent = childrenOf(zygoteOf(server.pid, "parents"))[0];
  for (const pid of [busy, blank, parent, zygoteOf(server.pid, "standard"), zygoteOf(server.pid, "parents")]) {
    assert.equal(memoryHas(pid, SECRET), false, String(pid));
    assert.equal(memoryHas(pid, "MAYFLY_E2E_SECRET"), false, String(pid));
    assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, "latin1"), /MAYFLY|HOME=|USER=/);
  }
  assert.equal(memoryHas(blank, "/mayfly-e2e-"), false, "nor the path of the project");
});

test("a client's connection reaches the parent worker alone", { ...options, skip: !IS_ROOT && "needs root to look" }, async (t) => {
  const connection = await open(server, t);
  connection.send("GET /state HTTP/1.1\r\nHost: h\r\n\r\n");
  await connection.received(/\r\n\r\n\d/);
  for (const pid of sandboxesOf(server.pid)) assert.equal(readdirSync(`/proc/${pid}/fd`).length, 7, String(pid));
});
