import { type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import {
  type Out,
  type P1a,
  type P2a,
  type Pvalue,
  type ReadQuery,
  type Renew,
  SLOT_MAX,
} from "./messages.ts";
import { persist, tellDurably, tellNow } from "./send.ts";
import type { Accepted, PmmcState } from "./state.ts";

/**
 * The voting memory (section 2.2). It knows nothing of epochs: a leader asks those that it needs.
 * What it answers is durable first; to an equal question it gives an equal answer.
 */

/** Phase 1: adopts a higher ballot, and tells in which one it is and what it holds. */
export function onP1a(state: PmmcState, out: Out, from: NodeId, message: P1a, now: number): void {
  const { acceptor } = state;
  if (!state.voter || message.first < 1) return;
  if (compareBallots(message.ballot, acceptor.ballot) > 0) {
    if (isLeasedToAnother(state, message.ballot, now)) return;
    acceptor.ballot = message.ballot;
    persist(state, out, { kind: "adopted", ballot: message.ballot });
  }
  const { ballot, gcSlot } = acceptor;
  const part = heldFrom(state, message.first);
  tellDurably(out, [from], { kind: "p1b", ballot, first: message.first, gcSlot, ...part });
}

/** Phase 2: accepts in the ballot that it is at, or in a higher one, which it adopts. */
export function onP2a(state: PmmcState, out: Out, from: NodeId, message: P2a): void {
  const { acceptor } = state;
  if (!state.voter) return;
  const { slot, epoch, value } = message;
  const comparison = compareBallots(message.ballot, acceptor.ballot);
  if (comparison >= 0 && slot > acceptor.gcSlot) {
    const before = acceptor.accepted.get(slot);
    acceptor.ballot = message.ballot;
    if (before === undefined || !sameBallot(before.ballot, message.ballot)) {
      acceptor.accepted.set(slot, { ballot: message.ballot, epoch, value });
      acceptor.highest = Math.max(acceptor.highest, slot);
      persist(state, out, { kind: "accepted", ballot: message.ballot, slot, epoch, value });
    }
  }
  const { ballot, gcSlot } = acceptor;
  tellDurably(out, [from], { kind: "p2b", commander: message.ballot, ballot, slot, gcSlot });
}

/**
 * For a read-only command (section 4.5): what is chosen now was accepted by a quorum that meets
 * every quorum of those who answer.
 */
export function onReadQuery(state: PmmcState, out: Out, from: NodeId, message: ReadQuery): void {
  if (!state.voter) return;
  const { incarnation, number } = message;
  const slot = Math.max(state.acceptor.highest, state.acceptor.gcSlot);
  tellNow(state, out, [from], { kind: "readReply", incarnation, number, slot });
}

/** Grants a lease to the owner of the ballot that it is at. */
export function onRenew(
  state: PmmcState,
  out: Out,
  from: NodeId,
  message: Renew,
  now: number,
): void {
  const { acceptor, tuning } = state;
  const { ballot, round } = message;
  if (!state.voter || tuning.leaseMs === 0 || !sameBallot(ballot, acceptor.ballot)) return;
  acceptor.leaseUntil = Math.max(acceptor.leaseUntil, now + tuning.leaseMs);
  tellNow(state, out, [from], { kind: "grant", ballot, round });
}

function isLeasedToAnother(state: PmmcState, ballot: Ballot, now: number): boolean {
  const { acceptor } = state;
  return now < acceptor.leaseUntil && ballot.proposer !== acceptor.ballot.proposer;
}

/** As many pvalues from `first` on as fit into one message, and up to where that is all. */
function heldFrom(
  state: PmmcState,
  first: Slot,
): { readonly last: Slot; readonly pvalues: readonly Pvalue[] } {
  const { accepted } = state.acceptor;
  const slots = [...accepted.keys()].filter((slot) => slot >= first).sort((a, b) => a - b);
  const pvalues: Pvalue[] = [];
  let bytes = 0;
  for (const slot of slots) {
    const { ballot, epoch, value } = accepted.get(slot) as Accepted;
    bytes += value.length + 32;
    if (pvalues.length > 0 && bytes > state.tuning.chunkBytes) return { last: slot - 1, pvalues };
    pvalues.push({ ballot, slot, epoch, value });
  }
  return { last: SLOT_MAX, pvalues };
}
