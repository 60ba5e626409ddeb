import type { JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { forgetEpochs, installEpochs } from "./epochs.ts";
import type { Out } from "./messages.ts";
import { journalRecord } from "./records.ts";
import { markFor } from "./replica.ts";
import { checkpoint } from "./send.ts";
import type { Accepted, PmmcState } from "./state.ts";

/**
 * The state through `index` is safe in a snapshot here. Decisions below are dropped, but for the
 * latest `retainBytes`, which replicas that lag may still ask for.
 */
export function onCompact(state: PmmcState, out: Out, index: Slot): void {
  const { replica, tuning } = state;
  if (replica !== null) {
    const upTo = Math.min(index, replica.slotOut - 1);
    let kept = 0;
    let slot = upTo;
    for (; slot > replica.compactedUpTo; slot -= 1) {
      kept += (replica.decisions.get(slot)?.length ?? 0) + 32;
      if (kept > tuning.retainBytes) break;
    }
    for (let old = replica.compactedUpTo + 1; old <= slot; old += 1) replica.decisions.delete(old);
    replica.compactedUpTo = Math.max(replica.compactedUpTo, slot);
    replica.stableUpTo = Math.max(replica.stableUpTo, upTo);
    forgetEpochs(state, Math.min(replica.stableUpTo, state.acceptor.gcSlot));
  }
  checkpoint(state, out, checkpointRecords(state));
}

/**
 * A state from another replica holds everything through `index`, and the epochs of what follows.
 */
export function onInstalled(state: PmmcState, out: Out, index: Slot, image: Uint8Array): void {
  const { replica } = state;
  if (replica === null) return;
  if (index >= replica.slotOut) {
    installEpochs(state, image);
    for (const slot of replica.decisions.keys()) if (slot <= index) replica.decisions.delete(slot);
    // The host proposes again what it has not heard of.
    for (const [slot, { names }] of replica.proposals) {
      if (slot > index) continue;
      replica.proposals.delete(slot);
      for (const name of names) replica.pending.delete(name);
    }
    replica.slotOut = index + 1;
    replica.compactedUpTo = Math.max(replica.compactedUpTo, index);
  }
  replica.stableUpTo = Math.max(replica.stableUpTo, index);
  replica.stateWait = 0;
  checkpoint(state, out, checkpointRecords(state));
}

/** Everything durable about this member, as the only records that are left. */
export function checkpointRecords(state: PmmcState): JournalRecord[] {
  const { acceptor, leader, impaired, replica } = state;
  const { ballot: adopted, gcSlot, highest } = acceptor;
  const own = leader.ballot;
  const records = [journalRecord({ kind: "meta", adopted, own, gcSlot, highest, impaired })];
  for (const slot of ascending(acceptor.accepted.keys())) {
    const { ballot, epoch, value } = acceptor.accepted.get(slot) as Accepted;
    records.push(journalRecord({ kind: "accepted", ballot, slot, epoch, value }));
  }
  for (const slot of ascending(replica?.decisions.keys() ?? [])) {
    const value = replica?.decisions.get(slot) as Uint8Array;
    const ballot = markFor(state, slot, value);
    if (ballot === null) records.push(journalRecord({ kind: "learned", slot, value }));
    else records.push(journalRecord({ kind: "decided", slot, ballot }));
  }
  return records;
}

function ascending(slots: Iterable<Slot>): Slot[] {
  return [...slots].sort((a, b) => a - b);
}
