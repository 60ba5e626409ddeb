/** Four lanes of 32 bits each. */
export type Fingerprint = Int32Array;

const LANES = 4;
/** Slots looked at before the table grows, or, when it may not, an old entry is given up. */
const PROBES_MAX = 32;

/**
 * A set of 128-bit fingerprints in one open-addressing typed array: 16 bytes an entry, no limit but
 * the given one. A full set forgets: that costs the search time, never a verdict, because a
 * forgotten configuration is only explored again.
 */
export class VisitedSet {
  readonly #entriesMax: number;
  #slots: Int32Array;
  #mask: number;
  #size = 0;

  /** Both are rounded up to powers of two. */
  constructor(entriesMax: number, entriesAtFirst = 1024) {
    this.#entriesMax = powerOfTwo(entriesMax);
    const capacity = Math.min(powerOfTwo(entriesAtFirst), this.#entriesMax) * 2;
    this.#slots = new Int32Array(capacity * LANES);
    this.#mask = capacity - 1;
  }

  /** Entries held now. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  /** True when it was not there. */
  add(print: Fingerprint): boolean {
    // An empty slot has a zero first lane.
    const first = (print[0] as number) || 1;
    const second = print[1] as number;
    const third = print[2] as number;
    const fourth = print[3] as number;
    const slots = this.#slots;
    let at = this.#home(first, second);
    for (let probe = 0; probe < PROBES_MAX; probe += 1) {
      if (slots[at] === 0) {
        this.#size += 1;
        write(slots, at, first, second, third, fourth);
        if (this.#size * 2 > this.#mask) this.#grow();
        return true;
      }
      if (
        slots[at] === first &&
        slots[at + 1] === second &&
        slots[at + 2] === third &&
        slots[at + 3] === fourth
      )
        return false;
      at = (at + LANES) & (slots.length - 1);
    }
    if (this.#grow()) return this.add(print);
    // At random, but where it will be looked for.
    const probe = third & (PROBES_MAX - 1);
    const victim = (this.#home(first, second) + probe * LANES) & (slots.length - 1);
    write(slots, victim, first, second, third, fourth);
    return true;
  }

  #home(one: number, other: number): number {
    return ((one ^ (other >>> 7)) & this.#mask) * LANES;
  }

  /** Twice the slots; false when the limit is reached. */
  #grow(): boolean {
    if (this.#mask + 1 >= this.#entriesMax * 2) return false;
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    this.#size = 0;
    const print = new Int32Array(LANES);
    for (let at = 0; at < old.length; at += LANES) {
      if (old[at] === 0) continue;
      print.set(old.subarray(at, at + LANES));
      this.add(print);
    }
    return true;
  }
}

function write(slots: Int32Array, at: number, a: number, b: number, c: number, d: number): void {
  slots[at] = a;
  slots[at + 1] = b;
  slots[at + 2] = c;
  slots[at + 3] = d;
}

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}
