import type { SeedReport } from "@synod/simulator";
import type { ProbeCount, ProbeTotals } from "./probe-totals.ts";

/** What a sweep came to: `synod sim --json` prints it. */
export interface SweepFigures {
  readonly protocol: string;
  readonly seeds: number;
  readonly violations: number;
  /** Hours on the virtual clocks, of every node of every life. */
  readonly nodeHours: number;
  readonly events: number;
  readonly operations: number;
  readonly faults: number;
  readonly crashes: number;
  readonly forks: number;
  /** Real time, and how many processes shared the work. */
  readonly seconds: number;
  readonly jobs: number;
  readonly probes: Readonly<Record<string, ProbeCount>>;
  /** Situations that a sweep of this length should reach, and this one did not. */
  readonly missing: readonly string[];
}

const HOUR_MS = 3_600_000;

/** Adds up the reports of a sweep. */
export class SweepTotals {
  #seeds = 0;
  #violations = 0;
  #nodeMs = 0;
  #events = 0;
  #operations = 0;
  #faults = 0;
  #crashes = 0;
  #forks = 0;

  add(report: SeedReport): void {
    this.#seeds += 1;
    if (report.violation !== null) this.#violations += 1;
    this.#nodeMs += report.nodes * report.virtualMs;
    this.#events += report.events;
    this.#operations += report.completed;
    this.#faults += report.faults;
    this.#crashes += report.crashes;
    this.#forks += report.forks;
  }

  figures(
    sweep: Pick<SweepFigures, "protocol" | "seconds" | "jobs">,
    probes: ProbeTotals,
  ): SweepFigures {
    return {
      ...sweep,
      seeds: this.#seeds,
      violations: this.#violations,
      nodeHours: this.#nodeMs / HOUR_MS,
      events: this.#events,
      operations: this.#operations,
      faults: this.#faults,
      crashes: this.#crashes,
      forks: this.#forks,
      probes: probes.all,
      missing: probes.counts ? probes.missing : [],
    };
  }
}
