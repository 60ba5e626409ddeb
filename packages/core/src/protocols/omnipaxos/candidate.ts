import { BALLOT_NONE, type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { sameBytes } from "../../same-bytes.ts";
import { compareClaims, worthOf } from "./claims.ts";
import { admitFollower, lead, onOutbid } from "./leader.ts";
import { hearOfChosen, learn } from "./learner.ts";
import type { Claim, Nack, Out, PrepareRequest, PromiseMessage } from "./messages.ts";
import { prepare } from "./prepare.ts";
import { followBallot } from "./roles.ts";
import { persist, setTimer } from "./send.ts";
import type { Candidate, SequenceState } from "./state.ts";

/**
 * Phase 1: the election has picked `ballot`. It is durable here before anybody hears of it from the
 * log, so it is never used twice.
 */
export function campaign(state: SequenceState, out: Out, ballot: Ballot): void {
  const isNew = state.voter && compareBallots(ballot, state.promised) > 0;
  invariant(isNew && ballot.proposer === state.settings.self, "a ballot to lead in is new");
  followBallot(state, out, ballot);
  state.leader = null;
  persist(out, { kind: "promised", ballot });
  state.role = { kind: "candidate", ballot, promises: new Map() };
  out.push({ kind: "observe", event: "campaign", detail: { round: ballot.round } });
  prepare(state, out, ballot, state.settings.members);
  setTimer(out, "resend", state.tuning.resendMs);
}

/** Asks again whoever did not answer, or with what is of no use (any more). */
export function prepareAgain(
  state: SequenceState,
  out: Out,
  role: Candidate,
  to: readonly NodeId[],
): void {
  const silent = to.filter((member) => {
    const promise = role.promises.get(member);
    return promise === undefined || promise.lost !== null || !isUsable(state, promise);
  });
  prepare(state, out, role.ballot, silent);
}

/** A member wants to be prepared: it has restarted, or the prepare was lost. */
export function onPrepareRequest(
  state: SequenceState,
  out: Out,
  from: NodeId,
  message: PrepareRequest,
): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind === "follower" || from === state.settings.self) return;
  if (compareBallots(role.ballot, message.ballot) < 0) return onOutbid(role, from);
  prepare(state, out, role.ballot, [from]);
}

/** Phase 1b at the candidate, and at the leader for those that come late. */
export function onPromise(
  state: SequenceState,
  out: Out,
  from: NodeId,
  message: PromiseMessage,
): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind === "follower" || !sameBallot(role.ballot, message.ballot)) return;
  if (role.kind === "leader") return admitFollower(state, role, from, message);
  const known = role.promises.get(from);
  if (known !== undefined && known.nonce >= message.nonce) return;
  role.promises.set(from, message);
  const decided = message.values.slice(0, Math.max(0, message.chosenUpTo - message.first + 1));
  learn(state, out, message.first, decided);
}

/** Leads as soon as phase 1 allows it; asked after every step. */
export function conclude(state: SequenceState, out: Out, role: Candidate): void {
  const promises = [...role.promises].sort(([a], [b]) => a - b);
  const shown = promises.map(([, promise]) => promise).filter(({ lost }) => lost === null);
  const best = shown.reduce<PromiseMessage | null>(better, null);
  if (best === null || !state.settings.quorums.isPhase1(counted(promises, best))) return;
  // Adopting must not contradict what anybody tells as decided.
  const decided = Math.max(...promises.map(([, promise]) => promise.chosenUpTo));
  if (state.decidedUpTo < decided || !isUsable(state, best)) return;
  const adopted = adopt(state, out, role.ballot, best);
  lead(state, out, role, adopted);
}

function better(best: PromiseMessage | null, promise: PromiseMessage): PromiseMessage {
  return best === null || compareClaims(promise, best) > 0 ? promise : best;
}

/**
 * Whose promises count: those that show everything, and those whose lost log was at most as good as
 * the best one shown. Phase 1 would pick that one in any case.
 */
function counted(
  promises: readonly (readonly [NodeId, PromiseMessage])[],
  best: Claim,
): ReadonlySet<NodeId> {
  const members = new Set<NodeId>();
  for (const [member, { lost }] of promises)
    if (lost === null || compareClaims(best, lost) >= 0) members.add(member);
  return members;
}

/** Whether the log of this promise can be put together from what it tells and what is held here. */
function isUsable(state: SequenceState, promise: PromiseMessage): boolean {
  if (compareClaims(promise, worthOf(state)) <= 0) return true;
  const shared = sameBallot(promise.acceptedIn, state.acceptedIn) ? state.length : 0;
  return promise.first - 1 <= Math.max(shared, state.decidedUpTo);
}

/** The best log becomes the own one, in one record with the ballot. Says what it was before. */
function adopt(state: SequenceState, out: Out, ballot: Ballot, best: PromiseMessage): Claim {
  const own = worthOf(state);
  const isOwn = compareClaims(best, own) <= 0;
  const first = isOwn ? state.length + 1 : Math.max(best.first, state.decidedUpTo + 1);
  const values = isOwn ? [] : best.values.slice(first - best.first);
  const contradicted = !isOwn && contradictsDecided(state, best);
  for (let slot = first; slot <= state.length; slot += 1) state.log.delete(slot);
  for (const [index, value] of values.entries()) state.log.set(first + index, value);
  state.length = first + values.length - 1;
  state.acceptedIn = ballot;
  persist(out, { kind: "synced", ballot, first, values });
  if (isOwn) return own;
  return { acceptedIn: contradicted ? BALLOT_NONE : best.acceptedIn, length: state.length };
}

/** Then the logs of that ballot share no prefix with the adopted one beyond what is decided. */
function contradictsDecided(state: SequenceState, best: PromiseMessage): boolean {
  return best.values.some((value, index) => {
    const slot = best.first + index;
    const held = slot <= state.decidedUpTo ? state.log.get(slot) : undefined;
    return held !== undefined && !sameBytes(held, value);
  });
}

/** Outbid by a member: it does not follow in this ballot. Who leads is the election's business. */
export function onNack(state: SequenceState, from: NodeId, message: Nack): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind === "follower") return;
  if (compareBallots(message.promised, role.ballot) > 0) onOutbid(role, from);
}
