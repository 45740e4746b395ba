// POST /run with the text of a module: its run() is called in a fresh sandbox, and what it returns is the answer.
// The program may fetch one API. It needs a token for that, which it never gets to see.
import { WorkerEntrypoint } from "cloudflare:workers";

/** Every request of a program's fetch() comes here instead of going to the network. */
export class Out extends WorkerEntrypoint {
  async fetch(request) {
    const { origin, pathname } = new URL(request.url);
    if (origin !== this.env.API_ORIGIN) {
      throw new Error(`${origin} is out of bounds: programs may fetch ${this.env.API_ORIGIN} only.`);
    }
    console.log(`${this.ctx.props.program}: ${request.method} ${pathname}`);
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${this.env.API_TOKEN}`);
    // A redirect is not followed here (a request that arrived says "manual"): it goes back to the program, whose
    // next request comes through this method again, and gets the token only if it leads to the same origin.
    return fetch(new Request(request, { headers }));
  }
}

export default {
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method !== "POST" || pathname !== "/run") return new Response("POST a module to /run\n", { status: 404 });
    const program = searchParams.get("name") ?? "unnamed";
    const sandbox = env.LOADER.load({
      compatibilityDate: "2026-04-22",
      mainModule: "program.js",
      modules: { "program.js": await request.text() },
      globalOutbound: ctx.exports.Out({ props: { program } }),
    });
    try {
      return Response.json({ result: (await sandbox.getEntrypoint().run(program)) ?? null });
    } catch (error) {
      return Response.json({ error: { name: error.name, message: error.message } }, { status: 422 });
    }
  },
};
