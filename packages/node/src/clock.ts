import { performance } from "node:perf_hooks";
import type { Clock } from "@synod/core";

/** The clock of a process. After `close` no timer and no deferred call fires any more. */
export interface NodeClock extends Clock {
  close(): void;
}

/** Longest pause that `setTimeout` takes; longer ones are slept in parts. */
const TIMEOUT_MS_MAX = 0x7fff_ffff;

/**
 * `performance.now`, `setTimeout` and `setImmediate`. Node's timers may fire up to a millisecond
 * before
 * `performance.now` has reached their time; these never do, since leases are counted with the same
 * clock.
 */
export function createClock(): NodeClock {
  const timers = new Map<number, NodeJS.Timeout>();
  let lastHandle = 0;
  let closed = false;

  function arm(handle: number, dueMs: number, callback: () => void): void {
    const leftMs = Math.min(TIMEOUT_MS_MAX, Math.max(1, Math.ceil(dueMs - performance.now())));
    const timer = setTimeout(() => {
      if (performance.now() < dueMs) {
        arm(handle, dueMs, callback);
        return;
      }
      timers.delete(handle);
      callback();
    }, leftMs);
    timers.set(handle, timer);
  }

  return {
    now: () => performance.now(),
    setTimer(ms, callback) {
      lastHandle += 1;
      if (!closed) arm(lastHandle, performance.now() + ms, callback);
      return lastHandle;
    },
    clearTimer(handle) {
      const timer = timers.get(handle);
      if (timer === undefined) return;
      clearTimeout(timer);
      timers.delete(handle);
    },
    defer(callback) {
      setImmediate(() => {
        if (!closed) callback();
      });
    },
    close() {
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
