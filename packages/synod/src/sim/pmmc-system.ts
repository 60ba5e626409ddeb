import { type PmmcMessage, type PmmcState, pmmc } from "@synod/core/protocols/pmmc";
import type { Fault, Life, SimulatedSystem } from "@synod/simulator";
import { PMMC_PROBES } from "./pmmc-probes.ts";
import { describePmmc } from "./pmmc-story.ts";
import { createPmmcWatch } from "./pmmc-watch.ts";

/** So many lives have one among them whose leaders read under leases. */
const LEASED_EVERY = 4;
/** A leader that is cut off goes on reading for longer than others wait before they try to lead. */
const LEASE_ELECTIONS = 3;
/** Clocks run this much too fast or too slow. */
const DRIFT = 0.05;
/** Of so many clocks one is slow: then its node keeps a lease for longer than the others do. */
const SLOW_EVERY = 3;
/** Of 1000 ms by the fastest clock, so many pass by the slowest one in less time, rounded up. */
const DRIFT_PER_MILLE = 100;

/** A pause that stands for a leap, ms. */
const JUMP_MS = 100;

/** Paxos Made Moderately Complex on the members of a life; some of its lives have leases. */
export const PMMC_SYSTEM: Pick<
  SimulatedSystem<PmmcState, PmmcMessage>,
  "protocol" | "electionEvents" | "adapt" | "isVote" | "describe" | "createWatch" | "probes"
> = {
  protocol: pmmc,
  electionEvents: { begun: "campaign", won: "elected" },
  adapt: (life) => (isLeased(life) ? withinDrift(life) : life),
  isVote: ({ kind }) => ["p1b", "p2b", "readReply", "grant"].includes(kind),
  describe: describePmmc,
  createWatch: createPmmcWatch,
  probes: PMMC_PROBES,
};

function isLeased({ seed }: Life): boolean {
  return seed % LEASED_EVERY === LEASED_EVERY - 1;
}

/** The numbers of a life with leases; none in the others. */
export function leaseTuning(life: Life, electionMs: number): Record<string, number> {
  if (!isLeased(life)) return {};
  return { leaseMs: LEASE_ELECTIONS * electionMs, driftPerMille: DRIFT_PER_MILLE };
}

/**
 * Leases are safe as long as clocks drift apart by no more than was said, so in these lives they do
 * by just that, and never leap or stand still.
 */
function withinDrift(life: Life): Life {
  return {
    ...life,
    clocks: life.clocks.map((clock, node) => ({
      ...clock,
      rate: (Math.floor(life.seed / LEASED_EVERY) + node) % SLOW_EVERY > 0 ? 1 + DRIFT : 1 - DRIFT,
    })),
    faults: life.faults.map(withClockGoing),
  };
}

/** In place of a leap or standstill of its clock, a node is only paused. */
function withClockGoing(fault: Fault): Fault {
  if (fault.kind !== "jump" && fault.kind !== "stall") return fault;
  const { atMs, target } = fault;
  return { kind: "pause", atMs, target, forMs: fault.kind === "stall" ? fault.forMs : JUMP_MS };
}
