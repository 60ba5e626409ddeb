import type { Clock, NodeId, Random } from "@synod/core";
import { draw, drawFraction } from "./addressed.ts";
import type { Scheduler } from "./scheduler.ts";

/** How one node's clock differs from the world's. */
export interface ClockFaults {
  /** Node ms per world ms; 1.02 runs 2 % fast. */
  readonly rate: number;
  /**
   * What the clock shows when the world begins, ms: monotonic clocks of two machines share nothing.
   */
  readonly offsetMs: number;
  /** Timers fire up to this much late, ms. */
  readonly lateMs: number;
}

/** What has happened to the clock of one node, ms: shared by all its incarnations. */
export interface ClockShift {
  ms: number;
}

/** Time between the outside's events and a deferred callback, ms: batches gather in it. */
const DEFER_MS = 0.02;

/** A clock of `node` for one incarnation; its timers die with the fence in front of it. */
export function virtualClock(
  scheduler: Scheduler,
  options: {
    readonly seed: number;
    readonly node: NodeId;
    readonly incarnation: number;
    readonly faults: ClockFaults;
    /** Leaps and standstills; absent: none. */
    readonly shift?: ClockShift;
  },
): Clock {
  const { seed, node, incarnation, faults, shift = { ms: 0 } } = options;
  let timers = 0;
  return {
    now: () => faults.offsetMs + scheduler.now * faults.rate + shift.ms,
    setTimer: (ms, callback) => {
      timers += 1;
      const late = faults.lateMs * drawFraction(seed, "timer", node, incarnation, timers);
      return scheduler.after(ms / faults.rate + late, node, "timer", callback);
    },
    clearTimer: (handle) => scheduler.cancel(handle),
    defer: (callback) => {
      scheduler.after(DEFER_MS, node, "defer", callback);
    },
  };
}

/** The n-th number of an incarnation is always the same one. */
export function virtualRandom(seed: number, node: NodeId, incarnation: number): Random {
  let drawn = 0;
  return {
    next: () => {
      drawn += 1;
      return draw(seed, "random-port", node, incarnation, drawn);
    },
  };
}
