import { sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { formatValue } from "./format.ts";
import {
  afterStep,
  createHistory,
  type MultipaxosHistory,
  onDurable,
  onSent,
} from "./invariants.ts";
import type { MultipaxosMessage } from "./messages.ts";
import { decodeRecord } from "./records.ts";
import type { MultipaxosState } from "./state.ts";

/**
 * What a model checker must know of Multi-Paxos to look at every state of a small configuration.
 */
export const multipaxosModelling = {
  /** What never changes, and what only decides about time. */
  irrelevant: ["random", "settings", "tuning", "others", "recovery"],
  /** Read by timers alone: irrelevant where these never fire. */
  readByTimers: ["heard", "resendBelow"],
  isStale,
  invariants: (quorums: QuorumSystem) => ({
    history: () => createHistory(quorums),
    onDurable(history: MultipaxosHistory, node: NodeId, { record }: JournalRecord): string | null {
      const decoded = decodeRecord(record);
      return decoded === null ? "an unreadable record" : onDurable(history, node, decoded);
    },
    onSent,
    afterStep,
    chosenIn(history: MultipaxosHistory, slot: Slot): string | null {
      const value = history.chosen.get(slot);
      if (value === undefined) return null;
      return value.length === 0 ? "" : formatValue(value);
    },
  }),
} as const;

/**
 * Whether a message that changes nothing now never will. Ballots are never used twice, so whoever
 * asks in one no more never will again; what a higher promise outdates stays so until a crash.
 */
function isStale(state: MultipaxosState, message: MultipaxosMessage, mayCrash: boolean): boolean {
  const { role } = state;
  switch (message.kind) {
    case "promise":
      return role.kind !== "candidate" || !sameBallot(role.ballot, message.ballot);
    case "accepted":
      if (role.kind !== "leader" || !sameBallot(role.ballot, message.ballot)) return true;
      return !message.runs.some(({ first, last }) =>
        [...role.open.keys()].some((slot) => slot >= first && slot <= last),
      );
    case "prepare":
    case "accept":
    case "commit":
      return !mayCrash;
    default:
      return false;
  }
}
