import { BALLOT_NONE, compareBallots } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import type { Out } from "./messages.ts";
import { advance } from "./order.ts";
import { free } from "./pending.ts";
import { type BroadcastRecord, journalRecord } from "./records.ts";
import { ascending, type BroadcastState, type Instance } from "./state.ts";

/**
 * The state through `index` is safe in a snapshot here. Drops decided values up to there, but for
 * the latest `retainBytes`, which members that lag may still ask for. What is not decided stays.
 */
export function onCompact(state: BroadcastState, out: Out, index: Slot): void {
  const upTo = Math.min(index, state.deliveredUpTo);
  let kept = 0;
  let slot = upTo;
  for (; slot > state.compactedUpTo; slot -= 1) {
    kept += (state.decided.get(slot)?.length ?? 0) + 32;
    if (kept > state.tuning.retainBytes) break;
  }
  state.compactedUpTo = Math.max(state.compactedUpTo, slot);
  // What was learned again below, in place of a lost snapshot, goes too.
  for (const held of [...state.decided.keys()])
    if (held <= state.compactedUpTo) state.decided.delete(held);
  checkpoint(state, out);
}

/** A state from elsewhere holds everything through `index`. What is above stays as it is. */
export function onInstalled(state: BroadcastState, out: Out, index: Slot): void {
  if (index > state.decidedUpTo) {
    // Whether they are part of that state is not known here; whoever executes them twice, sees it.
    free(state, 1, index);
    skipTo(state, index);
  }
  state.deliveredUpTo = Math.max(state.deliveredUpTo, index);
  // What is still missing above is asked for at once, not when the transfer would be repeated.
  state.catchUp = null;
  advance(state, out);
  checkpoint(state, out);
}

/** Everything through `index` is decided, delivered and no longer held. */
export function skipTo(state: BroadcastState, index: Slot): void {
  for (const slots of [state.instances, state.lost, state.decided])
    for (const slot of [...slots.keys()]) if (slot <= index) slots.delete(slot);
  state.decidedUpTo = Math.max(state.decidedUpTo, index);
  state.compactedUpTo = Math.max(state.compactedUpTo, index);
  state.openUpTo = Math.max(state.openUpTo, index);
  if (state.atWork !== null && state.atWork.slot <= index) state.atWork = null;
}

/** All durable that counts, as the only records that are left. */
export function checkpoint(state: BroadcastState, out: Out): void {
  out.push({ kind: "checkpoint", records: checkpointRecords(state) });
}

function checkpointRecords(state: BroadcastState): JournalRecord[] {
  const { compactedUpTo, stoppedAt, impaired, decided, instances, lost } = state;
  const records: BroadcastRecord[] = [{ kind: "compacted", compactedUpTo }];
  if (stoppedAt > 0) records.push({ kind: "stopped", slot: stoppedAt });
  if (impaired) records.push({ kind: "impaired" });
  for (const slot of ascending(decided.keys()))
    records.push({ kind: "learned", slot, value: decided.get(slot) as Uint8Array });
  for (const slot of ascending(lost)) records.push({ kind: "lost", slot });
  for (const slot of ascending(instances.keys()))
    records.push(...recordsOf(slot, instances.get(slot) as Instance));
  return records.map(journalRecord);
}

function recordsOf(slot: Slot, { acceptor, proposer }: Instance): BroadcastRecord[] {
  const { promised, accepted, damaged } = acceptor;
  const records: BroadcastRecord[] = [];
  if (accepted !== null) records.push({ kind: "accepted", slot, ...accepted });
  if (damaged) records.push({ kind: "damaged", slot, ballot: promised });
  if (isSome(promised)) records.push({ kind: "promised", slot, ballot: promised });
  if (proposer !== null && isSome(proposer.highest))
    records.push({ kind: "began", slot, ballot: proposer.highest });
  return records;
}

function isSome(ballot: typeof BALLOT_NONE): boolean {
  return compareBallots(ballot, BALLOT_NONE) > 0;
}
