import type { JournalRecord } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import type { OmniPaxosMessage, Out } from "./messages.ts";
import { journalRecord, type OmniPaxosRecord } from "./records.ts";
import type { SequenceState } from "./state.ts";

/** At once, to one member; nothing happens when that is this one. */
export function tellNow(
  state: SequenceState,
  out: Out,
  to: NodeId,
  message: OmniPaxosMessage,
): void {
  if (to !== state.settings.self) out.push({ kind: "sendNow", to: [to], message });
}

/** At once, to all other members. */
export function tellOthersNow(state: SequenceState, out: Out, message: OmniPaxosMessage): void {
  if (state.others.length > 0) out.push({ kind: "sendNow", to: state.others, message });
}

/** Once everything persisted so far is durable. */
export function tellDurably(out: Out, to: readonly NodeId[], message: OmniPaxosMessage): void {
  if (to.length > 0) out.push({ kind: "send", to, message });
}

export function persist(out: Out, record: OmniPaxosRecord): void {
  out.push({ kind: "persist", ...journalRecord(record) });
}

export function note(out: Out, record: OmniPaxosRecord): void {
  out.push({ kind: "note", ...journalRecord(record) });
}

export function checkpoint(out: Out, records: readonly JournalRecord[]): void {
  out.push({ kind: "checkpoint", records });
}

export function setTimer(out: Out, name: TimerName, ms: number | null): void {
  out.push({ kind: "timer", name, ms });
}

/** Every timer of a replica; the names travel through the host. */
export type TimerName = (typeof TIMER_NAMES)[number];

export const TIMER_NAMES = [
  /** A part of an election round is over. */
  "election",
  "resend",
  "catchUp",
  "reads",
  /** More is decided than one step may deliver. */
  "deliver",
] as const;
