import type { Clock, Disk } from "@synod/core";

/** Wraps a callback so that whatever it throws ends the host instead of leaving it half-applied. */
export type Guard = <A extends unknown[]>(callback: (...args: A) => void) => (...args: A) => void;

/** `onThrow` gets what was thrown, in words. Once `isStopped` says so, callbacks do nothing. */
export function createGuard(isStopped: () => boolean, onThrow: (reason: string) => void): Guard {
  return (callback) =>
    (...args) => {
      if (isStopped()) return;
      try {
        callback(...args);
      } catch (error) {
        onThrow(error instanceof Error ? (error.stack ?? error.message) : `${error}`);
      }
    };
}

/** The disk with every callback behind `guard`. */
export function guardedDisk(disk: Disk, guard: Guard): Disk {
  return {
    lock: (done) => disk.lock(guard(done)),
    unlock: (done) => disk.unlock(guard(done)),
    list: (done) => disk.list(guard(done)),
    create: (name, done) => disk.create(name, guard(done)),
    size: (name, done) => disk.size(name, guard(done)),
    read: (name, offset, length, done) => disk.read(name, offset, length, guard(done)),
    write: (name, offset, bytes, done) => disk.write(name, offset, bytes, guard(done)),
    sync: (name, done) => disk.sync(name, guard(done)),
    rename: (from, to, done) => disk.rename(from, to, guard(done)),
    remove: (name, done) => disk.remove(name, guard(done)),
    syncDirectory: (done) => disk.syncDirectory(guard(done)),
  };
}

/** The clock with every callback behind `guard`. */
export function guardedClock(clock: Clock, guard: Guard): Clock {
  return {
    now: () => clock.now(),
    setTimer: (ms, callback) => clock.setTimer(ms, guard(callback)),
    clearTimer: (handle) => clock.clearTimer(handle),
    defer: (callback) => clock.defer(guard(callback)),
  };
}
