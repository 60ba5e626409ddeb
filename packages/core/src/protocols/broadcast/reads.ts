import type { NodeId, Slot } from "../../ids.ts";
import type { Ask, Out, Told } from "./messages.ts";
import { hearOfOpen } from "./order.ts";
import { setTimer, tellNow } from "./send.ts";
import { type BroadcastState, mayAccept } from "./state.ts";

/**
 * Linearizable reads without an instance of their own. Whatever was decided before a read began, a
 * phase-2 quorum has accepted, and every phase-1 quorum has a member of it: so the highest slot
 * that a phase-1 quorum has accepted anything in is at least as high. Once everything up to there
 * is delivered here, the read may be served.
 */

/** The latest that are remembered: a host asks again for what it has not heard of for long. */
const READS_MAX = 4096;

/** Answers that wait for their slot; reads that come later wait for one of them. */
const ROUNDS_MAX = 2;

/** Reads of this replica's host. */
export function onRead(state: BroadcastState, out: Out, reads: readonly number[]): void {
  state.reads.waiting = latest(state.reads.waiting, reads);
  askNext(state, out);
}

/** A question under way may have been answered before later reads began: it is no use to them. */
function askNext(state: BroadcastState, out: Out): void {
  const { covered, waiting, cleared } = state.reads;
  if (covered.length === 0 && waiting.length > 0 && cleared.length < ROUNDS_MAX) ask(state, out);
}

function latest(before: readonly number[], after: readonly number[]): readonly number[] {
  return [...before, ...after].slice(-READS_MAX);
}

/** Under a number that was never used before. */
function ask(state: BroadcastState, out: Out): void {
  const { reads, incarnation, roles, settings } = state;
  reads.covered = latest(reads.covered, reads.waiting);
  reads.waiting = [];
  reads.number += 1;
  reads.answered = new Map();
  tellNow(state, out, roles.acceptors, { kind: "ask", incarnation, number: reads.number });
  setTimer(out, "reads", state.tuning.readRetryMs);
  if (mayAccept(state)) hear(state, out, settings.self, state.openUpTo);
}

export function onReadsTimeout(state: BroadcastState, out: Out): void {
  if (state.reads.covered.length > 0) ask(state, out);
}

/** An acceptor answers; not after the end, when the next configuration may know more. */
export function onAsk(state: BroadcastState, out: Out, from: NodeId, message: Ask): void {
  if (!mayAccept(state) || state.stoppedAt > 0) return;
  const { incarnation, number } = message;
  tellNow(state, out, [from], { kind: "told", incarnation, number, openUpTo: state.openUpTo });
}

export function onTold(state: BroadcastState, out: Out, from: NodeId, message: Told): void {
  const { incarnation, number, openUpTo } = message;
  if (!state.roles.acceptors.includes(from)) return;
  hearOfOpen(state, openUpTo);
  if (incarnation === state.incarnation && number === state.reads.number)
    hear(state, out, from, openUpTo);
}

function hear(state: BroadcastState, out: Out, from: NodeId, openUpTo: Slot): void {
  const { reads, settings } = state;
  if (reads.covered.length === 0) return;
  reads.answered.set(from, openUpTo);
  if (!settings.quorums.isPhase1(new Set(reads.answered.keys()))) return;
  const upTo = Math.max(...reads.answered.values());
  reads.cleared.push({ upTo, reads: reads.covered });
  reads.covered = [];
  setTimer(out, "reads", null);
  askNext(state, out);
}

/**
 * What is delivered far enough; after every step. Not after the end: what the reads must reflect
 * may be part of the next configuration.
 */
export function serve(state: BroadcastState, out: Out): void {
  const { reads, deliveredUpTo, stoppedAt } = state;
  if (reads.cleared.length === 0 || stoppedAt > 0) return;
  for (const { upTo, reads: served } of reads.cleared)
    if (upTo <= deliveredUpTo)
      out.push({ kind: "readable", reads: served, position: { log: 0, index: upTo } });
  reads.cleared = reads.cleared.filter(({ upTo }) => upTo > deliveredUpTo);
  askNext(state, out);
}

/** The question may have been lost with the old connection. */
export function askAgain(state: BroadcastState, out: Out, peer: NodeId): void {
  const { reads, incarnation, roles } = state;
  if (reads.covered.length === 0 || !roles.acceptors.includes(peer)) return;
  tellNow(state, out, [peer], { kind: "ask", incarnation, number: reads.number });
}
