import { CALIBRATIONS, type ProbeKind, probesOf } from "@synod/simulator";
import { PINNED_RUNS, type PinnedRun } from "../explore/pinned-runs.ts";
import { type Mutant, readMutants } from "../sim/mutants.ts";
import { REGRESSIONS } from "../sim/regressions.ts";
import { SYSTEMS } from "../sim/systems.ts";

/** What the code says about itself, whatever was measured: the page must agree with it. */
export interface ReliabilityFacts {
  readonly protocols: readonly ProtocolFacts[];
  readonly calibrations: readonly { readonly name: string; readonly states: number }[];
  readonly mutants: readonly Mutant[];
  /** Lives that once found something. */
  readonly regressions: number;
}

export interface ProtocolFacts {
  readonly name: string;
  /** Situations that its lives should reach: those of every protocol, then its own. */
  readonly probes: readonly ProbeKind[];
  readonly models: readonly PinnedRun[];
}

/** Reads them from this checkout. */
export function reliabilityFacts(): ReliabilityFacts {
  const models: Readonly<Record<string, readonly PinnedRun[]>> = PINNED_RUNS;
  return {
    protocols: Object.entries(SYSTEMS).map(([name, system]) => ({
      name,
      probes: probesOf(system),
      models: models[name] ?? [],
    })),
    calibrations: Object.entries(CALIBRATIONS).map(([name, { states }]) => ({ name, states })),
    mutants: readMutants(),
    regressions: REGRESSIONS.length,
  };
}
