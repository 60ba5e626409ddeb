import { readFileSync } from "node:fs";

/** In /proc/stat, of all CPUs together: user, nice, system, idle, iowait, irq, softirq, steal. */
const STEAL = 7;
const FIELDS = 8;
const LOOK_MS = 1_000;

interface Look {
  /** Of `Date.now()`. */
  readonly at: number;
  readonly stolen: number;
  readonly all: number;
}

/** What the host of a virtual machine gives to others while this one wants it, second by second. */
export class StolenTime {
  readonly #looks: Look[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /**
   * In %, of the second that begins at `at`, of `Date.now()`, as exactly as it was looked; 0 where
   * nothing tells.
   */
  percent(at: number): number {
    const after = this.#looks.findIndex((look) => look.at >= at + LOOK_MS / 2);
    const [from, to] = [this.#looks[after - 1], this.#looks[after]];
    if (from === undefined || to === undefined || to.all === from.all) return 0;
    return (100 * (to.stolen - from.stolen)) / (to.all - from.all);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const counts = readCounts();
    const all = counts.reduce((sum, count) => sum + count, 0);
    this.#looks.push({ at: Date.now(), stolen: counts[STEAL] ?? 0, all });
  }
}

function readCounts(): number[] {
  try {
    const [first = ""] = readFileSync("/proc/stat", "latin1").split("\n");
    return first
      .trim()
      .split(/\s+/)
      .slice(1, 1 + FIELDS)
      .map(Number);
  } catch {
    return [];
  }
}
