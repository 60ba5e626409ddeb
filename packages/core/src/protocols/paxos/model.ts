import { type Ballot, sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { formatValue } from "./format.ts";
import { afterStep, createHistory, onDurable, onSent, type PaxosHistory } from "./invariants.ts";
import type { PaxosMessage } from "./messages.ts";
import { decodeRecord } from "./records.ts";
import type { PaxosState } from "./state.ts";

/** What a model checker must know of Paxos to look at every state of a small configuration. */
export const paxosModelling = {
  /** What never changes, and what only decides about time. */
  irrelevant: ["random", "settings", "tuning", "roles", "outbid", "fruitless", "journalLength"],
  /** Read by timers alone: irrelevant where these never fire. */
  readByTimers: ["acceptedBy"],
  isStale,
  invariants: (quorums: QuorumSystem) => ({
    history: () => createHistory(quorums),
    onDurable(history: PaxosHistory, node: NodeId, { record }: JournalRecord): string | null {
      const decoded = decodeRecord(record);
      return decoded === null ? "an unreadable record" : onDurable(history, node, decoded);
    },
    onSent,
    afterStep,
    chosenIn({ chosen }: PaxosHistory, slot: Slot): string | null {
      if (slot !== 1 || chosen === null) return null;
      return chosen.value.length === 0 ? "" : formatValue(chosen.value);
    },
  }),
} as const;

/**
 * Whether a message that changes nothing now never will. Ballots are never used twice, so whoever
 * asks in one no more never will again; what a higher promise outdates, or an outcome, stays so
 * until a crash.
 */
function isStale(state: PaxosState, message: PaxosMessage, mayCrash: boolean): boolean {
  const { attempt } = state.proposer;
  const isUnderWay = (ballot: Ballot): boolean =>
    attempt !== null && sameBallot(attempt.ballot, ballot);
  switch (message.kind) {
    case "promise":
      return attempt?.phase !== "prepare" || !isUnderWay(message.ballot);
    case "accepted":
      return !isUnderWay(message.ballot);
    case "prepare":
    case "accept":
    case "nack":
    case "chosen":
      return !mayCrash;
    default:
      return false;
  }
}
