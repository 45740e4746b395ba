// The native operations of the sandbox: everything TypeScript here cannot do by itself. The C++ side is
// src/sandbox/ops-*.cc; names and shapes must agree with this file.
//
// Trust: guest code never gets hold of `ops`; the object leaves the global scope before any guest code exists.

/** Bytes of one JavaScript value and the capabilities in it. Sending it as arguments or reply hands those over. */
export interface Encoded {
  readonly __encoded: unique symbol;
}

/** A handle of a remote (or exported) object. Collected or dropped, it lets go of the object. */
export interface Cap {
  readonly __cap: unique symbol;
}

/** One body being encoded or decoded. */
export interface Codec {
  readonly __codec: unique symbol;
}

/** A host object inside a value that is being encoded: `tag` says what it is, `content` is encoded with it. */
export interface Ref {
  readonly __ref: unique symbol;
}

export type CapKind = "object" | "entrypoint" | "source" | "sink";

/** What a call on an exported object answers. */
export interface Reply {
  ok: boolean;
  /** The value, or the thrown value. */
  payload: Encoded;
  /** With `ok: false`: the text form for readers that do not decode, and the system's code. */
  failure?: FailureText;
  /** The result as an object that calls can be pipelined on. */
  target?: Cap;
  /** There if the invocation goes on after this answer; reading it answers when that is over. */
  afterwards?: Cap;
}

export interface FailureText {
  name: string;
  message: string;
  stack: string;
  code: string;
  /** True if no program threw this: the system refused. The payload is then not sent. */
  system: boolean;
}

/** What a remote call settled with. A rejected promise instead means: no answer came (see `Disconnect`). */
export interface Settled {
  /** As in Reply. */
  afterwards?: Cap;
  ok: boolean;
  payload: Encoded | null;
  failure: FailureText | null;
}

/** The reason a native promise rejects with when the other process did not answer. */
export interface Disconnect extends Error {
  disconnect: "disconnected" | "overloaded" | "failed" | "unimplemented";
}

export type HeaderPairs = [name: string, value: string][];

/** A body between the native side and the fetch classes: none, short and whole, or to be pulled. */
export type WireBody = null | Uint8Array | { source: Cap; length: number };

export interface WireRequest {
  method: string;
  url: string;
  headers: HeaderPairs;
  body: WireBody;
  /** Takes the messages for the client, if it asks for a WebSocket. */
  webSocket?: Cap | null;
  /** `cf` as JSON; "" for none. */
  cf: string;
}

export interface WireResponse {
  status: number;
  statusText: string;
  headers: HeaderPairs;
  body: WireBody;
  /** With status 101: takes the messages of the client, up to `maxMessageBytes` each. */
  webSocket?: Cap | null;
  maxMessageBytes?: number;
}

/** schema/value.capnp's Connection. */
export interface WireConnection {
  source: Cap;
  sink: Cap;
  remoteAddress: string;
  /** Begins TLS; null if that was not asked for. */
  tls?: Cap | null;
}

export type SecureTransport = "off" | "on" | "starttls";

/** Handlers of an exported object or entrypoint; natively each becomes a JsObject or Entrypoint server. */
export interface ObjectHandlers {
  call(path: string[], args: Encoded): Promise<Reply>;
  get(path: string[]): Promise<Reply>;
  /** Entrypoints only. Must give `caller` its `cancelled`, called if the one who asked goes away before the answer. */
  fetch?(
    request: WireRequest,
    caller: { cancelled?: () => void },
  ): Promise<({ response: WireResponse } | { failed: Reply }) & { afterwards?: Cap }>;
  /** Entrypoints only: trace items, as a JSON array. */
  tail?(items: string): Promise<void>;
  /** Entrypoints only. A byte connection to `address`. */
  connect?(address: string, secureTransport: SecureTransport): Promise<{ connection: WireConnection } | { failed: Reply }>;
  /** No handle anywhere holds the object any more. */
  released(): void;
}

/** One direction of a WebSocket as another process sends it. A rejection, or a thrown error, ends it. */
export interface MessageHandlers {
  message(data: string | Uint8Array<ArrayBuffer>): Promise<void>;
  close(code: number, reason: string): Promise<void>;
  /** The sender is gone, whether it closed or not. */
  gone(): void;
}

