import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";

/** One open file. */
export interface OpenFile {
  readonly fd: number;
  /**
   * Bytes written since the last successful sync: a file that has any is never closed to save
   * descriptors.
   */
  unsynced: number;
  /** A sync failed: what is on the disk is unknown, and asking again would only hide it. */
  syncFailed: boolean;
  /** A task is using the descriptor. */
  inUse: boolean;
}

/**
 * Descriptors kept at most while clean: the rest of the limit of the process is for connections.
 */
const OPEN_FILES_MAX = 64;

/** The open files of one directory, kept from one operation to the next. */
export class OpenFiles {
  readonly #directory: string;
  /** In order of last use. */
  readonly #files = new Map<string, OpenFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Bytes written to these files since each one's last successful sync. */
  get unsyncedBytes(): number {
    let bytes = 0;
    for (const { unsynced } of this.#files.values()) bytes += unsynced;
    return bytes;
  }

  /** Opens when needed; throws what the operating system says. */
  open(name: string): OpenFile {
    const known = this.#files.get(name);
    if (known === undefined) return this.#add(name, constants.O_RDWR);
    this.#files.delete(name);
    this.#files.set(name, known);
    return known;
  }

  /** Creates; throws `EEXIST` when the file is there. */
  create(name: string): OpenFile {
    return this.#add(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL);
  }

  /** Before a file of this name is removed or replaced. */
  forget(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    this.#files.delete(name);
    closeSync(file.fd);
  }

  renamed(from: string, to: string): void {
    this.forget(to);
    const file = this.#files.get(from);
    if (file === undefined) return;
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  closeAll(): void {
    for (const file of this.#files.values()) closeSync(file.fd);
    this.#files.clear();
  }

  #add(name: string, flags: number): OpenFile {
    this.#shrink();
    const fd = openSync(join(this.#directory, name), flags, 0o600);
    const file: OpenFile = { fd, unsynced: 0, syncFailed: false, inUse: false };
    this.#files.set(name, file);
    return file;
  }

  #shrink(): void {
    for (const [name, file] of this.#files) {
      if (this.#files.size < OPEN_FILES_MAX) return;
      if (file.unsynced > 0 || file.syncFailed || file.inUse) continue;
      this.#files.delete(name);
      closeSync(file.fd);
    }
  }
}
