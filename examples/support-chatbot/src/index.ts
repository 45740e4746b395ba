// A shop's support desk. POST /ask answers a customer's question by running the program that a model
// wrote for it, in a fresh sandbox that can reach that customer's orders and nothing else.
import { RECORDED_PROGRAMS, findRecorded } from "./recorded-programs";
import { runProgram } from "./run-program";
import { isCustomer } from "./shop-data";

export { Orders } from "./orders";

interface Env {
  LOADER: WorkerLoader;
}

const KNOWN_QUESTIONS = RECORDED_PROGRAMS.map((program) => program.question);

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/" && request.method === "GET") return Response.json({ questions: KNOWN_QUESTIONS });
    if (pathname !== "/ask") return refuse(404, "not-found", `there is nothing at ${pathname}; POST a question to /ask`);
    if (request.method !== "POST") return refuse(405, "method-not-allowed", "questions are sent with POST", { allow: "POST" });
    return ask(request, env, ctx);
  },
};

async function ask(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const body: unknown = await request.json().catch(() => null);
  const { customerId, question } = (body ?? {}) as { customerId?: unknown; question?: unknown };
  if (typeof customerId !== "string" || typeof question !== "string") {
    return refuse(400, "bad-request", 'send JSON such as {"customerId": "c-007", "question": "What is still on its way to me?"}');
  }
  if (!isCustomer(customerId)) return refuse(404, "unknown-customer", `there is no customer "${customerId}"`);

  const program = findRecorded(question);
  if (program === undefined) {
    const message = "no program is recorded for this question; the known ones are listed in knownQuestions";
    return Response.json({ question, ok: false, error: { code: "unknown-question", message }, knownQuestions: KNOWN_QUESTIONS }, { status: 404 });
  }

  const started = performance.now();
  const outcome = await runProgram(env.LOADER, ctx, program, customerId);
  const ms = Math.round((performance.now() - started) * 100) / 100;
  return Response.json({ question, program: program.file, ...outcome, ms });
}

function refuse(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ ok: false, error: { code, message } }, { status, headers });
}