export interface SourceHandlers {
  /** Resolves to at most `maxBytes` bytes, or null at the end; a rejection ends the stream with that error. */
  read(maxBytes: number): Promise<Uint8Array | null>;
  cancel(): void;
}

export interface SinkHandlers {
  /** Resolves to the failed reply if the sink threw. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<Reply | undefined>;
  close(): Promise<Reply | undefined>;
  abort(reason: string): void;
}

export type ModuleKind = "esm" | "commonJs" | "typeScript" | "text" | "json" | "data" | "wasm" | "snippet";

export interface EvaluateOptions {
  /** Whether code from strings and Wasm bytes is allowed meanwhile. */
  codeGeneration: boolean;
  /** Whether import attributes are ignored; otherwise they are an error. */
  importAttributes: boolean;
  /** The async context of modules that import() evaluates. */
  frame: unknown;
}

export interface WireModule {
  name: string;
  kind: ModuleKind;
  /** A string; bytes for `data` and `wasm`. */
  body: string | ArrayBuffer | Uint8Array;
}

/** schema/worker.capnp's Program. */
export interface WireProgram {
  name: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
  mainModule: string;
  modules: WireModule[];
  env: Encoded | null;
  /** null: blocked; "host": through the supervisor; otherwise the interceptor. */
  outbound: null | "host" | Cap;
  /** How many requests one invocation may send out; -1: the default. */
  subrequests: number;
}

export interface WireBinding {
  name: string;
  json?: string;
  loader?: Cap;
  /** Of a loader: how long a named worker keeps its sandbox without a call. */
  idleMs?: number;
  service?: Cap;
}

/** A program as its sandbox receives it: `bindings` instead of `env` when the supervisor sent it. */
export interface ReceivedProgram extends WireProgram {
  bindings: WireBinding[] | null;
  tails: Cap[];
  /** Of one invocation of a worker that this one loads: what it gets, and the most it can ask for. */
  loaded: { subrequests: number; maxSubrequests: number };
}

/** What `start` makes of a program; natively it becomes a Worker server. */
export interface WorkerHandlers {
  /** Called once after `start`, when microtasks have run: what is still pending now would need I/O. */
  evaluated(): void;
  /**
   * `props`: an encoded value, JSON text, or null for none. `trace`: who hears of the one invocation that follows.
   * `subrequests`: as in the program.
   */
  entrypoint(name: string, props: Encoded | string | null, trace: Cap | null, subrequests: number): Cap;
  /** Resolves to JSON text. */
  invoke(method: string, args: string): Promise<string>;
  tests(): Promise<string[]>;
  test(name: string): Promise<void>;
}

/** The built-ins as the native side enters them; main.ts provides them. */
export interface Entry {
  /** In the zygote: runs once what every sandbox will run, so that it is compiled and warm. */
  warm(): void;
  /** In each blank sandbox, before it is handed out. */
  rehearse(): Promise<void>;
  start(program: ReceivedProgram): WorkerHandlers;
  dataCloneError(message: string): unknown;
  unhandledRejection(promise: Promise<unknown>, reason: unknown): void;
  /** What `error.stack` is, from V8's call sites. */
  formatStack(error: unknown, sites: unknown[]): unknown;
  /** A promise that was reported got a handler after all. */
  rejectionHandled(promise: Promise<unknown>, reason: unknown): void;
}

/** What the instances of a remote class do. `self` is one of them, though not always one that `construct` has seen. */
export interface RemoteHandlers {
  name: string;
  /** As in `[object …]`. */
  tag: string;
  /** `new Class(...args)` made `self`. Absent: the class is not for programs to construct. */
  construct?(self: object, args: unknown[]): void;
  /** The member `key` that neither `self` nor its prototypes have; undefined if there is none. Never an array index. */
  get(self: object, key: string): unknown;
  /** `self(...args)` and `new self(...args)`. Absent: instances are not callable. */
  apply?(self: object, args: unknown[]): unknown;
}

export interface LeaseLimits {
  cpuMs?: number;
  wallMs?: number;
  memoryMb?: number;
  /** Counted in the sandbox; the supervisor is not told. */
  subRequests?: number;
}

