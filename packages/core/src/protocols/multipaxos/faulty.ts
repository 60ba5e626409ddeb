import { type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { Slot } from "../../ids.ts";
import type { Out, UnknownRun } from "./messages.ts";
import type { MultipaxosState } from "./state.ts";

/**
 * A faulty slot: its acceptance here rotted away, and only its name is left. The acceptor goes on
 * voting, but says "unknown" of such a slot until it is repaired, for a phase-1 quorum that is told
 * "nothing accepted" by one who has forgotten may choose a second value. Alagappan et al.,
 * *Protocol-Aware Recovery for Consensus-Based Storage* (2018). Three things repair:
 *
 * - The chosen value, from anybody. Phase 1 asks about accepted values only in order to find one
 *   that may have been chosen.
 * - A snapshot past the slot, for the same reason.
 * - An acceptance in ballot b at or above the damaged one's ballot d. A promise has to name the
 *   acceptance of the highest ballot only. With d < b that is the new one, and with d = b both are
 *   the same, because in one slot and ballot nobody proposes two values. As an acceptor takes no
 *   ballot below its promise, and the promise is at or above d, every acceptance repairs.
 *
 * What repairs is in the journal, or in a durable snapshot, before anything rests on it: an
 * acceptance before it is told, and "chosen" is true whether or not it is remembered here.
 */
export function markFaulty(state: MultipaxosState, slot: Slot, ballot: Ballot): void {
  const marked = state.faulty.get(slot);
  state.log.delete(slot);
  if (marked === undefined || compareBallots(ballot, marked) > 0) state.faulty.set(slot, ballot);
}

/** The slot has just got its chosen value, or a newly accepted one. */
export function repair(state: MultipaxosState, out: Out, slot: Slot): void {
  if (state.faulty.delete(slot))
    out.push({ kind: "observe", event: "slot repaired", detail: { slot } });
}

/** Everything up to here is chosen, and its effect is safe. */
export function repairUpTo(state: MultipaxosState, out: Out, upTo: Slot): void {
  for (const { first, last } of faultyRuns(state))
    for (let slot = first; slot <= Math.min(last, upTo); slot += 1) repair(state, out, slot);
}

/** All faulty slots, ascending, neighbours of one ballot together. */
export function faultyRuns(state: MultipaxosState): UnknownRun[] {
  const runs: { first: Slot; last: Slot; readonly ballot: Ballot }[] = [];
  for (const slot of [...state.faulty.keys()].sort((a, b) => a - b)) {
    const ballot = state.faulty.get(slot) as Ballot;
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === slot && sameBallot(run.ballot, ballot))
      run.last = slot;
    else runs.push({ first: slot, last: slot, ballot });
  }
  return runs;
}
