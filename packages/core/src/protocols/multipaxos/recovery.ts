import { BALLOT_NONE, type Ballot, compareBallots } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { About, JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import type { Start } from "../../protocol.ts";
import { checkpointRecords } from "./compaction.ts";
import { hearOfChosen } from "./learner.ts";
import type { Out } from "./messages.ts";
import { decodeRecord, type MultipaxosRecord } from "./records.ts";
import { armElection, see } from "./roles.ts";
import { checkpoint, persist, setTimer } from "./send.ts";
import type { MultipaxosState, Recovery } from "./state.ts";

/** Journal records in the order in which they were written. */
export function onRecover(state: MultipaxosState, records: readonly JournalRecord[]): void {
  const { recovery } = state;
  invariant(recovery !== null, "recover after start");
  for (const { record } of records) {
    const decoded = decodeRecord(record);
    if (decoded === null) recovery.unreadable = true;
    else replay(state, recovery, decoded);
  }
}

function replay(state: MultipaxosState, recovery: Recovery, record: MultipaxosRecord): void {
  switch (record.kind) {
    case "promised":
      return raisePromise(state, record.ballot);
    case "accepted":
      raisePromise(state, record.ballot);
      for (const [index, value] of record.values.entries())
        state.log.set(record.first + index, { ballot: record.ballot, value, chosen: false });
      return;
    case "learned":
      for (const [index, value] of record.values.entries())
        state.log.set(record.first + index, { ballot: BALLOT_NONE, value, chosen: true });
      return;
    case "chosen":
      recovery.chosenUpTo = Math.max(recovery.chosenUpTo, record.chosenUpTo);
      return;
    case "stopped":
      state.stoppedAt = record.slot;
      return;
    case "impaired":
      state.impaired = true;
      return;
    case "meta":
      raisePromise(state, record.promised);
      state.compactedUpTo = Math.max(state.compactedUpTo, record.compactedUpTo);
      state.stoppedAt = Math.max(state.stoppedAt, record.stoppedAt);
      state.impaired = state.impaired || record.impaired;
      return;
  }
}

function raisePromise(state: MultipaxosState, ballot: Ballot): void {
  if (compareBallots(ballot, state.promised) > 0) state.promised = ballot;
}

/** The end of recovery: what the records and the snapshot together say, and no more than that. */
export function onStart(state: MultipaxosState, out: Out, start: Start): void {
  const { recovery } = state;
  invariant(recovery !== null, "started twice");
  state.recovery = null;
  state.phase = "running";
  state.incarnation = start.incarnation;
  const damaged = start.missing === "unnamed" || start.missing.length > 0 || recovery.unreadable;
  if (damaged && !state.impaired) {
    // Durable, because the next checkpoint takes away what tells of the damage.
    state.impaired = true;
    persist(out, { kind: "impaired" });
  }
  const nameable = start.missing !== "unnamed" && !recovery.unreadable;
  if (nameable) forgetDamaged(state, start.missing as readonly About[]);
  // Which value a mark meant is unknown when a record before it may be gone.
  else state.log = new Map();
  settleChosen(state, start.delivered.index, nameable ? recovery.chosenUpTo : 0);
  state.voter = start.voter && !state.impaired;
  see(state, state.promised);
  findStop(state);
  if (state.others.length === 0 && state.voter) setTimer(out, "election", 0);
  else armElection(state, out);
}

/** The value that a mark made chosen may have been in the record that is damaged. */
function forgetDamaged(state: MultipaxosState, missing: readonly About[]): void {
  for (const about of missing) {
    if (about.kind !== "slots") continue;
    for (const slot of [...state.log.keys()])
      if (slot >= about.first && slot <= about.last) state.log.delete(slot);
  }
}

/** Marks the chosen prefix: what the snapshot holds, then what the records hold without a gap. */
function settleChosen(state: MultipaxosState, delivered: Slot, marked: Slot): void {
  for (const [slot, entry] of state.log) {
    if (slot <= state.compactedUpTo) state.log.delete(slot);
    else if (slot <= marked) entry.chosen = true;
    // A snapshot that was transferred does not say that the value accepted here was the one.
    else if (slot <= delivered && !entry.chosen) state.log.delete(slot);
  }
  state.deliveredUpTo = delivered;
  state.chosenUpTo = delivered;
  while (state.log.get(state.chosenUpTo + 1)?.chosen === true) state.chosenUpTo += 1;
  let held = delivered;
  while (held > state.compactedUpTo && state.log.get(held)?.chosen === true) held -= 1;
  state.compactedUpTo = Math.max(state.compactedUpTo, held);
  for (const slot of [...state.log.keys()]) if (slot <= state.compactedUpTo) state.log.delete(slot);
  hearOfChosen(state, state.settings.self, Math.max(state.chosenUpTo, state.compactedUpTo));
}

/** The configuration may have ended exactly where the snapshot was taken. */
function findStop(state: MultipaxosState): void {
  const entry = state.log.get(state.deliveredUpTo);
  if (state.stoppedAt > 0 || entry === undefined) return;
  const commands = decodeCommands(entry.value) ?? [];
  if (commands.some((command) => command.kind === "stop")) state.stoppedAt = state.deliveredUpTo;
}

/**
 * A member that was kept from voting may vote from now on; unless its own disk has lost something.
 */
export function onAdmit(state: MultipaxosState, out: Out): void {
  if (state.voter || state.impaired) return;
  // What it noted as a learner counts as accepted from now on, so it must be durable first.
  checkpoint(out, checkpointRecords(state));
  state.voter = true;
  armElection(state, out);
}
