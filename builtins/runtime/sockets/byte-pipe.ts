// Bytes between two hands in one process, one piece at a time: a write settles when its bytes have been read.

export class BytePipe {
  #chunk: Uint8Array | null = null;
  #written: (() => void) | null = null;
  #refused: ((error: Error) => void) | null = null;
  #wakeReader: (() => void) | null = null;
  #over: "no" | "ended" | "cut" = "no";

  /** At most `maxBytes`, at least one; null at the end. */
  async read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
    while (this.#chunk === null) {
      if (this.#over !== "no") return null;
      await new Promise<void>((wake) => (this.#wakeReader = wake));
    }
    const chunk = this.#chunk;
    const taken = chunk.slice(0, maxBytes);
    if (chunk.byteLength > maxBytes) {
      this.#chunk = chunk.subarray(maxBytes);
    } else {
      this.#chunk = null;
      this.#written?.();
    }
    return taken;
  }

  /** Rejects if the pipe is cut before all has been read. One write at a time. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#over !== "no") return Promise.reject(connectionLost());
    if (bytes.byteLength === 0) return Promise.resolve();
    return new Promise((written, refused) => {
      this.#chunk = bytes;
      this.#written = written;
      this.#refused = refused;
      this.#wake();
    });
  }

  /** No more will be written. */
  end(): void {
    if (this.#over === "no") this.#over = "ended";
    this.#wake();
  }

  /** No more will be read, or written: a write under way fails, the reader finds the end. */
  cut(): void {
    this.#over = "cut";
    if (this.#chunk !== null) this.#refused?.(connectionLost());
    this.#chunk = null;
    this.#wake();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = null;
  }
}

/** What reading and writing fail with when the other side is gone. */
export function connectionLost(): Error {
  return Object.assign(new Error("Network connection lost."), { retryable: true });
}
