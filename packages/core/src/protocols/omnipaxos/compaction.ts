import { BALLOT_NONE, sameBallot } from "../../ballot.ts";
import type { JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import type { Out } from "./messages.ts";
import { journalRecord } from "./records.ts";
import { overtaken } from "./roles.ts";
import { checkpoint } from "./send.ts";
import type { SequenceState } from "./state.ts";

/**
 * The state through `index` is safe in a snapshot here. Drops decided slots up to there, but for
 * the latest `retainBytes`, which members that lag may still ask for. Waits for nobody.
 */
export function onCompact(state: SequenceState, out: Out, index: Slot): void {
  let kept = 0;
  let slot = Math.min(index, state.deliveredUpTo);
  for (; slot > state.compactedUpTo; slot -= 1) {
    kept += (state.log.get(slot)?.length ?? 0) + 32;
    if (kept > state.tuning.retainBytes) break;
  }
  compactUpTo(state, slot);
  checkpoint(out, checkpointRecords(state));
}

function compactUpTo(state: SequenceState, upTo: Slot): void {
  for (let drop = state.compactedUpTo + 1; drop <= upTo; drop += 1) state.log.delete(drop);
  state.compactedUpTo = Math.max(state.compactedUpTo, upTo);
  state.length = Math.max(state.length, upTo);
}

/**
 * A state from elsewhere holds everything through `index`. The promise stays, and so does what the
 * log holds above. A leader that has not decided as much has been overtaken: what it proposed in
 * these slots may have lost, and it must not tell in its ballot that they are decided.
 */
export function onInstalled(state: SequenceState, out: Out, index: Slot): void {
  if (index > state.decidedUpTo) {
    overtaken(state, out, false);
    compactUpTo(state, index);
    state.decidedUpTo = index;
    checkpoint(out, checkpointRecords(state));
  }
  state.deliveredUpTo = Math.max(state.deliveredUpTo, index);
  // What is still missing above is asked for at once, not when the transfer would be repeated.
  state.catchUp = null;
}

/** Everything durable about this replica, as the only records that are left. */
export function checkpointRecords(state: SequenceState): JournalRecord[] {
  const { promised, acceptedIn, compactedUpTo, stoppedAt, impaired, decidedUpTo } = state;
  const records = [
    journalRecord({ kind: "meta", promised, acceptedIn, compactedUpTo, stoppedAt, impaired }),
  ];
  let first = compactedUpTo + 1;
  let values: Uint8Array[] = [];
  let bytes = 0;
  const flush = (next: Slot): void => {
    if (values.length > 0) records.push(journalRecord(entries(state, first, values)));
    first = next;
    values = [];
    bytes = 0;
  };
  for (let slot = first; slot <= state.length; slot += 1) {
    const value = state.log.get(slot) as Uint8Array;
    if (bytes + value.length > state.tuning.chunkBytes) flush(slot);
    values.push(value);
    bytes += value.length;
  }
  flush(state.length + 1);
  if (state.lost !== null) records.push(journalRecord({ kind: "lost", ...state.lost }));
  records.push(journalRecord({ kind: "chosen", chosenUpTo: decidedUpTo }));
  return records;
}

function entries(state: SequenceState, first: Slot, values: readonly Uint8Array[]) {
  const { acceptedIn: ballot } = state;
  if (sameBallot(ballot, BALLOT_NONE))
    return { kind: "learned", first, values, contradicts: false } as const;
  return { kind: "accepted", ballot, first, values } as const;
}
