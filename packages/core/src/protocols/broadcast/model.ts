import { sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { formatValue } from "./format.ts";
import {
  afterStep,
  type BroadcastHistory,
  createHistory,
  onDurable,
  onSent,
} from "./invariants.ts";
import type { BroadcastMessage } from "./messages.ts";
import { decodeRecord } from "./records.ts";
import { type BroadcastState, isDecided } from "./state.ts";

/** What a model checker must know of the protocol to look at every state of a small one. */
export const broadcastModelling = {
  /** What never changes, and what only decides about time. */
  irrelevant: ["random", "settings", "tuning", "roles", "others", "outbid"],
  /** Read by timers alone: irrelevant where these never fire. */
  readByTimers: ["acceptedBy", "resending"],
  isStale,
  invariants: (quorums: QuorumSystem) => ({
    history: () => createHistory(quorums),
    onDurable(history: BroadcastHistory, node: NodeId, { record }: JournalRecord): string | null {
      const decoded = decodeRecord(record);
      return decoded === null ? "an unreadable record" : onDurable(history, node, decoded);
    },
    onSent,
    afterStep,
    chosenIn({ instances }: BroadcastHistory, slot: Slot): string | null {
      const chosen = instances.get(slot)?.chosen ?? null;
      if (chosen === null) return null;
      return chosen.value.length === 0 ? "" : formatValue(chosen.value);
    },
  }),
} as const;

/**
 * Whether a message that changes nothing now never will. Ballots are never used twice, so whoever
 * asks in one no more never will again; what a higher promise outdates, or an outcome, stays so
 * until a crash.
 */
function isStale(state: BroadcastState, letter: BroadcastMessage, mayCrash: boolean): boolean {
  if (letter.kind === "decided") return !mayCrash;
  if (letter.kind !== "decree") return false;
  const { slot, message } = letter;
  const attempt = state.instances.get(slot)?.proposer?.attempt ?? null;
  switch (message.kind) {
    case "promise":
      if (isDecided(state, slot)) return !mayCrash;
      return attempt?.phase !== "prepare" || !sameBallot(attempt.ballot, message.ballot);
    case "accepted":
      if (isDecided(state, slot)) return !mayCrash;
      return attempt === null || !sameBallot(attempt.ballot, message.ballot);
    default:
      return !mayCrash;
  }
}
