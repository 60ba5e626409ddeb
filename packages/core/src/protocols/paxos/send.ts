import type { JournalRecord } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import type { Out, PaxosMessage } from "./messages.ts";
import { journalRecord, type PaxosRecord } from "./records.ts";
import type { PaxosState } from "./state.ts";

/** At once, to whoever of these is not this member. */
export function tellNow(
  state: PaxosState,
  out: Out,
  to: readonly NodeId[],
  message: PaxosMessage,
): void {
  const others = to.filter((member) => member !== state.settings.self);
  if (others.length > 0) out.push({ kind: "sendNow", to: others, message });
}

/** Once everything persisted so far is durable; to this member itself, too. */
export function tellDurably(out: Out, to: readonly NodeId[], message: PaxosMessage): void {
  if (to.length > 0) out.push({ kind: "send", to, message });
}

/** Writes a record; now and then all that counts, in place of all records so far. */
export function persist(state: PaxosState, out: Out, record: PaxosRecord): void {
  state.journalLength += 1;
  if (state.journalLength >= state.tuning.recordsMax) checkpoint(state, out);
  else out.push({ kind: "persist", ...journalRecord(record) });
}

/** All durable that counts, as the only records that are left. */
export function checkpoint(state: PaxosState, out: Out): void {
  const records = checkpointRecords(state);
  state.journalLength = records.length;
  out.push({ kind: "checkpoint", records });
}

function checkpointRecords({ acceptor, proposer, learner, impaired }: PaxosState): JournalRecord[] {
  const { promised, accepted, damaged } = acceptor;
  const records: PaxosRecord[] = [{ kind: "began", ballot: proposer.highest }];
  if (accepted !== null) records.push({ kind: "accepted", ...accepted });
  if (damaged) records.push({ kind: "damaged", ballot: promised });
  records.push({ kind: "promised", ballot: promised });
  if (learner.chosen !== null) records.push({ kind: "chosen", value: learner.chosen });
  if (impaired) records.push({ kind: "impaired" });
  return records.map(journalRecord);
}

export function setTimer(out: Out, name: TimerName, ms: number | null): void {
  out.push({ kind: "timer", name, ms });
}

/** Every timer of a replica; the names travel through the host. */
export type TimerName = (typeof TIMER_NAMES)[number];

export const TIMER_NAMES = [
  /** The next ballot after one that was outbid; the next forward where one may not propose. */
  "retry",
  /** The ballot under way is said again to whoever has not answered. */
  "resend",
  /** The learner asks again. */
  "ask",
] as const;
