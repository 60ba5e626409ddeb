import type { NodeId, Slot } from "../../ids.ts";
import type { BroadcastMessage, InstanceMessage, Out } from "./messages.ts";
import { type BroadcastRecord, journalRecord } from "./records.ts";
import type { BroadcastState } from "./state.ts";

/** At once, to whoever of these is not this member. */
export function tellNow(
  state: BroadcastState,
  out: Out,
  to: readonly NodeId[],
  message: BroadcastMessage,
): void {
  const others = to.filter((member) => member !== state.settings.self);
  if (others.length > 0) out.push({ kind: "sendNow", to: others, message });
}

/** Once everything persisted so far is durable; to this member itself, too. */
export function tellDurably(
  out: Out,
  to: readonly NodeId[],
  slot: Slot,
  message: InstanceMessage,
): void {
  if (to.length > 0) out.push({ kind: "send", to, message: { kind: "decree", slot, message } });
}

export function persist(out: Out, record: BroadcastRecord): void {
  out.push({ kind: "persist", ...journalRecord(record) });
}

export function note(out: Out, record: BroadcastRecord): void {
  out.push({ kind: "note", ...journalRecord(record) });
}

export function setTimer(out: Out, name: TimerName, ms: number | null): void {
  out.push({ kind: "timer", name, ms });
}

/** Every timer of a replica; the names travel through the host. */
export type TimerName = (typeof TIMER_NAMES)[number];

export const TIMER_NAMES = [
  /** Others have been let go first for long enough. */
  "turn",
  /** Ballots under way are said again to whoever has not answered. */
  "resend",
  "catchUp",
  "reads",
  "gossip",
  /** More is decided than one step may deliver. */
  "deliver",
] as const;
