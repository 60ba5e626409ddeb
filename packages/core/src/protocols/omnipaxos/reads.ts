import type { NodeId } from "../../ids.ts";
import type { Out, ReadAt, ReadIndex } from "./messages.ts";
import { setTimer, tellNow, tellOthersNow } from "./send.ts";
import type { Leader, ReadToken, SequenceState } from "./state.ts";

/**
 * Linearizable reads without a slot of their own. The leader notes its decided prefix, then asks
 * whether a phase-2 quorum still knows of no higher ballot: such a quorum meets every phase-1
 * quorum, so nobody else can have had anything decided when the round began. Rounds never repeat
 * within a ballot, so an answer counts for its round and all earlier ones, never for a later one.
 */

/** Rounds under way at the same time; reads that come later share the next one. */
const ROUNDS_MAX = 2;

/** Reads of other members that are kept; beyond, they ask again. */
const REMOTE_READS_MAX = 8192;

/** Reads of this replica's host. */
export function onRead(state: SequenceState, out: Out, reads: readonly number[]): void {
  if (reads.length > 0) take(state, out, { kind: "local", reads });
}

function take(state: SequenceState, out: Out, token: ReadToken): void {
  if (state.role.kind === "leader") {
    state.role.waiting.push(token);
    return;
  }
  state.readNumber += 1;
  state.reads.set(state.readNumber, token);
  if (state.reads.size === 1) setTimer(out, "reads", state.tuning.readRetryMs);
  askLeader(state, out, state.readNumber, token.kind === "remote");
}

/**
 * Everything unanswered in one attempt, under a number of its own: an answer to an older one is too
 * old. Reads of others are forgotten: whoever asked asks again.
 */
export function askReadsAgain(state: SequenceState, out: Out): void {
  const reads: number[] = [];
  for (const token of state.reads.values()) if (token.kind === "local") reads.push(...token.reads);
  if (state.reads.size > 0) setTimer(out, "reads", null);
  state.reads = new Map();
  onRead(state, out, reads);
}

/** A follower asks for the position of a read that has begun there, itself or by a neighbour. */
export function onReadIndex(
  state: SequenceState,
  out: Out,
  from: NodeId,
  message: ReadIndex,
): void {
  const { role } = state;
  const { incarnation, number } = message;
  const token = { kind: "remote", from, incarnation, number } as const;
  if (role.kind === "leader") {
    if (role.waiting.length < REMOTE_READS_MAX) role.waiting.push(token);
  } else if (!message.relayed && state.reads.size < REMOTE_READS_MAX) take(state, out, token);
}

export function onReadAt(state: SequenceState, out: Out, message: ReadAt): void {
  if (message.incarnation !== state.incarnation) return;
  const token = state.reads.get(message.number);
  if (token === undefined) return;
  state.reads.delete(message.number);
  if (state.reads.size === 0) setTimer(out, "reads", null);
  answer(state, out, token, message.index);
}

/** Begins a round: reads that wait are covered by it. */
function ask(state: SequenceState, out: Out, role: Leader): void {
  role.round += 1;
  role.rounds.push({ round: role.round, index: state.decidedUpTo, tokens: role.waiting });
  role.waiting = [];
  tellOthersNow(state, out, { kind: "confirm", ballot: role.ballot, round: role.round });
}

/** Answers were lost: whoever confirms a later round confirms the earlier ones, too. */
export function askRoundAgain(state: SequenceState, out: Out, role: Leader): void {
  if (role.rounds.length === 0) return;
  role.round += 1;
  tellOthersNow(state, out, { kind: "confirm", ballot: role.ballot, round: role.round });
}

/** Answers the rounds that are confirmed and begins the next one as soon as there is room. */
export function serveReads(state: SequenceState, out: Out, role: Leader): void {
  answerConfirmed(state, out, role);
  while (role.waiting.length > 0 && role.rounds.length < ROUNDS_MAX && mayServe(state, role)) {
    ask(state, out, role);
    answerConfirmed(state, out, role);
  }
}

/** Reads of this replica that no round confirmed go to the next leader. */
export function keepReads(state: SequenceState, out: Out, role: Leader): void {
  const reads: number[] = [];
  for (const token of [...role.rounds.flatMap((round) => round.tokens), ...role.waiting])
    if (token.kind === "local") reads.push(...token.reads);
  if (reads.length === 0) return;
  state.readNumber += 1;
  state.reads.set(state.readNumber, { kind: "local", reads });
  setTimer(out, "reads", state.tuning.readRetryMs);
}

/** Reads asked of others are now served here. */
export function adoptReads(state: SequenceState, out: Out, role: Leader): void {
  role.waiting.push(...state.reads.values());
  if (state.reads.size > 0) setTimer(out, "reads", null);
  state.reads = new Map();
}

/**
 * Everything decided before this ballot is known here, and the configuration has not ended as far
 * as that reaches: after a stop, the next configuration may have executed more.
 */
function mayServe(state: SequenceState, role: Leader): boolean {
  const { decidedUpTo, deliveredUpTo, stoppedAt } = state;
  return decidedUpTo >= role.barrier && deliveredUpTo === decidedUpTo && stoppedAt === 0;
}

function answerConfirmed(state: SequenceState, out: Out, role: Leader): void {
  for (;;) {
    const oldest = role.rounds[0];
    if (oldest === undefined || !isConfirmed(state, role, oldest.round)) return;
    role.rounds.shift();
    for (const token of oldest.tokens) answer(state, out, token, oldest.index);
  }
}

function isConfirmed(state: SequenceState, role: Leader, round: number): boolean {
  const members = new Set([state.settings.self]);
  for (const [member, confirmed] of role.confirmed) if (confirmed >= round) members.add(member);
  return state.settings.quorums.isPhase2(members);
}

function answer(state: SequenceState, out: Out, token: ReadToken, index: number): void {
  if (token.kind === "local") {
    out.push({ kind: "readable", reads: token.reads, position: { log: 0, index } });
    return;
  }
  const { incarnation, number } = token;
  tellNow(state, out, token.from, { kind: "readAt", incarnation, number, index });
}

function askLeader(state: SequenceState, out: Out, number: number, relayed: boolean): void {
  const hop = state.via ?? state.leader;
  const { incarnation } = state;
  if (hop === null) return;
  tellNow(state, out, hop, { kind: "readIndex", incarnation, number, relayed });
}
