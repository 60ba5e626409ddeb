import { fdatasync, openSync, writeSync } from "node:fs";

/** Written over and over: no measurement is longer than a disk is large. */
const LOG_BYTES = 64 * 1_048_576;

/** A preallocated file to which batches are written and synced, one at a time. */
export class BareLog {
  readonly #fd: number;
  #at = 0;

  constructor(file: string) {
    this.#fd = openSync(file, "w+");
    writeSync(this.#fd, Buffer.alloc(LOG_BYTES), 0, LOG_BYTES, 0);
  }

  append(bytes: Uint8Array, done: () => void): void {
    if (this.#at + bytes.length > LOG_BYTES) this.#at = 0;
    writeSync(this.#fd, bytes, 0, bytes.length, this.#at);
    this.#at += bytes.length;
    fdatasync(this.#fd, (error) => {
      if (error !== null) throw error;
      done();
    });
  }
}
