import { fdatasync, fdatasyncSync, write, writeSync } from "node:fs";
import { errorName } from "./port-error.ts";

/** The system calls that fail in ways worth a test, which hands in ones that do. */
export interface FileCalls {
  readonly writeSync: (
    fd: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    at: number,
  ) => number;
  readonly write: (
    fd: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    at: number,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ) => void;
  readonly fdatasyncSync: (fd: number) => void;
  readonly fdatasync: (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => void;
}

export const FILE_CALLS: FileCalls = { writeSync, write, fdatasyncSync, fdatasync };

/**
 * Writes all of `bytes` at `at`: the kernel may take less, or be interrupted, and is asked again.
 */
export function writeAllSync(calls: FileCalls, fd: number, bytes: Uint8Array, at: number): void {
  let from = 0;
  while (from < bytes.length) {
    try {
      const written = calls.writeSync(fd, bytes, from, bytes.length - from, at + from);
      if (written <= 0) throw new Error("the file took no bytes");
      from += written;
    } catch (error) {
      if (!isInterruption(error)) throw error;
    }
  }
}

/** {@link writeAllSync} on the thread pool, for what would hold up the event loop. */
export function writeAll(
  calls: FileCalls,
  fd: number,
  bytes: Uint8Array,
  at: number,
  done: (error: Error | null) => void,
): void {
  const go = (from: number): void => {
    calls.write(fd, bytes, from, bytes.length - from, at + from, (error, written) => {
      if (error !== null && !isInterruption(error)) return done(error);
      const taken = error === null ? written : 0;
      if (error === null && taken <= 0) return done(new Error("the file took no bytes"));
      if (from + taken >= bytes.length) return done(null);
      go(from + taken);
    });
  };
  go(0);
}

function isInterruption(error: unknown): boolean {
  const name = errorName(error);
  return name === "EINTR" || name === "EAGAIN";
}
