import { sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { formatValue } from "./format.ts";
import {
  afterStep,
  createHistory,
  type OmniPaxosHistory,
  onDurable,
  onSent,
} from "./invariants.ts";
import type { OmniPaxosMessage } from "./messages.ts";
import { decodeRecord } from "./records.ts";
import type { SequenceState } from "./state.ts";

/** What a model checker must know of Sequence Paxos to look at every state of a small one. */
export const sequenceModelling = {
  /** What never changes, and what only decides about time. */
  irrelevant: [
    "settings",
    "tuning",
    "others",
    "recovery",
    "nonces",
    "resendUpTo",
    "waited",
    "repeats",
    "catchUp",
  ],
  isStale,
  invariants: (quorums: QuorumSystem) => ({
    history: () => createHistory(quorums),
    onDurable(history: OmniPaxosHistory, node: NodeId, { record }: JournalRecord): string | null {
      const decoded = decodeRecord(record);
      return decoded === null ? "an unreadable record" : onDurable(history, node, decoded);
    },
    onSent,
    afterStep,
    chosenIn(history: OmniPaxosHistory, slot: Slot): string | null {
      const value = history.chosen.get(slot);
      return value === undefined ? null : formatValue(value);
    },
  }),
} as const;

/**
 * Whether a message that changes nothing now never will. Ballots are never used twice, so whoever
 * asks in one no more never will again; what a higher promise outdates stays so until a crash.
 */
function isStale(state: SequenceState, message: OmniPaxosMessage, mayCrash: boolean): boolean {
  const { role } = state;
  switch (message.kind) {
    case "promise":
    case "accepted":
      return role.kind === "follower" || !sameBallot(role.ballot, message.ballot);
    case "prepare":
    case "acceptSync":
    case "accept":
    case "decide":
      return !mayCrash;
    default:
      return false;
  }
}