export type EndReason =
  | "released" | "cpuLimit" | "startupCpuLimit" | "wallLimit" | "memoryLimit" | "violation" | "crashed" | "retired" | "exited"
  | "aborted";

export interface UrlParts {
  href: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  origin: string;
}

export interface Ops {
  provideEntry(entry: Entry): void;

  // Values ------------------------------------------------------------------------------------------
  newRef(tag: number, content: unknown): Ref;
  /** Throws DataCloneError for what the structured clone algorithm cannot copy. Does not detach buffers. Takes `caps` over. */
  encode(value: unknown, caps: Cap[], kinds: CapKind[]): Encoded;
  /** `keep`: the value will be decoded again; otherwise its capabilities are handed over. */
  decode(encoded: Encoded, revive: (tag: number, content: unknown, caps: Cap[]) => unknown, keep: boolean): unknown;
  encodedSize(encoded: Encoded): number;
  isProxy(value: unknown): boolean;
  /** Internal class name for brand checks: "Map", "Promise", "ArrayBuffer", … or "" for an ordinary object. */
  brand(value: object): string;

  /** A class whose instances answer for every string name; the rest of its members are added to `Class.prototype`. */
  remoteClass(handlers: RemoteHandlers): { Class: Function & { prototype: object }; make: () => object };

  // Capabilities ------------------------------------------------------------------------------------
  exportObject(kind: "object" | "entrypoint", handlers: ObjectHandlers): Cap;
  exportSource(handlers: SourceHandlers): Cap;
  exportSink(handlers: SinkHandlers): Cap;
  exportMessages(handlers: MessageHandlers): Cap;
  /** Calls are sent in order. `target` is the future result, usable at once. */
  capCall(cap: Cap, path: string[], args: Encoded): { settled: Promise<Settled>; target: Cap };
  capGet(cap: Cap, path: string[]): { settled: Promise<Settled>; target: Cap };
  capFetch(cap: Cap, request: WireRequest): {
    settled: Promise<(WireResponse | { failed: Settled }) & { afterwards?: Cap }>;
    cancel: () => void;
  };
  /** Delivers trace items to an entrypoint. */
  capTail(cap: Cap, items: string): Promise<Settled | null>;
  /** The last bytes may come with `done`, or none; after it, or a failure, the source is over. */
  capRead(cap: Cap, maxBytes: number): Promise<{ bytes: Uint8Array<ArrayBuffer>; done: boolean; failure: FailureText | null }>;
  /** Resolves to what the sink threw, or null. */
  capWrite(cap: Cap, bytes: Uint8Array): Promise<Settled | null>;
  capClose(cap: Cap): Promise<Settled | null>;
  /** Settled when there is room for more. */
  capSendMessage(cap: Cap, data: string | Uint8Array): Promise<void>;
  capCloseMessages(cap: Cap, code: number, reason: string): Promise<void>;
  capConnect(cap: Cap, address: string, secureTransport: SecureTransport): Promise<WireConnection | { failed: Settled }>;
  capStartTls(tls: Cap, host: string): Promise<WireConnection | { failed: Settled }>;
  /** An entrypoint that will be what `promise` resolves to; calls on it wait. */
  capFromPromise(promise: Promise<Cap>): Cap;
  capDup(cap: Cap): Cap;
  capDrop(cap: Cap): void;

  // Sandboxes ---------------------------------------------------------------------------------------
  /** Asks for a blank sandbox. `lease` and `blank` are usable at once; dropping `lease` kills the sandbox. */
  loaderLease(loader: Cap, limits: LeaseLimits, profile: string, outbound: boolean, label: string): { lease: Cap; blank: Cap; granted: Promise<void> };
  /** Resolves to how many leases should be given back, as soon as somebody waits for them. */
  loaderShortage(loader: Cap): Promise<number>;
  blankStart(blank: Cap, program: WireProgram): Cap;
  workerEntrypoint(worker: Cap, name: string, props: Encoded | null, trace: Cap | null, subrequests: number): Cap;
  leaseBegan(lease: Cap, invocation: number, limits: LeaseLimits): void;
  leaseFinished(lease: Cap, invocation: number): void;
  leaseEnded(lease: Cap): Promise<{ reason: EndReason; detail: string }>;
  /** The network as the supervisor grants it to this sandbox. */
  hostOutbound(): Cap;

