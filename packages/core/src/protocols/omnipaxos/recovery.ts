import { BALLOT_NONE, type Ballot, compareBallots } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { About, JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { isAcceptor, type Start } from "../../protocol.ts";
import { claimOf, loseFrom, repair } from "./claims.ts";
import { checkpointRecords } from "./compaction.ts";
import { hearOfChosen } from "./learner.ts";
import type { Out } from "./messages.ts";
import { decodeRecord, type OmniPaxosRecord } from "./records.ts";
import { askToBePrepared } from "./roles.ts";
import { checkpoint, persist, setTimer } from "./send.ts";
import { follower, type Recovery, type SequenceState } from "./state.ts";

/** Journal records in the order in which they were written. */
export function onRecover(state: SequenceState, records: readonly JournalRecord[]): void {
  const { recovery } = state;
  invariant(recovery !== null, "recover after start");
  for (const { record } of records) {
    const decoded = decodeRecord(record);
    if (decoded === null) recovery.unreadable = true;
    else replay(state, recovery, decoded);
  }
}

function replay(state: SequenceState, recovery: Recovery, record: OmniPaxosRecord): void {
  switch (record.kind) {
    case "promised":
      return raisePromise(state, record.ballot);
    case "accepted":
      raisePromise(state, record.ballot);
      raiseAccepted(state, record.ballot);
      return write(state, recovery, record.ballot, record);
    case "synced":
      raisePromise(state, record.ballot);
      raiseAccepted(state, record.ballot);
      cut(state, record.first);
      return write(state, recovery, record.ballot, record);
    case "learned":
      if (record.contradicts) {
        cut(state, record.first + record.values.length);
        state.acceptedIn = BALLOT_NONE;
      }
      return write(state, recovery, BALLOT_NONE, record);
    case "chosen":
      recovery.chosenUpTo = Math.max(recovery.chosenUpTo, record.chosenUpTo);
      return;
    case "stopped":
      state.stoppedAt = record.slot;
      return;
    case "impaired":
      state.impaired = true;
      return;
    case "lost":
      raisePromise(state, record.acceptedIn);
      state.lost = { acceptedIn: record.acceptedIn, length: record.length };
      return;
    case "meta":
      raisePromise(state, record.promised);
      raiseAccepted(state, record.acceptedIn);
      state.compactedUpTo = Math.max(state.compactedUpTo, record.compactedUpTo);
      state.length = Math.max(state.length, state.compactedUpTo);
      state.stoppedAt = Math.max(state.stoppedAt, record.stoppedAt);
      state.impaired = state.impaired || record.impaired;
      return;
  }
}

function write(
  state: SequenceState,
  recovery: Recovery,
  ballot: Ballot,
  { first, values }: { readonly first: Slot; readonly values: readonly Uint8Array[] },
): void {
  for (const [index, value] of values.entries()) {
    state.log.set(first + index, value);
    recovery.written.set(first + index, ballot);
  }
  state.length = Math.max(state.length, first + values.length - 1);
}

function cut(state: SequenceState, from: Slot): void {
  for (let slot = from; slot <= state.length; slot += 1) state.log.delete(slot);
  state.length = Math.min(state.length, from - 1);
}

function raisePromise(state: SequenceState, ballot: Ballot): void {
  if (compareBallots(ballot, state.promised) > 0) state.promised = ballot;
}

function raiseAccepted(state: SequenceState, ballot: Ballot): void {
  if (compareBallots(ballot, state.acceptedIn) > 0) state.acceptedIn = ballot;
}

/** The end of recovery: what the records and the snapshot together say, and no more than that. */
export function onStart(state: SequenceState, out: Out, start: Start): void {
  const { recovery } = state;
  invariant(recovery !== null, "started twice");
  state.recovery = null;
  state.phase = "running";
  state.incarnation = start.incarnation;
  const named = start.missing === "unnamed" || recovery.unreadable ? null : start.missing;
  const amnesiac = named === null || named.some((about) => !isUnderstood(about));
  const newlyImpaired = amnesiac && !state.impaired;
  state.impaired ||= amnesiac;
  let marked = recovery.chosenUpTo;
  if (named === null) {
    state.log = new Map();
    marked = 0;
  } else loseDamaged(state, recovery, named, start.delivered.index);
  const snapshotLost = loseSnapshot(state, start.delivered.index);
  const isBehind = snapshotLost || start.delivered.index > state.length;
  settle(state, start.delivered.index, marked);
  tellLost(state, out);
  repair(state, out);
  // Damage is named in terms of records that are there. One checkpoint says the same in terms of
  // the log, before anything is written that an old name could be held against at the next start.
  // A snapshot beyond the records leaves a gap before what is appended next: they are cut, too.
  if (named !== null && (named.length > 0 || isBehind)) checkpoint(out, checkpointRecords(state));
  // Durable, because the next checkpoint takes away what tells of the damage.
  else if (newlyImpaired) persist(out, { kind: "impaired" });
  state.voter = start.voter && !state.impaired && isAcceptor(state.settings);
  findStop(state);
  awaitPrepare(state, out);
}

/** Whether the name says all that has to be remembered: slots, or a promise and nothing else. */
function isUnderstood(about: About): boolean {
  return about.kind === "slots" || (about.kind === "meta" && about.ballot !== undefined);
}

/**
 * Promises that are damaged still bind. The log ends before the first slot that a damaged record
 * may have given its value, unless a record of at least its ballot did so again. What the log was
 * is bounded by what is left of it and by the names: no higher ballot, and no longer.
 */
function loseDamaged(
  state: SequenceState,
  recovery: Recovery,
  missing: readonly About[],
  delivered: Slot,
): void {
  for (const { ballot } of missing) if (ballot !== undefined) raisePromise(state, ballot);
  let from = Number.POSITIVE_INFINITY;
  let lost = claimOf(state);
  for (const { kind, first, last, ballot } of missing) {
    if (kind === "meta") state.compactedUpTo = Math.max(state.compactedUpTo, last);
    if (kind !== "slots") continue;
    const bound = ballot ?? state.promised;
    for (let slot = Math.max(1, first); slot <= last && slot < from; slot += 1)
      if (!isWrittenAgain(state, recovery, slot, ballot)) from = slot;
    const acceptedIn = compareBallots(bound, lost.acceptedIn) > 0 ? bound : lost.acceptedIn;
    lost = { acceptedIn, length: Math.max(lost.length, last) };
  }
  const settled = Math.max(delivered, state.compactedUpTo);
  const gap = firstGap(state, settled);
  if (from !== Number.POSITIVE_INFINITY || gap !== null)
    loseFrom(state, Math.max(settled + 1, Math.min(from, gap ?? from)), lost);
}

/** Of two values in one slot and ballot there is only one; a learned one may be any. */
function isWrittenAgain(
  state: SequenceState,
  recovery: Recovery,
  slot: Slot,
  ballot: Ballot | undefined,
): boolean {
  const written = recovery.written.get(slot);
  if (ballot === undefined || written === undefined || !state.log.has(slot)) return false;
  return compareBallots(written, ballot) >= 0;
}

/**
 * The log begins after a snapshot that is not there any more: nothing of it can be shown, and it is
 * learned anew from where the state here ends. Says whether that is so.
 */
function loseSnapshot(state: SequenceState, delivered: Slot): boolean {
  const { compactedUpTo } = state;
  if (compactedUpTo <= delivered) return false;
  hearOfChosen(state, state.settings.self, compactedUpTo);
  loseFrom(state, delivered + 1, claimOf(state));
  state.compactedUpTo = delivered;
  return true;
}

function firstGap(state: SequenceState, settled: Slot): Slot | null {
  for (let slot = settled + 1; slot <= state.length; slot += 1)
    if (!state.log.has(slot)) return slot;
  return null;
}

function tellLost(state: SequenceState, out: Out): void {
  const { lost } = state;
  if (lost === null) return;
  const detail = { from: state.length + 1, length: lost.length, round: lost.acceptedIn.round };
  out.push({ kind: "observe", event: "log lost", detail });
}

/** Puts snapshot, log and mark together. */
function settle(state: SequenceState, delivered: Slot, marked: Slot): void {
  // A snapshot that was transferred does not say that the values accepted here were the ones.
  if (marked < delivered) state.compactedUpTo = delivered;
  for (let slot = delivered; slot > state.compactedUpTo; slot -= 1)
    if (!state.log.has(slot)) state.compactedUpTo = slot;
  for (const slot of [...state.log.keys()]) if (slot <= state.compactedUpTo) state.log.delete(slot);
  let length = delivered;
  while (state.log.has(length + 1)) length += 1;
  for (const slot of [...state.log.keys()]) if (slot > length) state.log.delete(slot);
  state.length = length;
  state.deliveredUpTo = delivered;
  state.decidedUpTo = Math.max(delivered, Math.min(marked, length));
  // A mark beyond the log says that others have the rest: they are asked for it at once.
  hearOfChosen(state, state.settings.self, Math.max(state.decidedUpTo, marked));
}

/** The configuration may have ended exactly where the snapshot was taken. */
function findStop(state: SequenceState): void {
  const value = state.log.get(state.deliveredUpTo);
  if (state.stoppedAt > 0 || value === undefined) return;
  const commands = decodeCommands(value) ?? [];
  if (commands.some((command) => command.kind === "stop")) state.stoppedAt = state.deliveredUpTo;
}

/** A phase of its own: nothing is accepted in the old ballot before its leader prepares again. */
function awaitPrepare(state: SequenceState, out: Out): void {
  const isBlank = compareBallots(state.promised, BALLOT_NONE) === 0 && state.length === 0;
  state.role = follower(isBlank ? "idle" : "recover");
  if (isBlank || !state.voter) return;
  askToBePrepared(state, out);
  setTimer(out, "resend", state.tuning.resendMs);
}

/**
 * A member that was kept from voting may vote from now on; unless its own disk has lost something.
 */
export function onAdmit(state: SequenceState, out: Out): void {
  if (state.voter || state.impaired || !isAcceptor(state.settings)) return;
  // What it noted as a learner counts from now on, so it must be durable first.
  checkpoint(out, checkpointRecords(state));
  state.voter = true;
  awaitPrepare(state, out);
}
