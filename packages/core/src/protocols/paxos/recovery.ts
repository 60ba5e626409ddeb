import type { About, JournalRecord } from "../../effect.ts";
import { invariant } from "../../invariant.ts";
import type { Start } from "../../protocol.ts";
import { damageAcceptance, raisePromise, recoverAcceptor } from "./acceptor.ts";
import { pursue } from "./ballots.ts";
import { beginToLearn } from "./inquiries.ts";
import { hearChosen } from "./learner.ts";
import type { Out } from "./messages.ts";
import { conclude, deliver } from "./outcome.ts";
import { see } from "./proposer.ts";
import { decodeRecord } from "./records.ts";
import { checkpoint, persist } from "./send.ts";
import type { PaxosState } from "./state.ts";

/** Journal records in the order in which they were written. */
export function onRecover(state: PaxosState, records: readonly JournalRecord[]): void {
  invariant(state.phase === "recovering", "recover after start");
  state.journalLength += records.length;
  for (const { record: bytes } of records) {
    const record = decodeRecord(bytes);
    if (record === null) state.unreadable = true;
    else if (record.kind === "impaired") state.impaired = true;
    else if (record.kind === "chosen") hearChosen(state.learner, record.value);
    else if (record.kind === "began") see(state.proposer, record.ballot);
    else recoverAcceptor(state.acceptor, record);
  }
}

/** The end of recovery: what the records and the snapshot together say, and no more than that. */
export function onStart(state: PaxosState, out: Out, start: Start): void {
  invariant(state.phase === "recovering", "started twice");
  const { learner, proposer, acceptor } = state;
  state.phase = "running";
  state.incarnation = start.incarnation;
  const missing = start.missing === "unnamed" || state.unreadable ? null : start.missing;
  const amnesiac = missing === null || missing.some((about) => !isUnderstood(about));
  const newlyImpaired = amnesiac && !state.impaired;
  state.impaired ||= amnesiac;
  for (const about of missing ?? []) markDamaged(state, about);
  see(proposer, acceptor.promised);
  // Damage is named in terms of records that are there. One checkpoint says what it comes to,
  // before anything is written that an old name could be held against at the next start.
  if (missing !== null && missing.length > 0) checkpoint(state, out);
  // Durable, because the next checkpoint takes away what tells of the damage.
  else if (newlyImpaired) persist(state, out, { kind: "impaired" });
  state.voter = start.voter && !state.impaired;
  if (start.delivered.index > 0) {
    state.delivered = true;
    hearChosen(learner, start.image);
  }
  if (learner.chosen === null) beginToLearn(state, out);
  else deliver(state, out, learner.chosen);
}

/** Whether the name says all that has to be remembered of the record. */
function isUnderstood(about: About): boolean {
  return about.ballot !== undefined || isOutcome(about);
}

/** The record of the outcome; others know it, too. */
function isOutcome(about: About): boolean {
  return about.kind === "slots" && about.log === 1;
}

/** A promise that is damaged still binds, and so does a ballot that was used. */
function markDamaged({ acceptor, proposer }: PaxosState, { kind, ballot }: About): void {
  if (ballot === undefined) return;
  see(proposer, ballot);
  if (kind === "meta") raisePromise(acceptor, ballot);
  else damageAcceptance(acceptor, ballot);
}

/**
 * A member that was kept from voting may vote from now on; unless its own disk has lost something.
 */
export function onAdmit(state: PaxosState, out: Out): void {
  if (state.voter || state.impaired) return;
  state.voter = true;
  if (state.proposer.value !== null && state.learner.chosen === null) pursue(state, out);
}

/** A state from elsewhere holds what is chosen; the image is its value. */
export function onInstalled(state: PaxosState, out: Out, image: Uint8Array): void {
  state.delivered = true;
  if (hearChosen(state.learner, image)) conclude(state, out, image);
  checkpoint(state, out);
}
