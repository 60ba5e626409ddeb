import type { JournalRecord } from "../../effect.ts";
import type { NodeId } from "../../ids.ts";
import type { MultipaxosMessage, Out } from "./messages.ts";
import { journalRecord, type MultipaxosRecord } from "./records.ts";
import type { MultipaxosState } from "./state.ts";

/** At once, to one member; nothing happens when that is this one. */
export function tellNow(
  state: MultipaxosState,
  out: Out,
  to: NodeId,
  message: MultipaxosMessage,
): void {
  if (to !== state.settings.self) out.push({ kind: "sendNow", to: [to], message });
}

/** At once, to all other members. */
export function tellOthersNow(state: MultipaxosState, out: Out, message: MultipaxosMessage): void {
  if (state.others.length > 0) out.push({ kind: "sendNow", to: state.others, message });
}

/** Once everything persisted so far is durable. */
export function tellDurably(out: Out, to: readonly NodeId[], message: MultipaxosMessage): void {
  if (to.length > 0) out.push({ kind: "send", to, message });
}

export function persist(out: Out, record: MultipaxosRecord): void {
  out.push({ kind: "persist", ...journalRecord(record) });
}

export function note(out: Out, record: MultipaxosRecord): void {
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
  /** Follower: the leader is missed. Prober, candidate: this attempt has failed. */
  "election",
  /** The shortest election time-out has passed since the last heartbeat. */
  "quiet",
  "heartbeat",
  /** The leader looks whether it still reaches a phase-2 quorum. */
  "check",
  "resend",
  "catchUp",
  "reads",
  /** More is chosen than one step may deliver. */
  "deliver",
] as const;
