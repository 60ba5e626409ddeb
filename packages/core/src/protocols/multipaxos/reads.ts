import type { NodeId } from "../../ids.ts";
import type { Out, ReadAt, ReadIndex } from "./messages.ts";
import { setTimer, tellNow, tellOthersNow } from "./send.ts";
import type { Leader, MultipaxosState, ReadToken } from "./state.ts";

/**
 * Linearizable reads without a slot of their own. The leader notes its chosen prefix, then asks
 * whether a phase-2 quorum still knows of no higher ballot: such a quorum meets every phase-1
 * quorum, so nobody else can have had anything chosen when the round began. Rounds are heartbeats;
 * their numbers never repeat within a ballot, so an answer counts for its round and all earlier
 * ones, never for a later one.
 */

/** Rounds under way at the same time; reads that come later share the next one. */
const ROUNDS_MAX = 2;

/** Reads of other members that a leader keeps; beyond, they ask again. */
const REMOTE_READS_MAX = 8192;

/** Reads of this replica's host. */
export function onRead(state: MultipaxosState, out: Out, reads: readonly number[]): void {
  if (reads.length === 0) return;
  if (state.role.kind === "leader") {
    state.role.waiting.push({ kind: "local", reads });
    return;
  }
  state.readNumber += 1;
  state.reads.set(state.readNumber, reads);
  if (state.reads.size === 1) setTimer(out, "reads", state.tuning.readRetryMs);
  if (state.leader !== null) askLeader(state, out, state.leader, state.readNumber);
}

/**
 * Everything unanswered in one attempt, under a number of its own: an answer to an older one is too
 * old.
 */
export function askReadsAgain(state: MultipaxosState, out: Out): void {
  if (state.reads.size === 0) return;
  const reads: number[] = [];
  for (const batch of state.reads.values()) reads.push(...batch);
  state.reads = new Map();
  onRead(state, out, reads);
}

/** A follower asks for the position of a read that has begun there. */
export function onReadIndex(state: MultipaxosState, from: NodeId, message: ReadIndex): void {
  const { role } = state;
  if (role.kind !== "leader" || role.waiting.length >= REMOTE_READS_MAX) return;
  const { incarnation, number } = message;
  role.waiting.push({ kind: "remote", from, incarnation, number });
}

export function onReadAt(state: MultipaxosState, out: Out, message: ReadAt): void {
  if (message.incarnation !== state.incarnation) return;
  const reads = state.reads.get(message.number);
  if (reads === undefined) return;
  state.reads.delete(message.number);
  if (state.reads.size === 0) setTimer(out, "reads", null);
  out.push({ kind: "readable", reads, position: { log: 0, index: message.index } });
}

/** Begins a round: reads that wait are covered by it, if this leader may serve reads at all. */
export function beat(state: MultipaxosState, out: Out, role: Leader): void {
  role.round += 1;
  if (mayServe(state, role) && role.waiting.length > 0) {
    role.rounds.push({ round: role.round, index: state.chosenUpTo, tokens: role.waiting });
    role.waiting = [];
  }
  tellOthersNow(state, out, {
    kind: "heartbeat",
    ballot: role.ballot,
    round: role.round,
    chosenUpTo: state.chosenUpTo,
  });
  role.announced = state.chosenUpTo;
}

/** Answers the rounds that are confirmed and begins the next one as soon as there is room. */
export function serveReads(state: MultipaxosState, out: Out, role: Leader): void {
  answerConfirmed(state, out, role);
  while (role.waiting.length > 0 && role.rounds.length < ROUNDS_MAX && mayServe(state, role)) {
    beat(state, out, role);
    answerConfirmed(state, out, role);
  }
}

/**
 * Reads of this replica that no round confirmed go to the next leader; others ask again themselves.
 */
export function keepReads(state: MultipaxosState, out: Out, role: Leader): void {
  const reads: number[] = [];
  for (const token of [...role.rounds.flatMap((round) => round.tokens), ...role.waiting])
    if (token.kind === "local") reads.push(...token.reads);
  if (reads.length === 0) return;
  state.readNumber += 1;
  state.reads.set(state.readNumber, reads);
  setTimer(out, "reads", state.tuning.readRetryMs);
}

/** Reads asked of others are now served here. */
export function adoptReads(state: MultipaxosState, out: Out, role: Leader): void {
  for (const reads of state.reads.values()) role.waiting.push({ kind: "local", reads });
  if (state.reads.size > 0) setTimer(out, "reads", null);
  state.reads = new Map();
}

/**
 * Everything chosen before this ballot is known here, and the configuration has not ended as far as
 * that reaches: after a stop, the next configuration may have executed more.
 */
function mayServe(state: MultipaxosState, role: Leader): boolean {
  return (
    state.chosenUpTo >= role.barrier &&
    state.deliveredUpTo === state.chosenUpTo &&
    state.stoppedAt === 0
  );
}

function answerConfirmed(state: MultipaxosState, out: Out, role: Leader): void {
  for (;;) {
    const oldest = role.rounds[0];
    if (oldest === undefined || !isConfirmed(state, role, oldest.round)) return;
    role.rounds.shift();
    for (const token of oldest.tokens) answer(state, out, token, oldest.index);
  }
}

function isConfirmed(state: MultipaxosState, role: Leader, round: number): boolean {
  const confirmed = new Set([state.settings.self]);
  for (const [member, acked] of role.acked) if (acked >= round) confirmed.add(member);
  return state.settings.quorums.isPhase2(confirmed);
}

function answer(state: MultipaxosState, out: Out, token: ReadToken, index: number): void {
  if (token.kind === "local") {
    out.push({ kind: "readable", reads: token.reads, position: { log: 0, index } });
    return;
  }
  const { incarnation, number } = token;
  tellNow(state, out, token.from, { kind: "readAt", incarnation, number, index });
}

function askLeader(state: MultipaxosState, out: Out, leader: NodeId, number: number): void {
  const { incarnation } = state;
  tellNow(state, out, leader, { kind: "readIndex", incarnation, number });
}
