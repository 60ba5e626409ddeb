/**
 * The names of sessions that expired, oldest first, so that their clients get a definite answer.
 * Bounded: beyond `namesMax` the oldest is forgotten. The list only grows at its end and is
 * replaced, never changed, when it gets rid of its front, so that a frozen reader costs nothing.
 */
export class ExpiredNames {
  readonly #namesMax: number;
  readonly #known: Set<string>;
  #names: string[];
  #head = 0;

  constructor(namesMax: number, names: string[] = []) {
    this.#namesMax = namesMax;
    this.#names = names;
    this.#known = new Set(names);
  }

  get size(): number {
    return this.#names.length - this.#head;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  add(name: string): void {
    if (this.#namesMax === 0 || this.#known.has(name)) return;
    while (this.size >= this.#namesMax) {
      this.#known.delete(this.#names[this.#head] as string);
      this.#head += 1;
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#names.length) {
      this.#names = this.#names.slice(this.#head);
      this.#head = 0;
    }
    this.#names.push(name);
    this.#known.add(name);
  }

  /** The names as of now, oldest first, whatever is added later. O(1). */
  freeze(): FrozenNames {
    return { names: this.#names, from: this.#head, to: this.#names.length };
  }
}

/** `names[from]` to before `names[to]`. */
export interface FrozenNames {
  readonly names: readonly string[];
  readonly from: number;
  readonly to: number;
}
