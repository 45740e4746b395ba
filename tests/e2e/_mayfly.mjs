// Starts the real binary: `run` waits for its end, `serve` for its first line. Nothing here outlives its test.
import { spawn } from "node:child_process";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { asOrdinaryUser } from "./_ordinary-user.mjs";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const BINARY = process.env.MAYFLY_BIN ?? `${REPOSITORY}/build/mayfly`;
export const TEST_DEADLINE_MS = 120_000;

const RUN_DEADLINE_MS = 60_000;
const START_DEADLINE_MS = 30_000;

/** Fails after `ms`, saying what was waited for and what there is to see. */
export function within(ms, what, promise, evidence = () => "") {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms\n${evidence()}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// `ordinary`: as a user without privileges, whoever runs the suite.
function start(command, args, { cwd = "/", env = {}, ordinary = false, input = "ignore" } = {}) {
  const order = { command, args, options: { cwd, env: { PATH: process.env.PATH, ...env }, stdio: [input, "pipe", "pipe"] } };
  const { command: actual, args: actualArgs, options } = ordinary ? asOrdinaryUser(order, [REPOSITORY]) : order;
  const child = spawn(actual, actualArgs, options);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => { output.stdout += text; });
  child.stderr.setEncoding("utf8").on("data", (text) => { output.stderr += text; });
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, ...output }));
  });
  ended.catch(() => {});
  return { child, output, ended };
}

/** Runs a program to its end: {status, signal, stdout, stderr}. */
export async function runProgram(command, args, options = {}) {
  const { child, output, ended } = start(command, args, options);
  try {
    return await within(options.deadlineMs ?? RUN_DEADLINE_MS, [command, ...args].join(" "), ended, () => JSON.stringify(output));
  } finally {
    child.kill("SIGKILL");
  }
}

/** Runs `mayfly ...args` to its end. */
export const mayfly = (args, options) => runProgram(BINARY, args, options);

/** Takes the place of a test's context for what all tests of a file share. Call it outside of hooks. */
export function wholeFile() {
  const endings = [];
  after(async () => { for (const end of endings.reverse()) await end(); });
  return { after: (end) => endings.push(end) };
}

/** A running `mayfly serve`, killed when the test ends if it has not ended by then. */
export async function serve(t, project, { args = ["--listen", "127.0.0.1:0"], ...options } = {}) {
  const { child, output, ended } = start(BINARY, ["serve", project, ...args], options);
  t.after(() => {
    child.kill("SIGKILL");
    return ended.catch(() => {});
  });
  const url = await within(START_DEADLINE_MS, "the line `listening on`", new Promise((resolve, reject) => {
    const look = () => {
      const line = /^listening on (http:\/\/\S+)\n/m.exec(output.stdout);
      if (line) resolve(line[1]);
    };
    child.stdout.on("data", look);
    ended.then(({ status, signal, stderr }) => reject(new Error(`serve ended with ${status ?? signal}: ${stderr}`)), reject);
  }), () => output.stderr);
  return new Server(child, output, ended, url);
}

class Server {
  constructor(child, output, ended, url) {
    this.child = child;
    this.output = output;
    this.ended = ended;
    this.url = url;
    this.pid = child.pid;
    this.port = Number(new URL(url).port);
  }

  /** Resolves when standard error matches. */
  logged(pattern, deadlineMs = 20_000) {
    return within(deadlineMs, `a log line like ${pattern}`, new Promise((resolve) => {
      const look = () => pattern.test(this.output.stderr) && resolve(this.output.stderr);
      this.child.stderr.on("data", look);
      look();
    }), () => this.output.stderr);
  }

  /** Sends a signal; resolves to how it ended. */
  end(signal = "SIGTERM", deadlineMs = 20_000) {
    this.child.kill(signal);
    return within(deadlineMs, `the end after ${signal}`, this.ended, () => this.output.stderr);
  }
}
