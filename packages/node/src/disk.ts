import {
  close,
  closeSync,
  fstatSync,
  fsync,
  fsyncSync,
  mkdirSync,
  open,
  openSync,
  read,
  readdir,
  rename,
  unlink,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Disk, type Done, invariant, type PortError } from "@synod/core";
import { LOCK_NAME, lockFile } from "./directory-lock.ts";
import { FileOrder, type Finish } from "./file-order.ts";
import { type OpenFile, OpenFiles } from "./open-files.ts";
import { portError } from "./port-error.ts";
import { SyncPlace } from "./sync-place.ts";
import { FILE_CALLS, type FileCalls, writeAll, writeAllSync } from "./write-all.ts";

export interface DiskOptions {
  /** The data directory; made with mode 0700 when it is missing. */
  readonly directory: string;
  /**
   * Where fdatasync runs. `pool`: on the thread pool, so that a slow disk never holds up heartbeats
   * and reads. `inline`: in the event loop, which saves the way there and back. `adaptive`
   * (default): inline while the disk shows that it syncs in well under a millisecond.
   */
  readonly flush?: FlushMode;
  /** For tests of short writes, interrupted calls and failed syncs. */
  readonly calls?: FileCalls;
  /** For tests of a machine without `flock`. */
  readonly flockProgram?: string;
}

export type FlushMode = "pool" | "inline" | "adaptive";

/**
 * Up to here a write is a copy into the page cache that is cheaper than a trip to the thread pool.
 */
const INLINE_WRITE_BYTES_MAX = 256 * 1024;

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/;

const CLOSED: PortError = { code: "closed", message: "the data directory has been closed" };

/**
 * The files of one data directory. Everything but `lock` must come after `lock`, and before
 * `unlock`.
 */
export function createDisk(options: DiskOptions): Disk {
  return new DirectoryDisk(options);
}

class DirectoryDisk implements Disk {
  readonly #directory: string;
  readonly #flush: FlushMode;
  readonly #calls: FileCalls;
  readonly #flockProgram: string;
  readonly #files: OpenFiles;
  readonly #order = new FileOrder();
  readonly #place = new SyncPlace();
  #release: (() => void) | null = null;

  constructor(options: DiskOptions) {
    this.#directory = resolve(options.directory);
    this.#flush = options.flush ?? "adaptive";
    this.#calls = options.calls ?? FILE_CALLS;
    this.#flockProgram = options.flockProgram ?? "flock";
    this.#files = new OpenFiles(this.#directory);
  }

  lock(done: Done): void {
    process.nextTick(() => done(this.#lock()));
  }

  unlock(done: Done): void {
    const release = this.#release;
    this.#release = null;
    this.#order.whenIdle(() => {
      this.#files.closeAll();
      release?.();
      process.nextTick(done, release === null ? CLOSED : null);
    });
  }

