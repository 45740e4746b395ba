// Byte connections between workers: what connect() does on this side, and how a connect() handler is served.

import { ops, type Cap, type Disconnect, type Settled, type WireConnection } from "../internal/ops.ts";
import { currentInvocation, type Invocation } from "../internal/invocation.ts";
import { readAddress } from "../runtime/sockets/address.ts";
import { BytePipe, connectionLost } from "../runtime/sockets/byte-pipe.ts";
import { createSocket, readSocketOptions, type Socket, type SocketEnd, type SocketInfo } from "../runtime/sockets/socket.ts";
import { systemError } from "./errors.ts";
import type { Endpoint, Session } from "./session.ts";

/** The supervisor takes no message much longer. */
const WRITE_BYTES = 256 * 1024;
const REFUSED = "proxy request failed, cannot connect to the specified address";

/** A connection to `address` through `endpoint`, which is asked for when the arguments have been checked. */
export function connectThrough(endpoint: () => Endpoint, address: unknown, options?: unknown): Socket {
  const target = readAddress(address);
  const given = readSocketOptions(options);
  const session = endpoint().open();
  return createSocket(openRemote(session, target, given.secureTransport), given);
}

async function openRemote(session: Session, address: string, secureTransport: "off" | "on" | "starttls"): Promise<SocketEnd> {
  const invocation = currentInvocation();
  invocation?.countSubrequest();
  session.begins(() => ({}));
  const leave = session.use();
  const asleep = invocation?.mayWake();
  try {
    let answer: WireConnection | { failed: Settled };
    try {
      answer = await ops.capConnect(session.cap, address, secureTransport);
    } catch (error) {
      const reason = (await session.explain(error as Disconnect)) as { message?: unknown };
      throw systemError(`${REFUSED}: ${String(reason.message)}`);
    }
    return new RemoteEnd(opened(answer), leave);
  } catch (error) {
    leave();
    throw error;
  } finally {
    asleep?.();
  }
}

// What the other program threw is its own affair; what the system says helps to find the cause.
function opened(answer: WireConnection | { failed: Settled }): WireConnection {
  if (!("failed" in answer)) return answer;
  const { failure } = answer.failed;
  const why = failure?.system ? failure : null;
  throw systemError(why === null ? REFUSED : `${REFUSED}: ${why.message}`, why?.code || undefined);
}

/** A connection whose other end is a capability. */
class RemoteEnd implements SocketEnd {
  readonly info: SocketInfo;
  readonly #source: Cap;
  readonly #sink: Cap;
  readonly #tls: Cap | null;
  readonly #leave: () => void;
  #readOver = false;
  #dropped = false;

  constructor(connection: WireConnection, leave: () => void) {
    this.info = { remoteAddress: connection.remoteAddress };
    this.#source = connection.source;
    this.#sink = connection.sink;
    this.#tls = connection.tls ?? null;
    this.#leave = leave;
  }

  async read(maxBytes: number): Promise<Uint8Array | null> {
    if (this.#readOver) return null;
    const { bytes, done, failure } = await answered(ops.capRead(this.#source, maxBytes));
    this.#readOver = done || failure !== null;
    if (failure !== null) throw connectionLost();
    return bytes.byteLength === 0 ? null : bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += WRITE_BYTES) {
      done(await answered(ops.capWrite(this.#sink, bytes.subarray(at, at + WRITE_BYTES))));
    }
  }

  async closeWrite(): Promise<void> {
    done(await answered(ops.capClose(this.#sink)));
  }

  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    for (const cap of [this.#source, this.#sink, this.#tls]) if (cap !== null) ops.capDrop(cap);
    this.#leave();
  }

  async startTls(host: string): Promise<SocketEnd> {
    if (this.#tls === null) throw new Error("startTls() is not supported on this connection.");
    const secure = opened(await answered(ops.capStartTls(this.#tls, host)));
    // The session stays in use: by the new end.
    return new RemoteEnd(secure, () => this.drop());
  }
}

/** `answer`, which may wake the invocation that waits for it. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  const asleep = currentInvocation()?.mayWake();
  try {
    return await answer;
  } catch {
    throw connectionLost();
  } finally {
    asleep?.();
  }
}

function done(failed: Settled | null): void {
  if (failed !== null) throw connectionLost();
}

// Serving ---------------------------------------------------------------------------------------------

/**
 * Runs a connect() handler within `invocation`. The connection lasts as long as the handler; `over` gets what it throws,
 * or undefined, when that is over.
 */
export function serveConnection(
  invocation: Invocation,
  address: string,
  handle: (socket: Socket) => unknown,
  over: (thrown?: unknown) => void,
): WireConnection {
  const up = new BytePipe(); // from the client
  const down = new BytePipe();
  // The client may read or write at any time.
  const asleep = invocation.mayWake();
  const cut = () => {
    up.cut();
    down.cut();
  };
  const disown = invocation.own(cut);
  let sides = 2;
  const sideGone = () => {
    if (--sides === 0) {
      asleep();
      cut();
    }
  };
  const source = ops.exportSource({
    read: (maxBytes) => down.read(maxBytes),
    cancel() {
      down.cut();
      sideGone();
    },
  });
  let ended = false;
  const sink = ops.exportSink({
    async write(bytes) {
      await up.write(bytes);
      return undefined;
    },
    async close() {
      ended = true;
      up.end();
      sideGone();
      return undefined;
    },
    abort() {
      if (ended) return;
      ended = true;
      up.end();
      sideGone();
    },
  });
  const end: SocketEnd = {
    info: { localAddress: address },
    read: (maxBytes) => up.read(maxBytes),
    write: (bytes) => down.write(bytes),
    async closeWrite() {
      down.end();
    },
    drop: cut,
    startTls: () => Promise.reject(new Error("startTls() is not supported on this connection.")),
  };
  const options = { secureTransport: "off", allowHalfOpen: true, highWaterMark: 0 } as const;
  const handled = invocation.run(async () => handle(createSocket(Promise.resolve(end), options)));
  invocation.owe(handled).then(
    () => over(),
    (error: unknown) => over(error),
  ).finally(() => {
    disown();
    asleep();
    cut();
  });
  return { source, sink, remoteAddress: address, tls: null };
}