  // Modules -----------------------------------------------------------------------------------------
  evaluateModules(mainModule: string, modules: WireModule[], builtins: Record<string, object>, options: EvaluateOptions):
    | { exports: Record<string, unknown>; settled: Promise<unknown> }
    | { failed: unknown; where: string };
  /** "\n  at main.js:3:7": where V8 saw `error` being made or thrown; empty if that is not in the program. */
  errorPosition(error: unknown): string;
  /** Runs what promises have queued, and nothing else: no timers, no work of V8's own. */
  runMicrotasks(): void;
  /** The bytes that a WebAssembly.Module was compiled from. */
  wasmBytes(module: object): Uint8Array<ArrayBuffer>;
  /** Null if `source` parses as an ES module, otherwise a description of the error. */
  syntaxError(name: string, source: string): string | null;
  /** The Wasm module of the type stripper. */
  stripperWasm(): Uint8Array;
  /** No code from strings and no Wasm bytes from now on. */
  forbidCodeGeneration(): void;
  /** Ends this process: every call in it fails, and the next one meets a fresh sandbox. */
  abortIsolate(): never;

  // Time --------------------------------------------------------------------------------------------
  /** Calls `callback` once, after at least `ms` milliseconds. */
  startTimer(ms: number, callback: () => void): number;
  cancelTimer(id: number): void;
  /** From now on time advances only between two entries into JavaScript; a timer's callback sees when it was due. */
  freezeClock(): void;
  /** While stopped, Date reads the epoch. */
  stopClock(stopped: boolean): void;
  /** Milliseconds, monotonic, with fractions; the origin is the start of this sandbox. */
  monotonicMs(): number;

  // Async context -----------------------------------------------------------------------------------
  /** The value that V8 carries along promise reactions; whatever was set when the current code was scheduled. */
  asyncFrame(): unknown;
  setAsyncFrame(frame: unknown): void;
  /** Calls `callback` once, when the current turn has run all its microtasks. */
  atTurnEnd(callback: () => void): void;

  // Text, URLs, bytes -------------------------------------------------------------------------------
  utf8Encode(text: string): Uint8Array;
  /** Throws TypeError if `fatal` and the bytes are not UTF-8; otherwise U+FFFD takes the place of what is wrong. */
  utf8Decode(bytes: ArrayBufferView | ArrayBuffer, fatal: boolean): string;
  /** Latin-1 string to base64; the caller has checked that every unit is below 256. */
  base64Encode(bytes: Uint8Array): string;
  /** Forgiving base64; null if malformed. */
  base64Decode(text: string): Uint8Array | null;
  parseUrl(input: string, base: string | undefined): UrlParts | null;
  /** Applies one setter of the URL standard. Null if the value is refused (the URL stays as it was). */
  setUrlPart(href: string, part: "href" | "protocol" | "username" | "password" | "host" | "hostname" | "port" | "pathname" | "search" | "hash", value: string): UrlParts | null;

  // Content codings ---------------------------------------------------------------------------------
  newCodec(coding: "gzip" | "br", decode: boolean): Codec;
  /** Takes a piece; only when codecRead() gave nothing more of the last one. */
  codecWrite(codec: Codec, bytes: Uint8Array): void;
  codecEnd(codec: Codec): void;
  /** Empty: the codec wants more, or is done. Throws TypeError for bytes that are not in the coding. */
  codecRead(codec: Codec, maxBytes: number): Uint8Array<ArrayBuffer>;

  // Crypto ------------------------------------------------------------------------------------------
  randomBytes(view: Uint8Array): void;
  digest(algorithm: "MD5" | "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512", bytes: Uint8Array): ArrayBuffer;

  // Operator's log ----------------------------------------------------------------------------------
  log(level: "debug" | "info" | "log" | "warn" | "error", message: string): void;
}

const key = "__mayflyOps";
export const ops: Ops = (globalThis as unknown as Record<string, Ops>)[key]!;
