import {
  formatMessage,
  type PaxosMessage,
  type PaxosState,
  paxos,
} from "@synod/core/protocols/paxos";
import type { Life, SimulatedSystem } from "@synod/simulator";
import { PAXOS_PROBES } from "./paxos-probes.ts";
import { createPaxosWatch } from "./paxos-watch.ts";

/** What a life is hurried by: a decree is soon over, and faults must come while it is open. */
const HURRY = 10;
/** Its clients are slow, so that some come before the decision and some after: pauses, ms. */
const PAUSES_MS = [250, 500, 1_000, 1_250] as const;

/**
 * Of one value there is nothing to cut short, and no second incarnation of a node in it. And in so
 * short a life a disk is seldom replaced by an older one that tells another story.
 */
const NOT_EXPECTED: readonly string[] = [
  "fault: stale disk",
  "link: refused",
  "host: disowned",
  "fault: rot in a snapshot",
  "fault: lost file of snapshot",
  "fault: sync of snapshot lies",
  "host: snapshot written",
  "host: restarted from a snapshot",
  "host: state requested",
  "host: state installed",
  "host: session renewed",
  "client: session-expired",
];

/** One decree on the members of a life: a register that is written once. */
export const PAXOS_SYSTEM: Pick<
  SimulatedSystem<PaxosState, PaxosMessage>,
  | "protocol"
  | "protocolTuning"
  | "electionTimeoutMs"
  | "electionEvents"
  | "operationsMin"
  | "adapt"
  | "isVote"
  | "describe"
  | "createWatch"
  | "probes"
  | "notExpected"
> = {
  protocol: paxos,
  protocolTuning: tuning,
  electionTimeoutMs: (life) => 2 * tuning(life).askMaxMs,
  electionEvents: { begun: "ballot", won: "proposing" },
  // Ten of each client after the faults, and some before.
  operationsMin: 40,
  adapt,
  isVote: ({ kind }) => kind === "promise" || kind === "accepted" || kind === "told",
  describe: formatMessage,
  createWatch: createPaxosWatch,
  probes: PAXOS_PROBES,
  notExpected: NOT_EXPECTED,
};

/** Time-outs leave room for the slowest round trip of the life. */
function tuning({ seed, network, disk }: Life) {
  const roundTripMs = 2 * (network.delayMinMs + 3 * network.delayMeanMs) + 6 * disk.syncMs;
  return {
    retryMs: roundTripMs,
    retryMaxMs: 16 * roundTripMs,
    resendMs: Math.max(50, 2 * roundTripMs),
    askMs: Math.max(50, 2 * roundTripMs),
    askMaxMs: Math.max(200, 8 * roundTripMs),
    recordsMax: 4 + (seed % 60),
  };
}

/**
 * All its faults in a tenth of the time, one key, and a look at the platters at the first write.
 */
function adapt(life: Life): Life {
  const thinkMs = PAUSES_MS[life.seed % PAUSES_MS.length] as number;
  return {
    ...life,
    faultsMs: Math.ceil(life.faultsMs / HURRY),
    faults: life.faults.map((fault) => ({ ...fault, atMs: Math.ceil(fault.atMs / HURRY) })),
    clients: life.clients.map((plan) => ({ ...plan, thinkMs, keys: 1 })),
    forks: life.forks.map((fork, index) => ({ ...fork, acknowledgement: index + 1 })),
  };
}
