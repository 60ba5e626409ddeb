import {
  type OmniPaxosMessage,
  type OmniPaxosState,
  omnipaxos,
} from "@synod/core/protocols/omnipaxos";
import type { SimulatedSystem } from "@synod/simulator";
import { OMNIPAXOS_PROBES } from "./omnipaxos-probes.ts";
import { describeOmniPaxos } from "./omnipaxos-story.ts";
import { createOmniPaxosWatch } from "./omnipaxos-watch.ts";

const VOTES: readonly OmniPaxosMessage["kind"][] = [
  "heartbeatReply",
  "promise",
  "accepted",
  "confirmed",
];

/** OmniPaxos, but for its machine and its time-outs. */
export const OMNIPAXOS_SYSTEM: Pick<
  SimulatedSystem<OmniPaxosState, OmniPaxosMessage>,
  "protocol" | "electionEvents" | "isVote" | "describe" | "createWatch" | "probes"
> = {
  protocol: omnipaxos,
  electionEvents: { begun: "campaign", won: "elected" },
  isVote: ({ kind }) => VOTES.includes(kind),
  describe: describeOmniPaxos,
  createWatch: createOmniPaxosWatch,
  probes: OMNIPAXOS_PROBES,
};
