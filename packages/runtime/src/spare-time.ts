import type { Clock } from "@synod/core";

/** While commands come, background work gets one part of so many of this node's time. */
const PARTS = 20;
/** While this node lacks the state: nothing can be executed before, and all that comes waits. */
const PARTS_LACKING = 4;
/** They come for so long after the last one. */
const BUSY_MS = 200;

/**
 * Time for work that can wait: snapshots that are written, sent and loaded. A slice of it holds up
 * whoever waits for an answer, here and at the members that wait for this one. So while commands
 * come it rests after each, in proportion to what that took; while none do it goes on at once. What
 * counts is time on the event loop: a slower machine, or a busier one, does less of it.
 */
export class SpareTime {
  readonly #clock: Clock;
  #parts = PARTS;
  #hears = true;
  #busyUntil = Number.NEGATIVE_INFINITY;
  #restsUntil = Number.NEGATIVE_INFINITY;
  /** Of the work that runs now; null: none does. */
  #countedUpTo: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Commands came: there may be more of them. `lacksState`: they cannot be executed here now. */
  commandsCame(lacksState: boolean): void {
    this.#parts = lacksState ? PARTS_LACKING : PARTS;
    this.#busyUntil = this.#clock.now() + BUSY_MS;
  }

  /** False: this node is not told of commands, and takes it that they come. */
  hearsOfCommands(hears: boolean): void {
    this.#hears = hears;
  }

  /** Runs `work` in a turn of its own, once there is time for it. */
  soon(work: () => void): void {
    const restMs = this.#restMs();
    if (restMs > 0) this.#clock.setTimer(restMs, this.counted(work));
    else this.#clock.defer(this.counted(work));
  }

  /** Runs `work` once there is time for it: before this returns, if that is now. */
  whenRested(work: () => void): void {
    const restMs = this.#restMs();
    if (restMs > 0) this.#clock.setTimer(restMs, this.counted(work));
    else this.counted(work)();
  }

  /** What `callback` takes is background work. */
  counted<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (this.#countedUpTo !== null) return callback(...args);
      this.#countedUpTo = this.#clock.now();
      try {
        callback(...args);
      } finally {
        this.#count();
        this.#countedUpTo = null;
      }
    };
  }

  #restMs(): number {
    this.#count();
    const now = this.#clock.now();
    const isBusy = !this.#hears || now < this.#busyUntil;
    return isBusy ? Math.max(0, this.#restsUntil - now) : 0;
  }

  /** What the work that runs has taken so far. */
  #count(): void {
    if (this.#countedUpTo === null) return;
    const now = this.#clock.now();
    const restMs = (now - this.#countedUpTo) * (this.#parts - 1);
    if (restMs > 0) this.#restsUntil = Math.max(this.#restsUntil, now) + restMs;
    this.#countedUpTo = now;
  }
}
