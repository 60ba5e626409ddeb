import type { Random } from "@synod/core";

/**
 * Growing pauses between attempts, spread so that nodes that failed together do not try together.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: Random;
  #ms: number;

  constructor(minMs: number, maxMs: number, random: Random) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#ms = minMs;
  }

  /** The next pause: between half and all of a span that doubles from attempt to attempt. */
  next(): number {
    const span = this.#ms;
    this.#ms = Math.min(this.#maxMs, span * 2);
    return span / 2 + (span / 2) * (this.#random.next() / 0x1_0000_0000);
  }

  reset(): void {
    this.#ms = this.#minMs;
  }
}
