import type { SweepFigures } from "../sim/sweep-totals.ts";
import type { SoakFigures } from "../soak/soak-figures.ts";

/**
 * Everything that was measured for docs/reliability.md; kept beside it as JSON. Each measurement
 * has the command that gave it, to be given again, and the day.
 */
export interface ReliabilityFigures {
  /** By protocol. */
  readonly sweeps: Readonly<Record<string, Measured<SweepFigures>>>;
  /** By command: `explore multipaxos --crashes 1`. */
  readonly models: Readonly<Record<string, Measured<ModelFigures>>>;
  readonly mutants: Measured<MutantFigures> | null;
  readonly histories: Measured<HistoryFigures> | null;
  readonly soak: Measured<SoakFigures> | null;
}

export interface Measured<Figures> {
  /** What to type in a checkout. */
  readonly command: string;
  /** Year, month and day. */
  readonly on: string;
  /** Cores, processor, Node. */
  readonly machine: string;
  readonly figures: Figures;
}

/** What `synod explore --json` prints. */
export interface ModelFigures {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly complete: boolean;
  readonly seconds: number;
}

/** What `synod sim --mutants --json` prints. */
export interface MutantFigures {
  readonly mutants: readonly MutantFate[];
  readonly seconds: number;
  readonly jobs: number;
}

export interface MutantFate {
  readonly name: string;
  /** By layer; null where that layer has nothing on record for it. */
  readonly layers: Readonly<Record<string, MutantVerdict | null>>;
}

export interface MutantVerdict {
  readonly killed: boolean;
  readonly by: string;
  readonly seconds: number;
}

export interface HistoryFigures {
  /** Tests of the checker against histories, as they name themselves. */
  readonly tests: readonly string[];
  readonly seconds: number;
}

export const NOTHING_MEASURED: ReliabilityFigures = {
  sweeps: {},
  models: {},
  mutants: null,
  histories: null,
  soak: null,
};
