// Socket: one end of a byte connection, as connect() and a worker's connect() handler get it.

import { promiseThen, ignoreRejection, bytesOf, isBufferSource } from "../support/intrinsics.ts";
import { hooks } from "../support/platform-hooks.ts";
import { setInspector } from "../support/inspectors.ts";
import { defineInterface, illegalConstructor, INTERNAL, toDictionary } from "../support/webidl.ts";
import { ops } from "../../internal/ops.ts";
import {
  ReadableStream,
  WritableStream,
  type ReadableByteStreamController,
  type WritableStreamDefaultController,
} from "../streams/streams.ts";

const READ_BYTES = 64 * 1024;

/** What `opened` resolves to. */
export interface SocketInfo {
  readonly remoteAddress?: string;
  readonly localAddress?: string;
}

/** An open connection. */
export interface SocketEnd {
  readonly info: SocketInfo;
  /** At most `maxBytes`, at least one; null at the end. */
  read(maxBytes: number): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
  /** No more will be written. */
  closeWrite(): Promise<void>;
  /** Lets go of both directions. May be called again. */
  drop(): void;
  /** The same connection, in TLS from now on. This end is of no use any more. */
  startTls(host: string): Promise<SocketEnd>;
}

export type SecureTransport = "off" | "on" | "starttls";

export interface SocketOptions {
  readonly secureTransport: SecureTransport;
  /** Whether writing goes on when the other side has ended. */
  readonly allowHalfOpen: boolean;
  readonly highWaterMark: number;
}

export function readSocketOptions(value: unknown): SocketOptions {
  const given = toDictionary(value, "SocketOptions");
  const secureTransport = given["secureTransport"] === undefined ? "off" : String(given["secureTransport"]);
  if (secureTransport !== "off" && secureTransport !== "on" && secureTransport !== "starttls") {
    throw new TypeError(`Unsupported value in secureTransport socket option: ${secureTransport}`);
  }
  const { highWaterMark } = given;
  const mark = highWaterMark === undefined ? 0 : Number(highWaterMark);
  if (!(mark >= 0)) throw new TypeError("The highWaterMark of a socket must be a positive number.");
  return { secureTransport, allowHalfOpen: Boolean(given["allowHalfOpen"]), highWaterMark: mark };
}

export class Socket {
  readonly #options: SocketOptions;
  readonly #opening: Promise<SocketEnd>;
  readonly #opened: Promise<SocketInfo>;
  readonly #closed: Promise<void>;
  #resolveClosed!: () => void;
  #rejectClosed!: (error: unknown) => void;
  readonly #readable: ReadableStream<Uint8Array>;
  readonly #writable: WritableStream<unknown>;
  #reading!: ReadableByteStreamController;
  #writing!: WritableStreamDefaultController;
  #end: SocketEnd | null = null;
  #next: Promise<Uint8Array | null> = Promise.resolve(null);
  #lastWrite: Promise<void> = Promise.resolve();
  #readOver = false;
  #writeOver = false;
  #over = false;
  #upgraded = false;
  #disown = () => {};
  readonly #requireOwner = hooks().belonging?.("Socket") ?? (() => {});

