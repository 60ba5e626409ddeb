const TICK_MS = 5;

/**
 * Lets requests go at so many per second, whether those before have been answered or not, as wrk2
 * does (Tene, "How not to measure latency"): one that finds all connections waiting goes late, and
 * its time counts from when it was due.
 */
export class Rate {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** Connections with nothing to do; those that wait longest first. */
  #idle: ((dueAt: number) => void)[] = [];
  #nextAt: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#intervalMs = 1_000 / perSecond;
    this.#now = now;
    this.#nextAt = now();
  }

  /** Calls `send` with the time at which a request is due, once that has come. */
  whenDue(send: (dueAt: number) => void): void {
    this.#idle.push(send);
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  /** Lets go what is due by now, as far as there are connections. */
  tick(): void {
    const now = this.#now();
    const due = Math.floor((now - this.#nextAt) / this.#intervalMs) + 1;
    for (const send of this.#idle.splice(0, Math.max(0, due))) {
      const dueAt = this.#nextAt;
      this.#nextAt += this.#intervalMs;
      send(dueAt);
    }
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#idle = [];
  }
}
