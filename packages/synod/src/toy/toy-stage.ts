import { nextBelow, nextFraction, type PrngState } from "@synod/core";
import { Scheduler } from "@synod/simulator";
import type { ToyEvent } from "./toy-event.ts";

const NOBODY = -1;
/** A message takes from one of these to below the other, virtual ms. */
const DELAY_MIN_MS = 1;
const DELAY_SPREAD_MS = 10;

/** An event of the story and when it happened, virtual ms since the round began. */
export interface Told {
  readonly ms: number;
  readonly event: ToyEvent;
}

/**
 * Where the actors of one round meet: virtual time, chance, and messages that come late but, on
 * their way from one actor to another, in order.
 */
export class ToyStage {
  readonly #scheduler = new Scheduler();
  readonly #random: PrngState;
  readonly #tell: (told: Told) => void;
  /** When the latest message of each link arrives. */
  readonly #arrivals = new Map<string, number>();

  constructor(random: PrngState, tell: (told: Told) => void) {
    this.#random = random;
    this.#tell = tell;
  }

  get now(): number {
    return this.#scheduler.now;
  }

  get random(): PrngState {
    return this.#random;
  }

  tell(event: ToyEvent): void {
    this.#tell({ ms: this.now, event });
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return nextFraction(this.#random) < p;
  }

  below(bound: number): number {
    return nextBelow(this.#random, bound);
  }

  after(ms: number, run: () => void): void {
    this.#scheduler.after(ms, NOBODY, "world", run);
  }

  /** `arrive` runs when the message from `from` gets to `to`. */
  send(from: string, to: string, arrive: () => void): void {
    const link = `${from} ${to}`;
    const earliest = this.#arrivals.get(link) ?? 0;
    const delay = DELAY_MIN_MS + this.below(DELAY_SPREAD_MS);
    const at = Math.max(earliest, this.now + delay);
    this.#arrivals.set(link, at);
    this.after(at - this.now, arrive);
  }

  /** Plays until nothing is left to happen, or the time is over. */
  play(deadlineMs: number): void {
    while (this.now < deadlineMs && this.#scheduler.step());
  }
}
