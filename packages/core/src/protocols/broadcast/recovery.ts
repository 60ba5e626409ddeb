import { sameBallot } from "../../ballot.ts";
import { decodeCommands } from "../../command-codec.ts";
import type { About, JournalRecord } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import type { Start } from "../../protocol.ts";
import { createProposer, recoverAcceptor, see } from "../paxos/index.ts";
import { tellProgress } from "./catch-up.ts";
import { checkpoint, skipTo } from "./compaction.ts";
import type { Out } from "./messages.ts";
import { hearOfDecided, hearOfOpen } from "./order.ts";
import { type BroadcastRecord, decodeRecord, LOGS } from "./records.ts";
import { persist, setTimer } from "./send.ts";
import { type BroadcastState, instanceAt } from "./state.ts";

/** Journal records in the order in which they were written. */
export function onRecover(state: BroadcastState, records: readonly JournalRecord[]): void {
  invariant(state.phase === "recovering", "recover after start");
  for (const { record: bytes } of records) {
    const record = decodeRecord(bytes);
    if (record === null) state.unreadable = true;
    else apply(state, record);
  }
}

function apply(state: BroadcastState, record: BroadcastRecord): void {
  switch (record.kind) {
    case "promised":
    case "accepted":
    case "damaged":
      return recoverAcceptor(instanceAt(state, record.slot).acceptor, record);
    case "began": {
      const instance = instanceAt(state, record.slot);
      instance.proposer ??= createProposer(state.settings.self);
      return see(instance.proposer, record.ballot);
    }
    case "decided": {
      const accepted = state.instances.get(record.slot)?.acceptor.accepted ?? null;
      if (accepted !== null && sameBallot(accepted.ballot, record.ballot))
        hold(state, record.slot, accepted.value);
      return;
    }
    case "learned":
      return hold(state, record.slot, record.value);
    case "lost":
      state.lost.add(record.slot);
      return;
    case "stopped":
      state.stoppedAt = Math.max(state.stoppedAt, record.slot);
      return;
    case "impaired":
      state.impaired = true;
      return;
    case "compacted":
      state.compactedUpTo = Math.max(state.compactedUpTo, record.compactedUpTo);
      return;
  }
}

function hold(state: BroadcastState, slot: Slot, value: Uint8Array): void {
  state.decided.set(slot, value);
  state.instances.delete(slot);
  state.lost.delete(slot);
}

/** The end of recovery: what the records and the snapshot together say, and no more than that. */
export function onStart(state: BroadcastState, out: Out, start: Start): void {
  invariant(state.phase === "recovering", "started twice");
  state.phase = "running";
  state.incarnation = start.incarnation;
  const missing = start.missing === "unnamed" || state.unreadable ? null : start.missing;
  const amnesiac = missing === null || missing.some((about) => about.ballot === undefined);
  const newlyImpaired = amnesiac && !state.impaired;
  state.impaired ||= amnesiac;
  for (const about of missing ?? []) markDamaged(state, about);
  settle(state, start.delivered.index);
  // Damage is named in terms of records that are there. One checkpoint says what it comes to,
  // before anything is written that an old name could be held against at the next start.
  if (missing !== null && missing.length > 0) checkpoint(state, out);
  // Durable, because the next checkpoint takes away what tells of the damage.
  else if (newlyImpaired) persist(out, { kind: "impaired" });
  state.voter = start.voter && !state.impaired;
  findStop(state);
  for (const other of state.others) tellProgress(state, out, other);
  if (state.others.length > 0) setTimer(out, "gossip", state.tuning.gossipMs);
}

/**
 * A promise that is damaged still binds, and so does a ballot that was used; of a damaged
 * acceptance nothing may be told. A decided value stood for all that was said in its slot: there
 * this replica has no voice any more.
 */
function markDamaged(state: BroadcastState, { kind, log, first, last, ballot }: About): void {
  if (ballot === undefined) return;
  if (kind === "meta") state.compactedUpTo = Math.max(state.compactedUpTo, last);
  if (kind !== "slots" || log === LOGS.decided) return;
  for (let slot = Math.max(1, first); slot <= last; slot += 1) {
    if (state.decided.has(slot)) continue;
    if (log === LOGS.learned) {
      state.lost.add(slot);
      state.instances.delete(slot);
    } else {
      const damage = log === LOGS.accepted ? "damaged" : "promised";
      recoverAcceptor(instanceAt(state, slot).acceptor, { kind: damage, ballot });
    }
  }
}

/** Marks what is decided: what the snapshot holds, then what the records hold without a gap. */
function settle(state: BroadcastState, delivered: Slot): void {
  const { decided, compactedUpTo } = state;
  let held = delivered;
  while (held > compactedUpTo && decided.has(held)) held -= 1;
  skipTo(state, Math.max(compactedUpTo, held));
  for (const slots of [state.instances, state.lost])
    for (const slot of [...slots.keys()]) if (slot <= delivered) slots.delete(slot);
  state.deliveredUpTo = delivered;
  state.decidedUpTo = delivered;
  for (const slot of [...decided.keys(), ...state.lost]) hearOfOpen(state, slot);
  for (const [slot, { acceptor }] of state.instances)
    if (acceptor.accepted !== null || acceptor.damaged) hearOfOpen(state, slot);
  // These are decided, only not here any more: others are asked for them at once.
  const told = Math.max(state.compactedUpTo, ...state.lost);
  hearOfDecided(state, state.settings.self, told);
}

/** The configuration may have ended exactly where the snapshot was taken. */
function findStop(state: BroadcastState): void {
  const value = state.decided.get(state.deliveredUpTo);
  if (state.stoppedAt > 0 || value === undefined) return;
  const commands = decodeCommands(value) ?? [];
  if (commands.some((command) => command.kind === "stop")) state.stoppedAt = state.deliveredUpTo;
}

/**
 * A member that was kept from voting may vote from now on; unless its own disk has lost something.
 */
export function onAdmit(state: BroadcastState, out: Out): void {
  if (state.voter || state.impaired) return;
  checkpoint(state, out);
  state.voter = true;
}
