import { scramble } from "@synod/core";

/**
 * Randomness by address. A decision is a hash of the seed and of what is decided (purpose, from,
 * to, the how-manieth), never the next number of a stream: so a fault taken out of a schedule
 * leaves every other decision as it was, which is what makes shrinking work.
 */
export type Purpose =
  | "life"
  | "schedule"
  | "random-port"
  | "clock"
  | "timer"
  | "dial"
  | "refused"
  | "loss"
  | "copies"
  | "delay"
  | "replay"
  | "flip"
  | "down"
  | "disk"
  | "client"
  | "fork"
  | "life-disk"
  | "damage"
  | "core"
  | "reconfiguration";

/** Distinct odd numbers, spread by the hash; their order is part of no format. */
const SALTS: Readonly<Record<Purpose, number>> = Object.freeze({
  life: 0x1b873593,
  schedule: 0x2c9277b5,
  "random-port": 0x3d4d51cb,
  clock: 0x4cf5ad43,
  timer: 0x52dce729,
  dial: 0x68e31da5,
  refused: 0x71374491,
  loss: 0x85ebca6b,
  copies: 0x94d049bb,
  delay: 0xa54ff53b,
  replay: 0xb5c0fbcf,
  flip: 0xc2b2ae35,
  down: 0xd1310ba7,
  disk: 0xe6546b65,
  client: 0xf1bbcdcb,
  fork: 0x9e3779b1,
  "life-disk": 0x510e527f,
  reconfiguration: 0xcbbb9d5d,
  damage: 0x1f83d9ab,
  core: 0x5be0cd19,
});

/** 32 uniform bits for one decision. */
export function draw(seed: number, purpose: Purpose, a = 0, b = 0, n = 0): number {
  let hash = scramble((seed ^ SALTS[purpose]) + 0x9e3779b9);
  hash = scramble(hash ^ Math.imul(a + 1, 0x85ebca6b));
  hash = scramble(hash ^ Math.imul(b + 1, 0xc2b2ae35));
  return scramble(hash ^ Math.imul(n + 1, 0x27d4eb2f));
}

/** Uniform in [0, 1). */
export function drawFraction(seed: number, purpose: Purpose, a = 0, b = 0, n = 0): number {
  return draw(seed, purpose, a, b, n) / 0x1_0000_0000;
}

/**
 * A small source for one purpose whose n-th question is always answered alike: for drawing a whole
 * plan.
 */
export class Draws {
  readonly #seed: number;
  readonly #purpose: Purpose;
  readonly #a: number;
  readonly #b: number;
  #n = 0;

  constructor(seed: number, purpose: Purpose, a = 0, b = 0) {
    this.#seed = seed;
    this.#purpose = purpose;
    this.#a = a;
    this.#b = b;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    this.#n += 1;
    return drawFraction(this.#seed, this.#purpose, this.#a, this.#b, this.#n);
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.fraction() * choices.length)] as T;
  }

  /** `count` distinct elements, or all. */
  some<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0)
      taken.push(...left.splice(Math.floor(this.fraction() * left.length), 1));
    return taken;
  }
}

/**
 * Long-tailed, mean about 1, at most about 8, without transcendental functions (they differ between
 * engines).
 */
export function longTail(fraction: number): number {
  return (0.49 * fraction) / (1.06 - fraction);
}
