import type { ProbeKind, SeedReport } from "@synod/simulator";

/** From so many seeds on, a probe that belongs into one life in a hundred must have been hit. */
export const SEEDS_FOR_PROBES = 300;

/** How often a situation occurred: in how many seeds, and how many times altogether. */
export interface ProbeCount {
  readonly seeds: number;
  readonly times: number;
}

/** How often each situation occurred in the seeds of a sweep. */
export class ProbeTotals {
  readonly #probes: readonly ProbeKind[];
  readonly #counts = new Map<string, { seeds: number; times: number }>();
  #total = 0;

  /** `probes` are those that the lives of the system should reach. */
  constructor(probes: readonly ProbeKind[]) {
    this.#probes = probes;
  }

  add(report: SeedReport): void {
    this.#total += 1;
    for (const [name, times] of Object.entries(report.probes)) {
      const count = this.#counts.get(name) ?? { seeds: 0, times: 0 };
      count.seeds += 1;
      count.times += times;
      this.#counts.set(name, count);
    }
  }

  /** Probes that no seed has hit, though one in a hundred should. */
  get missing(): readonly string[] {
    const expected = this.#probes.filter(({ expected }) => expected === "often");
    return expected.map(({ name }) => name).filter((name) => !this.#counts.has(name));
  }

  /** Whether the sweep was long enough for {@link missing} to be held against it. */
  get counts(): boolean {
    return this.#total >= SEEDS_FOR_PROBES;
  }

  /** All that are known, then all others that occurred, by name. */
  get all(): Readonly<Record<string, ProbeCount>> {
    const names = this.#probes.map(({ name }) => name);
    const others = [...this.#counts.keys()].filter((name) => !names.includes(name)).sort();
    const none: ProbeCount = { seeds: 0, times: 0 };
    return Object.fromEntries(
      [...names, ...others].map((name) => [name, this.#counts.get(name) ?? none]),
    );
  }

  /** One line, and one for each probe that was not hit. */
  summary(): string {
    const hit = this.#probes.filter(({ name }) => this.#counts.has(name)).length;
    const lines = [`${hit} of ${this.#probes.length} probes were hit`];
    if (this.missing.length > 0) lines.push(`never hit: ${this.missing.join("; ")}`);
    return lines.join("\n");
  }

  /** All probes with the number of seeds that hit them. */
  table(): string {
    return Object.entries(this.all)
      .map(([name, { seeds }]) => `${String(seeds).padStart(6)}  ${name}`)
      .join("\n");
  }
}
