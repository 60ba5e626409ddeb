import { BALLOT_NONE, type Ballot, compareBallots } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { About, JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { isAcceptor, type Start } from "../../protocol.ts";
import { campaign } from "./candidate.ts";
import { checkpointRecords } from "./compaction.ts";
import { faultyRuns, markFaulty } from "./faulty.ts";
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
      for (const [index, value] of record.values.entries()) {
        state.log.set(record.first + index, { ballot: record.ballot, value, chosen: false });
        state.faulty.delete(record.first + index);
      }
      return;
    case "learned":
      for (const [index, value] of record.values.entries()) {
        state.log.set(record.first + index, { ballot: BALLOT_NONE, value, chosen: true });
        state.faulty.delete(record.first + index);
      }
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
    case "faulty":
      raisePromise(state, record.ballot);
      for (let slot = record.first; slot <= record.last; slot += 1)
        markFaulty(state, slot, record.ballot);
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
  const named = start.missing === "unnamed" || recovery.unreadable ? null : start.missing;
  const amnesiac = named === null || named.some((about) => !isUnderstood(about));
  const newlyImpaired = amnesiac && !state.impaired;
  state.impaired ||= amnesiac;
  if (named !== null) markDamaged(state, named);
  else forgetLog(state);
  settleChosen(state, start.delivered.index, named === null ? 0 : recovery.chosenUpTo);
  tellFaulty(state, out);
  // Damage is named in terms of records that are there. One checkpoint says the same in terms of
  // slots, before anything is written that an old name could be held against at the next start.
  if (named !== null && named.length > 0) checkpoint(out, checkpointRecords(state));
  // Durable, because the next checkpoint takes away what tells of the damage.
  else if (newlyImpaired) persist(out, { kind: "impaired" });
  state.voter = start.voter && !state.impaired && isAcceptor(state.settings);
  see(state, state.promised);
  findStop(state);
  if (state.others.length === 0 && state.voter) setTimer(out, "election", 0);
  else if (start.led === true && state.voter) campaign(state, out);
  else armElection(state, out);
}

/** Whether the name says all that has to be remembered: slots, or a promise and nothing else. */
function isUnderstood(about: About): boolean {
  return about.kind === "slots" || (about.kind === "meta" && about.ballot !== undefined);
}

/**
 * Promises that are damaged still bind, and slots of damaged records become faulty. An intact
 * acceptance in the ballot of the damaged one, or in a higher one, is all that counts of the slot,
 * and so is a learned value. A record without a ballot held a learned value, maybe in the place of
 * an acceptance that a checkpoint has left out since: in no ballot above the promise. An intact
 * acceptance beside it is not believed, as a mark may have meant the learned value.
 */
function markDamaged(state: MultipaxosState, missing: readonly About[]): void {
  for (const { ballot } of missing) if (ballot !== undefined) raisePromise(state, ballot);
  for (const { kind, first, last, ballot } of missing) {
    if (kind === "meta") state.compactedUpTo = Math.max(state.compactedUpTo, last);
    if (kind !== "slots") continue;
    for (let slot = Math.max(1, first); slot <= last; slot += 1) {
      const entry = state.log.get(slot);
      const newer =
        entry !== undefined && ballot !== undefined && compareBallots(entry.ballot, ballot) >= 0;
      if (!newer && entry?.chosen !== true) markFaulty(state, slot, ballot ?? state.promised);
    }
  }
}

/** Which value a mark meant is unknown when a record before it may be gone, whichever it was. */
function forgetLog(state: MultipaxosState): void {
  state.log = new Map();
  state.faulty = new Map();
}

function tellFaulty(state: MultipaxosState, out: Out): void {
  for (const { first, last, ballot } of faultyRuns(state)) {
    const detail = { first, last, round: ballot.round };
    out.push({ kind: "observe", event: "slot faulty", detail });
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
  // Nobody asks any more about slots that the snapshot holds, or that are said to be compacted.
  const settled = Math.max(delivered, state.compactedUpTo);
  for (const slot of [...state.faulty.keys()]) if (slot <= settled) state.faulty.delete(slot);
  // A mark beyond a faulty slot says that others have its value: they are asked for it at once.
  const chosenUpTo = Math.max(state.chosenUpTo, state.compactedUpTo, marked);
  hearOfChosen(state, state.settings.self, chosenUpTo);
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
  if (state.voter || state.impaired || !isAcceptor(state.settings)) return;
  // What it noted as a learner counts as accepted from now on, so it must be durable first.
  checkpoint(out, checkpointRecords(state));
  state.voter = true;
  armElection(state, out);
}
