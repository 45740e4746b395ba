// The part of the Workers API that this example uses, so that it type-checks without a dependency.

declare module "*.txt" {
  const text: string;
  export default text;
}

declare module "cloudflare:workers" {
  export abstract class WorkerEntrypoint<Env = unknown, Props = unknown> {
    protected readonly ctx: ExecutionContext<Props>;
    protected readonly env: Env;
    constructor(ctx: ExecutionContext<Props>, env: Env);
  }
}

interface ExecutionContext<Props = unknown> {
  readonly props: Props;
  /** The exports of this Worker's main module; calling one narrows it to the given props. */
  readonly exports: { Orders(options: { props: { customerId: string } }): ServiceStub };
  waitUntil(promise: Promise<unknown>): void;
}

/** A capability: a handle on an entrypoint that may be handed to a sandbox in its `env`. */
interface ServiceStub {
  fetch(input: Request | string, init?: RequestInit): Promise<Response>;
}

interface WorkerLoader {
  load(code: WorkerCode): {
    getEntrypoint(name?: string): ServiceStub & { run(): Promise<unknown> };
  };
}

interface WorkerCode {
  compatibilityDate: string;
  compatibilityFlags?: string[];
  mainModule: string;
  modules: Record<string, string>;
  env?: Record<string, unknown>;
  globalOutbound?: ServiceStub | null;
  limits?: { cpuMs?: number };
}
