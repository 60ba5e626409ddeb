import type { JournalRecord } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import type { Out, PmmcMessage } from "./messages.ts";
import { journalRecord, type PmmcRecord } from "./records.ts";
import type { PmmcState } from "./state.ts";

/** At once; to the other roles of this member within the step. */
export function tellNow(
  state: PmmcState,
  out: Out,
  to: readonly NodeId[],
  message: PmmcMessage,
): void {
  const { self } = state.settings;
  const others = to.filter((member) => member !== self);
  if (others.length > 0) out.effects.push({ kind: "sendNow", to: others, message });
  if (others.length < to.length) out.local.push(message);
}

/** Once everything persisted so far is durable; to this member too, by way of the disk. */
export function tellDurably(out: Out, to: readonly NodeId[], message: PmmcMessage): void {
  if (to.length > 0) out.effects.push({ kind: "send", to, message });
}

export function persist(state: PmmcState, out: Out, record: PmmcRecord): void {
  const written = journalRecord(record);
  state.acceptor.written += written.record.length;
  out.effects.push({ kind: "persist", ...written });
}

export function note(state: PmmcState, out: Out, record: PmmcRecord): void {
  const written = journalRecord(record);
  state.acceptor.written += written.record.length;
  out.effects.push({ kind: "note", ...written });
}

export function checkpoint(state: PmmcState, out: Out, records: readonly JournalRecord[]): void {
  state.acceptor.written = 0;
  out.effects.push({ kind: "checkpoint", records });
}

export function setTimer(out: Out, name: TimerName, ms: number | null): void {
  out.effects.push({ kind: "timer", name, ms });
}

export function observe(
  out: Out,
  event: string,
  detail: Readonly<Record<string, number | string | boolean>>,
): void {
  out.effects.push({ kind: "observe", event, detail });
}

/** Every timer of a member; the names travel through the host. */
export type TimerName = (typeof TIMER_NAMES)[number];

export const TIMER_NAMES = [
  /** The leader that is waited for has been silent: begin a higher ballot. */
  "scout",
  "ping",
  /** Scouts and commanders ask again. */
  "resend",
  /** The replica looks whether it gets on: proposals, gaps, reads. */
  "retry",
  "report",
  /** More is decided than one step may deliver. */
  "deliver",
  /** The leader renews its lease. */
  "lease",
] as const;
