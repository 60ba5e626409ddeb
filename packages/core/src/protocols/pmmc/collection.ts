import type { NodeId, Slot } from "../../ids.ts";
import { checkpointRecords } from "./checkpoint.ts";
import { forgetEpochs } from "./epochs.ts";
import { raiseFloor } from "./leader.ts";
import type { Out, Report } from "./messages.ts";
import { checkpoint, setTimer, tellNow } from "./send.ts";
import type { PmmcState } from "./state.ts";

/**
 * Garbage collection (section 4.2): what more than half of the replicas hold in durable snapshots,
 * acceptors and leaders forget. Acceptors keep the marker `gcSlot`, without which a new leader
 * would take forgotten slots for free ones.
 */

/** Tells everybody how far this replica is. */
export function report(state: PmmcState, out: Out): void {
  const { replica, tuning } = state;
  if (replica === null) return;
  const { stableUpTo, slotOut } = replica;
  const message = { kind: "report", stableUpTo, decidedUpTo: slotOut - 1 } as const;
  tellNow(state, out, state.settings.members, message);
  setTimer(out, "report", tuning.reportMs);
}

export function onReport(state: PmmcState, out: Out, from: NodeId, message: Report): void {
  const { replica, replicas } = state;
  if (!replicas.includes(from)) return;
  state.stable.set(from, message.stableUpTo);
  if (replica !== null && from !== state.settings.self && message.decidedUpTo > replica.known.slot)
    replica.known = { slot: message.decidedUpTo, from };
  const told = replicas.map((id) => state.stable.get(id) ?? 0).sort((a, b) => b - a);
  collect(state, out, told[Math.floor(replicas.length / 2)] ?? 0);
}

function collect(state: PmmcState, out: Out, upTo: Slot): void {
  const { acceptor, replica } = state;
  if (upTo > acceptor.gcSlot) {
    acceptor.gcSlot = upTo;
    for (const slot of acceptor.accepted.keys()) if (slot <= upTo) acceptor.accepted.delete(slot);
    raiseFloor(state, upTo);
    forgetEpochs(state, Math.min(upTo, replica?.stableUpTo ?? upTo));
  }
  // Nobody tells a member without a state machine when to cut its journal.
  if (replica === null && acceptor.written > state.tuning.checkpointBytes)
    checkpoint(state, out, checkpointRecords(state));
}
