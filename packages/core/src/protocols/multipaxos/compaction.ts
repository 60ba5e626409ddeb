import { BALLOT_NONE, type Ballot, sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { faultyRuns, repairUpTo } from "./faulty.ts";
import type { Out } from "./messages.ts";
import { journalRecord } from "./records.ts";
import { stepDown } from "./roles.ts";
import { checkpoint } from "./send.ts";
import type { Entry, MultipaxosState } from "./state.ts";

/**
 * The state through `index` is safe in a snapshot here. Drops chosen slots up to there, but for the
 * latest
 * `retainBytes`, which members that lag may still ask for. Nothing unchosen is ever dropped.
 */
export function onCompact(state: MultipaxosState, out: Out, index: Slot): void {
  const upTo = Math.min(index, state.deliveredUpTo);
  let kept = 0;
  let slot = upTo;
  for (; slot > state.compactedUpTo; slot -= 1) {
    kept += (state.log.get(slot)?.value.length ?? 0) + 32;
    if (kept > state.tuning.retainBytes) break;
  }
  for (let drop = state.compactedUpTo + 1; drop <= slot; drop += 1) state.log.delete(drop);
  state.compactedUpTo = Math.max(state.compactedUpTo, slot);
  checkpoint(out, checkpointRecords(state));
}

/**
 * A state from elsewhere holds everything through `index`. The promise stays, and so does what was
 * accepted above. A leader whose own open slots lie below has been overtaken by a higher ballot.
 */
export function onInstalled(state: MultipaxosState, out: Out, index: Slot): void {
  if (index > state.chosenUpTo) {
    const { role } = state;
    const overtaken =
      role.kind === "leader" &&
      (index >= role.nextSlot || [...role.open.keys()].some((slot) => slot <= index));
    if (overtaken) stepDown(state, out);
    for (const slot of [...state.log.keys()]) if (slot <= index) state.log.delete(slot);
    repairUpTo(state, out, index);
    state.chosenUpTo = index;
    state.compactedUpTo = Math.max(state.compactedUpTo, index);
    checkpoint(out, checkpointRecords(state));
  }
  state.deliveredUpTo = Math.max(state.deliveredUpTo, index);
  // What is still missing above is asked for at once, not when the transfer would have been
  // repeated.
  state.catchUp = null;
}

/** Everything durable about this replica, as the only records that are left. */
export function checkpointRecords(state: MultipaxosState): JournalRecord[] {
  const { promised, compactedUpTo, chosenUpTo, stoppedAt, impaired } = state;
  const records = [journalRecord({ kind: "meta", promised, compactedUpTo, stoppedAt, impaired })];
  let run: { first: Slot; entry: Entry; values: Uint8Array[]; bytes: number } | null = null;
  const slots = [...state.log.keys()].sort((a, b) => a - b);
  for (const slot of slots) {
    const entry = state.log.get(slot) as Entry;
    const joins =
      run !== null &&
      slot === run.first + run.values.length &&
      sameBallot(entry.ballot, run.entry.ballot) &&
      run.bytes + entry.value.length <= state.tuning.chunkBytes;
    if (run !== null && joins) {
      run.values.push(entry.value);
      run.bytes += entry.value.length;
      continue;
    }
    if (run !== null) records.push(entriesRecord(run.entry.ballot, run.first, run.values));
    run = { first: slot, entry, values: [entry.value], bytes: entry.value.length };
  }
  if (run !== null) records.push(entriesRecord(run.entry.ballot, run.first, run.values));
  for (const faulty of faultyRuns(state))
    records.push(journalRecord({ kind: "faulty", ...faulty }));
  records.push(journalRecord({ kind: "chosen", chosenUpTo }));
  return records;
}

function entriesRecord(ballot: Ballot, first: Slot, values: readonly Uint8Array[]): JournalRecord {
  const learned = sameBallot(ballot, BALLOT_NONE);
  if (learned) return journalRecord({ kind: "learned", first, values });
  return journalRecord({ kind: "accepted", ballot, first, values });
}
