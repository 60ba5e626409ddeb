import { sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { formatValue } from "./format.ts";
import { afterStep, createHistory, onDurable, onSent, type PmmcHistory } from "./invariants.ts";
import type { PmmcMessage } from "./messages.ts";
import { decodeRecord } from "./records.ts";
import type { PmmcState } from "./state.ts";

/** What a model checker must know of this protocol to look at every state of a small one. */
export const pmmcModelling = {
  /** What never changes, and what only decides about time. */
  irrelevant: ["random", "settings", "tuning", "others", "recovery", "timeoutMs", "written"],
  /** Read by timers alone: irrelevant where these never fire. */
  readByTimers: ["age", "stalled", "checkedAt", "known", "askedInVain", "stateWait"],
  isStale,
  invariants: (quorums: QuorumSystem) => ({
    history: () => createHistory(quorums),
    onDurable(history: PmmcHistory, node: NodeId, { record }: JournalRecord): string | null {
      const decoded = decodeRecord(record);
      return decoded === null ? "an unreadable record" : onDurable(history, node, decoded);
    },
    onSent,
    /** The states of a model are no life: none comes before another one. */
    afterStep: (history: PmmcHistory, state: PmmcState): string | null =>
      afterStep({ ...history, executed: new Map() }, state),
    chosenIn(history: PmmcHistory, slot: Slot): string | null {
      const chosen = history.chosen.get(slot);
      if (chosen === undefined) return null;
      return chosen.value.length === 0 ? "" : formatValue(chosen.value);
    },
  }),
} as const;

/**
 * Whether a message that changes nothing now never will. Ballots are never used twice, so whoever
 * asks in one no more never will again; what a higher ballot outdates stays so until a crash.
 */
function isStale(state: PmmcState, message: PmmcMessage, mayCrash: boolean): boolean {
  const { leader } = state;
  switch (message.kind) {
    case "p1b":
      return leader.scout === null || !sameBallot(leader.scout.ballot, message.ballot);
    case "p2b":
      return !leader.commanders.has(message.slot);
    case "p1a":
    case "p2a":
      return !mayCrash;
    default:
      return false;
  }
}
