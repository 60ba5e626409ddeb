import { compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import { sameBytes } from "../../same-bytes.ts";
import { claimOf, compareClaims } from "./claims.ts";
import { hearDecision, hearOfChosen } from "./learner.ts";
import type { Accept, AcceptSync, Confirm, Decide, Out, Prepare } from "./messages.ts";
import {
  askToBePrepared,
  followBallot,
  forwardQueue,
  isOutdated,
  overtaken,
  refuse,
} from "./roles.ts";
import { persist, setTimer, tellDurably, tellNow } from "./send.ts";
import { type Asked, chosenUpTo, type Follower, type SequenceState } from "./state.ts";
import { SLOTS_AHEAD_MAX } from "./tuning.ts";

/**
 * The acceptor of Sequence Paxos. Every answer is durable before it is given. A promise tells how
 * good the log is; the sync that answers it makes the log the leader's; accepts make it longer.
 */

/**
 * Incarnations use numbers of their own, so that no promise is ever mistaken for another. A
 * directory that takes the place of a lost one begins at any of a thousand million incarnations.
 */
const NONCES_PER_INCARNATION = 0x20_0000;

/** A promise that is not answered is said again after pauses that double so many times. */
const REPEATS_DOUBLED = 4;

/** Phase 1b. The same ballot may be prepared again, and gets the same truth. */
export function onPrepare(state: SequenceState, out: Out, from: NodeId, message: Prepare): void {
  const { ballot, acceptedIn, length } = message;
  if (from !== ballot.proposer) return;
  hearOfChosen(state, from, message.chosenUpTo);
  if (!state.voter) return;
  if (isOutdated(state, ballot)) return refuse(state, out, from, ballot);
  if (compareBallots(ballot, state.promised) > 0) {
    followBallot(state, out, ballot);
    persist(out, { kind: "promised", ballot });
  }
  promise(state, out, from, { acceptedIn, length, chosenUpTo: message.chosenUpTo });
}

/** Once more to the same candidate or leader: the answer was lost, or there is more to tell. */
export function promiseAgain(state: SequenceState, out: Out, role: Follower): void {
  if (role.asked !== null) promise(state, out, state.promised.proposer, role.asked);
}

/**
 * Under a new nonce where there is something new to tell. Else under the one of before: a sync that
 * answers it may be on its way for longer than it takes to ask again.
 */
function promise(state: SequenceState, out: Out, to: NodeId, asked: Asked): void {
  const { promised: ballot, acceptedIn, length, lost, role } = state;
  const isRepeated = role.kind === "follower" && saysTheSame(state, role, asked);
  if (!isRepeated) state.nonces += 1;
  const nonce = isRepeated ? role.nonce : state.incarnation * NONCES_PER_INCARNATION + state.nonces;
  if (role.kind === "follower") {
    // A log of this very ballot goes on where it ends: no sync has to come first.
    role.stage = sameBallot(acceptedIn, ballot) ? "accepting" : "promised";
    role.nonce = nonce;
    role.asked = asked;
    role.told = state.decidedUpTo;
    role.repeats = isRepeated ? role.repeats + 1 : 0;
    const inMs = state.tuning.resendMs * (1 << Math.min(role.repeats, REPEATS_DOUBLED));
    setTimer(out, "resend", role.stage === "promised" ? inMs : null);
    if (role.stage === "accepting") forwardQueue(state, out);
  }
  const { first, values } = toTell(state, asked);
  tellDurably(out, [to], {
    kind: "promise",
    ballot,
    nonce,
    acceptedIn,
    length,
    chosenUpTo: chosenUpTo(state),
    lost,
    first,
    values,
  });
}

function saysTheSame(state: SequenceState, role: Follower, asked: Asked): boolean {
  const { stage, asked: before, told } = role;
  if (stage !== "promised" || before === null || state.lost !== null) return false;
  const { acceptedIn, length, chosenUpTo: upTo } = before;
  return (
    told === state.decidedUpTo &&
    sameBallot(acceptedIn, asked.acceptedIn) &&
    length === asked.length &&
    upTo === asked.chosenUpTo
  );
}

/**
 * What is decided beyond the candidate's prefix, as much of the end of it as fits; and, if the own
 * log is better, all of that which the candidate lacks.
 */
function toTell(state: SequenceState, asked: Asked): { first: Slot; values: Uint8Array[] } {
  const better = compareClaims(claimOf(state), asked) > 0;
  const joins = better && sameBallot(state.acceptedIn, asked.acceptedIn);
  const least = Math.max(state.compactedUpTo, joins ? asked.length : asked.chosenUpTo) + 1;
  const values: Uint8Array[] = [];
  let bytes = 0;
  let slot = better ? state.length : state.decidedUpTo;
  for (; slot >= least; slot -= 1) {
    const value = state.log.get(slot);
    invariant(value !== undefined, `slot ${slot} is missing from the log`);
    bytes += value.length + 8;
    if (slot <= state.decidedUpTo && bytes > state.tuning.promiseBytes) break;
    values.push(value);
  }
  return { first: slot + 1, values: values.reverse() };
}

/** The log becomes the leader's, in one record. */
export function onAcceptSync(
  state: SequenceState,
  out: Out,
  from: NodeId,
  message: AcceptSync,
): void {
  const { ballot, nonce, previous, first } = message;
  const role = proposedBy(state, out, from, message);
  if (role === null) return;
  if (role.stage === "accepting") return answer(state, out);
  const asked = role.stage === "promised" && role.nonce === nonce;
  if (!asked || !sameBallot(state.acceptedIn, previous) || first > state.length + 1) return;
  const start = Math.max(first, chosenUpTo(state) + 1);
  const values = message.values.slice(start - first);
  for (let slot = start; slot <= state.length; slot += 1) state.log.delete(slot);
  for (const [index, value] of values.entries()) state.log.set(start + index, value);
  state.length = start + values.length - 1;
  state.acceptedIn = ballot;
  persist(out, { kind: "synced", ballot, first: start, values });
  role.stage = "accepting";
  setTimer(out, "resend", null);
  forwardQueue(state, out);
  answer(state, out);
}

/** The log grows. Accepts that come too early wait; those that come twice are answered twice. */
export function onAccept(state: SequenceState, out: Out, from: NodeId, message: Accept): void {
  const role = proposedBy(state, out, from, message);
  if (role?.stage !== "accepting" || !sameBallot(state.acceptedIn, message.previous)) return;
  for (const [index, value] of message.values.entries()) {
    const slot = message.first + index;
    if (slot > state.length) {
      if (slot <= state.length + SLOTS_AHEAD_MAX) role.ahead.set(slot, value);
      continue;
    }
    const held = state.log.get(slot);
    if (held === undefined || sameBytes(held, value)) continue;
    // Learned from others, while this leader had been overtaken without a word of it coming here.
    if (slot <= state.decidedUpTo) return overtaken(state, out, true);
    invariant(false, `two values in slot ${slot} in one ballot`);
  }
  append(state, out, role);
  answer(state, out);
}

function append(state: SequenceState, out: Out, role: Follower): void {
  const first = state.length + 1;
  const values: Uint8Array[] = [];
  for (;;) {
    const slot = state.length + 1;
    const value = role.ahead.get(slot);
    if (value === undefined) break;
    role.ahead.delete(slot);
    state.log.set(slot, value);
    state.length = slot;
    values.push(value);
  }
  if (values.length === 0) return;
  persist(out, { kind: "accepted", ballot: state.acceptedIn, first, values });
}

function answer(state: SequenceState, out: Out): void {
  tellDurably(out, [state.promised.proposer], {
    kind: "accepted",
    ballot: state.promised,
    length: state.length,
    chosenUpTo: chosenUpTo(state),
  });
}

/** Null when this leader is not, or not yet, to be followed. */
function proposedBy(
  state: SequenceState,
  out: Out,
  from: NodeId,
  { ballot, chosenUpTo: upTo }: Accept | AcceptSync | Decide,
): Follower | null {
  if (from !== ballot.proposer) return null;
  hearDecision(state, ballot, upTo);
  const { role } = state;
  if (isOutdated(state, ballot)) {
    if (state.voter) refuse(state, out, from, ballot);
    return null;
  }
  if (compareBallots(ballot, state.promised) > 0) {
    // Its prepare was lost.
    if (state.voter) askToBePrepared(state, out, [from]);
    return null;
  }
  return role.kind === "follower" ? role : null;
}

export function onDecide(state: SequenceState, out: Out, from: NodeId, message: Decide): void {
  proposedBy(state, out, from, message);
}

/** A voter's answer says that it has promised nothing higher: reads rest on that. */
export function onConfirm(state: SequenceState, out: Out, from: NodeId, message: Confirm): void {
  const { ballot, round } = message;
  if (from !== ballot.proposer || !state.voter) return;
  if (isOutdated(state, ballot)) return refuse(state, out, from, ballot);
  tellNow(state, out, from, { kind: "confirmed", ballot, round });
}

/** What a follower says again until it is heard. */
export function onFollowerTimeout(state: SequenceState, out: Out, role: Follower): void {
  if (role.stage === "promised") promiseAgain(state, out, role);
  if (role.stage !== "recover") return;
  askToBePrepared(state, out);
  setTimer(out, "resend", state.tuning.resendMs);
}

/**
 * A sync of much that is decided does not come: first the follower catches up, then it promises
 * again, with a log that needs less.
 */
export function promiseWhenCaughtUp(state: SequenceState, out: Out): void {
  const { role } = state;
  if (role.kind !== "follower" || role.stage !== "promised") return;
  const caughtUp = state.decidedUpTo > role.told && state.known.chosenUpTo <= state.decidedUpTo;
  if (caughtUp) promiseAgain(state, out, role);
}
