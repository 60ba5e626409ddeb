import type { NodeId } from "../../ids.ts";
import { acceptorsOf, epochOf, epochsBetween, isPhase1, lastEpoch } from "./epochs.ts";
import type { Out, ReadReply } from "./messages.ts";
import { tellNow } from "./send.ts";
import type { PmmcState, ReadAttempt, ReplicaState } from "./state.ts";

/**
 * Read-only commands (section 4.5), which need no slot. Quorum form: acceptors tell the highest
 * slot that they have accepted anything in; the read is served once the replica has executed that
 * far. Lease form, at the active leader while its acceptors let nobody else lead: without a
 * message.
 */

/** Attempts under way at the same time; reads that come later share the next one. */
const ATTEMPTS_MAX = 2;

/** Reads that wait for an attempt. Beyond, the oldest are forgotten: the host asks again. */
const WAITING_MAX = 1024;

export function onRead(state: PmmcState, reads: readonly number[]): void {
  const { replica } = state;
  if (replica === null) return;
  replica.waiting = [...replica.waiting, ...reads].slice(-WAITING_MAX);
}

export function onReadReply(state: PmmcState, from: NodeId, message: ReadReply): void {
  if (message.incarnation !== state.incarnation) return;
  const attempt = state.replica?.attempts.get(message.number);
  if (attempt === undefined || attempt.position !== null) return;
  attempt.answers.set(from, message.slot);
}

/** Begins attempts for reads that wait, and serves those that are cleared and executed. */
export function serveReads(state: PmmcState, out: Out, now: number): void {
  const { replica } = state;
  if (replica === null || replica.stoppedAt > 0) return;
  for (const [number, attempt] of replica.attempts) {
    if (attempt.position === null) clear(state, replica, attempt);
    const { position } = attempt;
    if (position === null || position >= replica.slotOut) continue;
    replica.attempts.delete(number);
    serve(state, out, replica, { ...attempt, position });
  }
  while (replica.waiting.length > 0 && replica.attempts.size < ATTEMPTS_MAX)
    begin(state, out, replica, now);
}

/** Whoever has not answered is asked again. */
export function askReadsAgain(state: PmmcState, out: Out): void {
  for (const [number, { position, answers }] of state.replica?.attempts ?? []) {
    if (position !== null) continue;
    const silent = askedOf(state).filter((acceptor) => !answers.has(acceptor));
    const { incarnation } = state;
    tellNow(state, out, silent, { kind: "readQuery", incarnation, number });
  }
}

function begin(state: PmmcState, out: Out, replica: ReplicaState, now: number): void {
  const reads = replica.waiting;
  replica.waiting = [];
  replica.readNumber += 1;
  const number = replica.readNumber;
  const epoch = lastEpoch(state).number;
  const answers = new Map<NodeId, number>();
  const { leader, incarnation } = state;
  if (leader.active !== null && leader.lease.until > now) {
    const position = Math.max(leader.highest, leader.floor, replica.slotOut - 1);
    const validUntil = leader.lease.until;
    replica.attempts.set(number, { reads, epoch, answers, position, validUntil });
    replica.readTarget = Math.max(replica.readTarget, position);
    if (position < replica.slotOut) {
      replica.attempts.delete(number);
      serve(state, out, replica, { reads, epoch, answers, position, validUntil });
    }
    return;
  }
  replica.attempts.set(number, { reads, epoch, answers, position: null, validUntil: null });
  tellNow(state, out, askedOf(state), { kind: "readQuery", incarnation, number });
}

/** Acceptors of every epoch that may hold a slot which is not executed here. */
function askedOf(state: PmmcState): NodeId[] {
  return acceptorsOf(epochsBetween(state, firstAsked(state), lastEpoch(state).number));
}

function firstAsked(state: PmmcState): number {
  return epochOf(state, state.replica?.slotOut ?? 1)?.number ?? lastEpoch(state).number;
}

/** A quorum of every epoch in question has answered. */
function clear(state: PmmcState, replica: ReplicaState, attempt: ReadAttempt): void {
  const answered = new Set(attempt.answers.keys());
  const epochs = epochsBetween(state, firstAsked(state), lastEpoch(state).number);
  if (!epochs.every((epoch) => isPhase1(state, epoch, answered))) return;
  attempt.position = Math.max(...attempt.answers.values());
  replica.readTarget = Math.max(replica.readTarget, attempt.position);
}

/**
 * Executed far enough. If that brought a new epoch, its acceptors may have accepted more, so they
 * are asked first.
 */
function serve(
  state: PmmcState,
  out: Out,
  replica: ReplicaState,
  attempt: ReadAttempt & { readonly position: number },
): void {
  const { reads, epoch, validUntil } = attempt;
  if (lastEpoch(state).number !== epoch) {
    replica.waiting.push(...reads);
    return;
  }
  const position = { log: 0, index: attempt.position };
  if (validUntil === null) out.effects.push({ kind: "readable", reads, position });
  else out.effects.push({ kind: "readable", reads, position, validUntil });
}
