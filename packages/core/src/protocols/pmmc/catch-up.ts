import type { NodeId } from "../../ids.ts";
import type { Ask, Behind, Decisions, Out } from "./messages.ts";
import { decided } from "./replica.ts";
import { tellNow } from "./send.ts";
import type { PmmcState, ReplicaState } from "./state.ts";

/**
 * A replica that hears of others being further asks them for decisions; for what they hold in
 * snapshots alone its host fetches one.
 */

/** Looks whether this replica is behind and did not get on since the last look. */
export function askOthers(state: PmmcState, out: Out, replica: ReplicaState): void {
  if (replica.stateWait > 0) replica.stateWait -= 1;
  if (replica.known.slot < replica.slotOut || replica.decisions.has(replica.slotOut)) {
    replica.askedInVain = 0;
    return;
  }
  const others = state.replicas.filter((id) => id !== state.settings.self);
  const start = Math.max(0, others.indexOf(replica.known.from));
  const asked = others[(start + replica.askedInVain) % others.length];
  replica.askedInVain += 1;
  if (asked !== undefined) tellNow(state, out, [asked], { kind: "ask", first: replica.slotOut });
}

export function onAsk(state: PmmcState, out: Out, from: NodeId, message: Ask): void {
  const { replica, tuning } = state;
  if (replica === null) return;
  const { first } = message;
  if (first <= replica.compactedUpTo) {
    const { compactedUpTo } = replica;
    return tellNow(state, out, [from], { kind: "behind", compactedUpTo });
  }
  const values: Uint8Array[] = [];
  let bytes = 0;
  for (let slot = first; ; slot += 1) {
    const value = replica.decisions.get(slot);
    if (value === undefined) break;
    bytes += value.length + 4;
    if (values.length > 0 && bytes > tuning.chunkBytes) break;
    values.push(value);
  }
  if (values.length > 0) tellNow(state, out, [from], { kind: "decisions", first, values });
}

export function onDecisions(state: PmmcState, out: Out, from: NodeId, message: Decisions): void {
  const { replica } = state;
  if (replica === null) return;
  const { first, values } = message;
  for (const [index, value] of values.entries()) decided(state, out, first + index, value);
  const next = first + values.length;
  replica.askedInVain = 0;
  if (next > replica.slotOut && next <= replica.known.slot && !replica.decisions.has(next))
    tellNow(state, out, [from], { kind: "ask", first: next });
}

export function onBehind(state: PmmcState, out: Out, from: NodeId, message: Behind): void {
  const { replica, tuning } = state;
  if (replica === null || message.compactedUpTo < replica.slotOut || replica.stateWait > 0) return;
  replica.stateWait = Math.ceil(tuning.stateRetryMs / tuning.retryMs);
  const others = state.replicas.filter((id) => id !== state.settings.self && id !== from);
  const position = { log: 0, index: message.compactedUpTo };
  out.effects.push({ kind: "requestState", position, from: [from, ...others] });
}
