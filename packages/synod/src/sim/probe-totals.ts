import { COMMON_PROBES, type ProbeKind, type SeedReport } from "@synod/simulator";

/** From so many seeds on, a probe that belongs into one life in a hundred must have been hit. */
export const SEEDS_FOR_PROBES = 300;

/** In how many seeds of a sweep each situation occurred. */
export class ProbeTotals {
  readonly #probes: readonly ProbeKind[];
  readonly #seeds = new Map<string, number>();
  #total = 0;

  constructor(ofProtocol: readonly ProbeKind[]) {
    this.#probes = [...COMMON_PROBES, ...ofProtocol];
  }

  add(report: SeedReport): void {
    this.#total += 1;
    for (const name of Object.keys(report.probes))
      this.#seeds.set(name, (this.#seeds.get(name) ?? 0) + 1);
  }

  /** Probes that no seed has hit, though one in a hundred should. */
  get missing(): readonly string[] {
    const expected = this.#probes.filter(({ expected }) => expected === "often");
    return expected.map(({ name }) => name).filter((name) => !this.#seeds.has(name));
  }

  /** Whether the sweep was long enough for {@link missing} to be held against it. */
  get counts(): boolean {
    return this.#total >= SEEDS_FOR_PROBES;
  }

  /** One line, and one for each probe that was not hit. */
  summary(): string {
    const hit = this.#probes.filter(({ name }) => this.#seeds.has(name)).length;
    const lines = [`${hit} of ${this.#probes.length} probes were hit`];
    if (this.missing.length > 0) lines.push(`never hit: ${this.missing.join("; ")}`);
    return lines.join("\n");
  }

  /** All probes with the number of seeds that hit them. */
  table(): string {
    const names = this.#probes.map(({ name }) => name);
    const others = [...this.#seeds.keys()].filter((name) => !names.includes(name)).sort();
    const line = (name: string): string =>
      `${String(this.#seeds.get(name) ?? 0).padStart(6)}  ${name}`;
    return [...names, ...others].map(line).join("\n");
  }
}
