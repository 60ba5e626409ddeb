import {
  type BroadcastMessage,
  type BroadcastState,
  broadcast,
  formatMessage,
} from "@synod/core/protocols/broadcast";
import type { SimulatedSystem } from "@synod/simulator";
import { BROADCAST_PROBES } from "./broadcast-probes.ts";
import { createBroadcastWatch } from "./broadcast-watch.ts";

/** Messages that tell a story; the others only keep things going. */
const QUIET: readonly string[] = ["progress", "ask", "told"];

/** What only happens where somebody stands for election. */
const NOT_EXPECTED: readonly string[] = [
  "fault: leader usurped while its followers lose power",
  "fault: leader muffled until another stands",
];

/** Total-order broadcast on the members of a life; without leaders, so without elections. */
export const BROADCAST_SYSTEM: Pick<
  SimulatedSystem<BroadcastState, BroadcastMessage>,
  "protocol" | "electionEvents" | "isVote" | "describe" | "createWatch" | "probes" | "notExpected"
> = {
  protocol: broadcast,
  electionEvents: null,
  isVote: (message) =>
    message.kind === "told" ||
    (message.kind === "decree" && ["promise", "accepted"].includes(message.message.kind)),
  describe: (message) => (QUIET.includes(message.kind) ? null : formatMessage(message)),
  createWatch: createBroadcastWatch,
  probes: BROADCAST_PROBES,
  notExpected: NOT_EXPECTED,
};
