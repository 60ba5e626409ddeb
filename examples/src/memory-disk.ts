import type { Disk, Done, PortError, PortErrorCode } from "@synod/core";

type File = Uint8Array;

/** Files that last as long as the process does: for tests, and for members that may forget. */
export function createMemoryDisk(): Disk {
  const files = new Map<string, File>();
  let locked = false;
  /** Calls back later, in the order of the calls, with what `work` makes of the file. */
  const withFile = <T>(
    name: string,
    done: (error: PortError | null, value: T) => void,
    work: (file: File) => T,
  ): void => {
    const file = files.get(name);
    if (file === undefined) answer(done as Done, problem("not-found", name));
    else answer(done, null, work(file));
  };
  return {
    lock(done) {
      answer(done, locked ? problem("locked", "the disk") : null);
      locked = true;
    },
    unlock(done) {
      locked = false;
      answer(done, null);
    },
    list: (done) => answer(done, null, [...files.keys()]),
    create(name, done) {
      if (files.has(name)) return answer(done, problem("exists", name));
      files.set(name, new Uint8Array(0));
      answer(done, null);
    },
    size: (name, done) => withFile(name, done, (file) => file.length),
    read: (name, from, length, done) =>
      withFile(name, done, (file) => file.slice(from, from + length)),
    write: (name, from, bytes, done) =>
      withFile(name, done, (file) => {
        const end = bytes.length === 0 ? file.length : Math.max(file.length, from + bytes.length);
        const grown = end === file.length ? file : new Uint8Array(end);
        if (grown !== file) grown.set(file);
        grown.set(bytes, from);
        files.set(name, grown);
      }),
    sync: (name, done) => withFile(name, done, () => undefined),
    rename: (from, to, done) =>
      withFile(from, done, (file) => {
        files.set(to, file);
        files.delete(from);
      }),
    remove: (name, done) => withFile(name, done, () => void files.delete(name)),
    syncDirectory: (done) => answer(done, null),
  };
}

/** Never before the call has returned. */
function answer<Values extends unknown[]>(done: (...values: Values) => void, ...values: Values) {
  setImmediate(done, ...values);
}

function problem(code: PortErrorCode, what: string): PortError {
  return { code, message: `${what}: ${code}` };
}
