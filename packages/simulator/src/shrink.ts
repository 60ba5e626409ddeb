import type { Life } from "./life.ts";
import { PERFECT_NETWORK } from "./network-faults.ts";
import { runSeed, type SeedReport, scriptLife } from "./run-seed.ts";
import type { SimulatedSystem } from "./system.ts";

export interface Shrunk {
  readonly life: Life;
  readonly report: SeedReport;
  readonly runs: number;
}

export interface ShrinkOptions {
  /** Lives at most; default 600. */
  readonly runsMax?: number;
  /** Asked before each life: false ends the search with the best so far. */
  readonly mayGoOn?: () => boolean;
}

/** Something that can be left out of a life: a fault, or an operation of a client. */
type Part =
  | { readonly kind: "fault"; readonly at: number }
  | { readonly kind: "operation"; readonly client: number; readonly at: number };

/**
 * Makes a failing life smaller while the same oracle goes on accusing. First every operation gets a
 * time of its own; then faults and operations are left out, by halves, quarters and so on down to
 * one by one; then the standing faults of network and clocks go. Works because every decision is
 * drawn by its own address: what is left out shifts nothing else.
 */
export function shrink<S, M>(
  system: SimulatedSystem<S, M>,
  failing: Life,
  oracle: string,
  options: ShrinkOptions = {},
): Shrunk {
  const { runsMax = 600, mayGoOn = () => true } = options;
  const search: Search<S, M> = new Search(
    system,
    failing,
    oracle,
    () => search.runs < runsMax && mayGoOn(),
  );
  if (search.best.report.violation?.oracle !== oracle) return search.result();
  search.attempt(scriptLife(system, failing));
  search.endAtViolation();
  search.simplify();
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const count = partsOf(search.best.life).length;
    if (count >= before) break;
    before = count;
    search.leaveOut();
    search.simplify();
  }
  return search.result();
}

/** Faults and operations that a life injects. */
export function countEvents(life: Life): number {
  return partsOf(life).length;
}

class Search<S, M> {
  readonly #system: SimulatedSystem<S, M>;
  readonly #oracle: string;
  readonly #mayGoOn: () => boolean;
  best: { readonly life: Life; readonly report: SeedReport };
  runs = 1;

  constructor(
    system: SimulatedSystem<S, M>,
    failing: Life,
    oracle: string,
    mayGoOn: () => boolean,
  ) {
    this.#system = system;
    this.#oracle = oracle;
    this.#mayGoOn = mayGoOn;
    this.best = { life: failing, report: runSeed(system, failing.seed, { life: failing }) };
  }

  result(): Shrunk {
    return { ...this.best, runs: this.runs };
  }

  attempt(life: Life): boolean {
    if (!this.#mayGoOn()) return false;
    this.runs += 1;
    const report = runSeed(this.#system, life.seed, { life });
    if (report.violation?.oracle !== this.#oracle) return false;
    this.best = { life, report };
    return true;
  }

  /** Nothing after the violation matters. */
  endAtViolation(): void {
    const { life, report } = this.best;
    const violationMs = report.violation?.atMs ?? Number.POSITIVE_INFINITY;
    const late = (part: Part): boolean => timeOf(life, part) > violationMs;
    this.attempt(without(life, new Set(partsOf(life).filter(late).map(nameOf))));
  }

  /** Ever smaller slices of what is left, each on its own; a slice that is not needed goes. */
  leaveOut(): void {
    const parts = partsOf(this.best.life);
    const gone = new Set<string>();
    const whole = this.best.life;
    for (let size = Math.ceil(parts.length / 2); size >= 1; size = Math.floor(size / 2)) {
      const left = parts.filter((part) => !gone.has(nameOf(part)));
      for (let at = 0; at < left.length; at += size) {
        const names = left.slice(at, at + size).map(nameOf);
        if (this.attempt(without(whole, new Set([...gone, ...names]))))
          for (const name of names) gone.add(name);
      }
    }
  }

  /** The faults that are there all the time. */
  simplify(): void {
    const { network, clocks, forks } = this.best.life;
    const changes: Partial<Life>[] = [
      { network: { ...PERFECT_NETWORK, delayMinMs: network.delayMinMs } },
      { network: { ...network, loss: 0 } },
      { network: { ...network, duplication: 0, replay: 0 } },
      { network: { ...network, corruption: 0 } },
      { clocks: clocks.map((clock) => ({ ...clock, rate: 1, lateMs: 0 })) },
      { forks: [] },
      ...forks.map((fork) => ({ forks: [fork] })),
      { core: { small: false, draw: 0, links: null } },
    ];
    for (const change of changes) {
      const { life } = this.best;
      if (JSON.stringify({ ...life, ...change }) === JSON.stringify(life)) continue;
      this.attempt({ ...life, ...change });
    }
  }
}

function partsOf(life: Life): Part[] {
  const faults = life.faults.map((_, at): Part => ({ kind: "fault", at }));
  const operations = life.clients.flatMap(({ script }, client) =>
    (script ?? []).map((_, at): Part => ({ kind: "operation", client, at })),
  );
  return [...faults, ...operations].sort((a, b) => timeOf(life, a) - timeOf(life, b));
}

function timeOf(life: Life, part: Part): number {
  if (part.kind === "fault") return life.faults[part.at]?.atMs ?? 0;
  return life.clients[part.client]?.script?.[part.at]?.atMs ?? 0;
}

function nameOf(part: Part): string {
  return part.kind === "fault" ? `f${part.at}` : `o${part.client}.${part.at}`;
}

function without(life: Life, gone: ReadonlySet<string>): Life {
  return {
    ...life,
    faults: life.faults.filter((_, at) => !gone.has(nameOf({ kind: "fault", at }))),
    clients: life.clients.map((plan, client) => ({
      ...plan,
      script:
        plan.script?.filter((_, at) => !gone.has(nameOf({ kind: "operation", client, at }))) ??
        null,
    })),
  };
}