  list(done: (error: PortError | null, names: readonly string[]) => void): void {
    this.#run([], done, (finish) => {
      readdir(this.#directory, { withFileTypes: true }, (error, entries) => {
        finish();
        if (error !== null) return done(portError(error, "cannot list the data directory"), []);
        const files = entries.filter((entry) => entry.isFile() && entry.name !== LOCK_NAME);
        done(null, files.map((entry) => entry.name).sort());
      });
    });
  }

  create(name: string, done: Done): void {
    this.#inline(name, "create", done, () => void this.#files.create(name));
  }

  size(name: string, done: (error: PortError | null, bytes: number) => void): void {
    let bytes = 0;
    this.#inline(
      name,
      "measure",
      (error) => done(error, bytes),
      () => {
        bytes = fstatSync(this.#files.open(name).fd).size;
      },
    );
  }

  read(
    name: string,
    offset: number,
    length: number,
    done: (error: PortError | null, bytes: Uint8Array) => void,
  ): void {
    this.#withFile(
      name,
      "read",
      (error) => done(error, new Uint8Array(0)),
      (file, finish, fail) => {
        const left = Math.max(0, fstatSync(file.fd).size - offset);
        const bytes = new Uint8Array(Math.min(length, left));
        const go = (from: number): void => {
          if (from === bytes.length) {
            finish();
            done(null, bytes);
            return;
          }
          read(file.fd, bytes, from, bytes.length - from, offset + from, (error, count) => {
            if (error !== null) return fail(error);
            if (count > 0) return go(from + count);
            finish();
            done(null, bytes.slice(0, from));
          });
        };
        if (bytes.length > 0) return go(0);
        process.nextTick(done, null, bytes);
        finish();
      },
    );
  }

  write(name: string, offset: number, bytes: Uint8Array, done: Done): void {
    this.#withFile(name, "write", done, (file, finish, fail) => {
      file.unsynced += bytes.length;
      if (bytes.length <= INLINE_WRITE_BYTES_MAX) {
        writeAllSync(this.#calls, file.fd, bytes, offset);
        process.nextTick(done, null);
        finish();
        return;
      }
      writeAll(this.#calls, file.fd, bytes, offset, (error) => {
        if (error !== null) return fail(error);
        finish();
        done(null);
      });
    });
  }

  sync(name: string, done: Done): void {
    this.#withFile(name, "sync", done, (file, finish, fail) => {
      if (file.syncFailed) throw new Error("an earlier sync of this file failed");
      const { unsynced } = file;
      const startedMs = performance.now();
      const settle = (error: Error | null): void => {
        file.syncFailed = error !== null;
        if (error === null) {
          file.unsynced -= unsynced;
          finish();
          done(null);
        } else fail(error);
      };
      const ended = (error: Error | null): void => {
        const nowMs = performance.now();
        this.#place.took(nowMs - startedMs, nowMs);
        settle(error);
      };
      if (this.#isInline(startedMs)) process.nextTick(ended, syncInline(this.#calls, file.fd));
      else this.#calls.fdatasync(file.fd, ended);
    });
  }

  #isInline(nowMs: number): boolean {
    if (this.#flush !== "adaptive") return this.#flush === "inline";
    return this.#place.isInline(nowMs, this.#files.unsyncedBytes);
  }

  rename(from: string, to: string, done: Done): void {
    this.#check(from, to);
    this.#run([from, to], done, (finish) => {
      rename(join(this.#directory, from), join(this.#directory, to), (error) => {
        if (error === null) this.#files.renamed(from, to);
        finish();
        done(error === null ? null : portError(error, `cannot rename ${from} to ${to}`));
      });
    });
  }

  remove(name: string, done: Done): void {
    this.#check(name);
    this.#run([name], done, (finish) => {
      unlink(join(this.#directory, name), (error) => {
        if (error === null) this.#files.forget(name);
        finish();
        done(error === null ? null : portError(error, `cannot remove ${name}`));
      });
    });
  }

  syncDirectory(done: Done): void {
    this.#run([], done, (finish) => {
      syncPath(this.#directory, (error) => {
        finish();
        done(error === null ? null : portError(error, "cannot sync the data directory"));
      });
    });
  }

  #lock(): PortError | null {
    if (this.#release !== null) return { code: "locked", message: "this disk is already open" };
    try {
      makeDirectory(this.#directory);
    } catch (error) {
      return portError(error, `cannot make the data directory ${this.#directory}`);
    }
    const result = lockFile(join(this.#directory, LOCK_NAME), this.#flockProgram);
    if (result.kind === "failed") return result.error;
    this.#release = result.release;
    return null;
  }

  /** Runs `task` in order with others on the same files; closed disks answer so. */
  #run(
    names: readonly string[],
    done: (error: PortError, nothing: never) => void,
    task: (finish: Finish) => void,
  ): void {
    if (this.#release === null) process.nextTick(done, CLOSED, []);
    else this.#order.schedule(names, task);
  }

  /** An operation that is over when `task` returns. */
  #inline(name: string, verb: string, done: Done, task: () => void): void {
    this.#check(name);
    this.#run([name], done, (finish) => {
      let problem: PortError | null = null;
      try {
        task();
      } catch (error) {
        problem = portError(error, `cannot ${verb} ${name}`);
      }
      // Before others on the file run, which may be over as soon as they begin.
      process.nextTick(done, problem);
      finish();
    });
  }

  /** An operation on an open file; `task` calls one of `finish` and `fail`, or throws. */
  #withFile(
    name: string,
    verb: string,
    done: Done,
    task: (file: OpenFile, finish: Finish, fail: (error: Error) => void) => void,
  ): void {
    this.#check(name);
    this.#run([name], done, (finish) => {
      let file: OpenFile | null = null;
      const end = (): void => {
        if (file !== null) file.inUse = false;
        finish();
      };
      try {
        file = this.#files.open(name);
        file.inUse = true;
        task(file, end, (error) => {
          end();
          done(portError(error, `cannot ${verb} ${name}`));
        });
      } catch (error) {
        process.nextTick(done, portError(error, `cannot ${verb} ${name}`));
        end();
      }
    });
  }

  #check(...names: string[]): void {
    for (const name of names)
      invariant(NAME.test(name) && name !== LOCK_NAME, `not the name of a data file: ${name}`);
  }
}

function syncInline(calls: FileCalls, fd: number): Error | null {
  try {
    calls.fdatasyncSync(fd);
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function syncPath(path: string, done: (error: Error | null) => void): void {
  open(path, "r", (failure, fd) => {
    if (failure !== null) return done(failure);
    fsync(fd, (error) => close(fd, () => done(error)));
  });
}

/** Makes the directory and what is missing above it, durably: each new entry's parent is synced. */
function makeDirectory(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    const fd = openSync(dirname(made), "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}