  constructor(token: unknown, opening: unknown, options: unknown) {
    if (token !== INTERNAL) illegalConstructor();
    this.#options = options as SocketOptions;
    this.#opening = opening as Promise<SocketEnd>;
    this.#closed = new Promise((resolve, reject) => {
      this.#resolveClosed = resolve;
      this.#rejectClosed = reject;
    });
    ignoreRejection(this.#closed);
    this.#readable = new ReadableStream<Uint8Array>(
      {
        type: "bytes",
        start: (controller) => {
          this.#reading = controller;
        },
        pull: () => this.#pull(),
        cancel: () => {
          this.#readOver = true;
          this.#finishIfOver();
        },
      },
      { highWaterMark: 0 },
    );
    this.#writable = new WritableStream<unknown>(
      {
        start: (controller) => {
          this.#writing = controller;
        },
        write: (chunk) => (this.#lastWrite = this.#write(chunk)),
        close: () => this.#closeWrite(),
        abort: () => this.#closeWrite(),
      },
      new ByteLengths(this.#options.highWaterMark),
    );
    this.#disown = hooks().invocation?.()?.own(() => this.#drop()) ?? (() => {});
    this.#opened = promiseThen(this.#opening, (end) => {
      this.#end = end;
      if (this.#over) end.drop();
      else this.#readAhead(end);
      return end.info;
    });
    promiseThen(this.#opened, undefined, (error) => this.#failed(error));
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#readable;
  }
  get writable(): WritableStream<unknown> {
    return this.#writable;
  }
  get opened(): Promise<SocketInfo> {
    return this.#opened;
  }
  get closed(): Promise<void> {
    return this.#closed;
  }
  get upgraded(): boolean {
    return this.#upgraded;
  }
  get secureTransport(): string {
    return this.#options.secureTransport;
  }

  /** Ends both directions, once what is being written has been. */
  close(): Promise<void> {
    this.#requireOwner();
    if (!this.#over) ignoreRejection(promiseThen(this.#lastWrite, () => this.#shut(), () => this.#shut()));
    return this.#closed;
  }

  startTls(options?: unknown): Socket {
    this.#requireOwner();
    const { expectedServerHostname } = toDictionary(options, "TlsOptions");
    if (this.#options.secureTransport !== "starttls") {
      throw new TypeError("The `secureTransport` socket option must be set to 'starttls' for startTls to be used.");
    }
    if (this.#over) throw new TypeError("startTls can only be called once, on an open socket.");
    const host = expectedServerHostname === undefined ? "" : String(expectedServerHostname);
    const upgrading = promiseThen(this.#opening, async (end) => {
      await this.#lastWrite;
      this.#detach();
      const secure = await end.startTls(host);
      this.#upgraded = true;
      return secure;
    });
    return createSocket(upgrading, { ...this.#options, secureTransport: "on" });
  }

  // One piece is read ahead, so that the end is heard of without anybody asking.
  #readAhead(end: SocketEnd): void {
    this.#next = end.read(READ_BYTES);
    promiseThen(
      this.#next,
      (chunk) => {
        if (chunk === null) this.#ended();
      },
      (error) => this.#broken(error),
    );
  }

  async #pull(): Promise<void> {
    let chunk: Uint8Array | null;
    try {
      await this.#opened;
      chunk = await this.#next;
    } catch {
      return; // the streams have been told
    }
    if (this.#readOver || chunk === null) return;
    this.#reading.enqueue(chunk as Uint8Array<ArrayBuffer>);
    if (!this.#over) this.#readAhead(this.#end!);
  }

  // The other side has ended, and all it sent was read.
  #ended(): void {
    if (this.#over) return;
    if (!this.#readOver) this.#endReadable();
    if (!this.#options.allowHalfOpen && !this.#writeOver) {
      ignoreRejection(this.#closeWrite());
      this.#writing.error(writableClosed());
    }
    this.#finishIfOver();
  }

  #broken(error: unknown): void {
    if (this.#over) return;
    if (!this.#readOver) {
      this.#readOver = true;
      this.#reading.error(error);
    }
    this.#finish();
  }

  #endReadable(): void {
    this.#readOver = true;
    this.#reading.close();
    this.#reading.byobRequest?.respond(0);
  }

  async #write(chunk: unknown): Promise<void> {
    const bytes = typeof chunk === "string" ? ops.utf8Encode(chunk) : isBufferSource(chunk) ? bytesOf(chunk) : null;
    if (bytes === null) {
      throw new TypeError(
        "This socket is a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.",
      );
    }
    const end = await this.#opening;
    await end.write(bytes);
  }

  async #closeWrite(): Promise<void> {
    if (this.#writeOver) return;
    this.#writeOver = true;
    if (this.#end !== null && !this.#over) await this.#end.closeWrite();
    this.#finishIfOver();
  }

  #finishIfOver(): void {
    if (this.#readOver && this.#writeOver) this.#finish();
  }

  // The connection could not be made.
  #failed(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#disown();
    this.#rejectClosed(error);
    if (!this.#readOver) this.#endReadable();
    this.#writing.error(error);
  }

  #finish(): void {
    if (this.#over) return;
    this.#drop();
    this.#resolveClosed();
  }

  #shut(): void {
    if (this.#over) return;
    if (!this.#writeOver) this.#writing.error(writableClosed());
    if (!this.#readOver) {
      this.#readOver = true;
      this.#reading.error(new TypeError("This socket has been closed."));
    }
    const ending = this.#end === null || this.#writeOver ? Promise.resolve() : this.#end.closeWrite();
    this.#writeOver = true;
    promiseThen(
      ending,
      () => this.#finish(),
      () => this.#finish(),
    );
  }

  // The connection goes on in another Socket.
  #detach(): void {
    this.#over = true;
    this.#disown();
    if (!this.#readOver) this.#endReadable();
    this.#writing.error(writableClosed());
    this.#resolveClosed();
  }

  #drop(): void {
    this.#over = true;
    this.#disown();
    this.#end?.drop();
  }
}

class ByteLengths {
  readonly highWaterMark: number;
  constructor(highWaterMark: number) {
    this.highWaterMark = Math.max(1, highWaterMark);
  }
  size(chunk: unknown): number {
    return isBufferSource(chunk) ? chunk.byteLength : 1;
  }
}

function writableClosed(): TypeError {
  return new TypeError("This WritableStream has been closed.");
}

export function createSocket(opening: Promise<SocketEnd>, options: SocketOptions): Socket {
  return new Socket(INTERNAL, opening, options);
}

defineInterface(Socket, "Socket");
setInspector(Socket, "Socket", (socket) => ({
  fields: { secureTransport: socket.secureTransport, upgraded: socket.upgraded },
}));
