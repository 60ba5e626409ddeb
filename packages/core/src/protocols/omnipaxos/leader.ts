import { BALLOT_NONE, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { decide, hearOfChosen } from "./learner.ts";
import type { Accepted, Claim, Confirmed, Out, PromiseMessage } from "./messages.ts";
import { prepare } from "./prepare.ts";
import { adoptReads, askRoundAgain, serveReads } from "./reads.ts";
import { overtaken } from "./roles.ts";
import { persist, setTimer, tellDurably, tellNow, tellOthersNow } from "./send.ts";
import {
  type Candidate,
  chosenUpTo,
  type Leader,
  type Progress,
  type SequenceState,
} from "./state.ts";

/** Intervals after which something is said again in any case. */
const WAITED_MAX = 16;

/** Phase 1 is over and its best log adopted. Syncs and accepts follow from the state: `drive`. */
export function lead(state: SequenceState, out: Out, role: Candidate, adopted: Claim): void {
  const { ballot } = role;
  const leader: Leader = {
    kind: "leader",
    ballot,
    adopted,
    barrier: state.length,
    followers: new Map(),
    accepted: new Map(),
    resendUpTo: state.length,
    announced: 0,
    round: 0,
    confirmed: new Map(),
    waiting: [],
    rounds: [],
  };
  state.role = leader;
  state.leader = state.settings.self;
  state.via = null;
  countOwn(state, out, leader);
  for (const [member, promise] of role.promises) admitFollower(state, leader, member, promise);
  setTimer(out, "resend", state.tuning.resendMs);
  out.push({ kind: "observe", event: "elected", detail: { round: ballot.round } });
  adoptReads(state, out, leader);
}

/** The own vote counts when it comes back from the own disk. */
function countOwn(state: SequenceState, out: Out, { ballot }: Leader): void {
  const { self } = state.settings;
  const { length } = state;
  tellDurably(out, [self], { kind: "accepted", ballot, length, chosenUpTo: chosenUpTo(state) });
}

/** A member has promised this ballot, for the first time or again. */
export function admitFollower(
  state: SequenceState,
  role: Leader,
  member: NodeId,
  promise: PromiseMessage,
): void {
  if (member === state.settings.self) return;
  const known = role.followers.get(member);
  if (known !== undefined && known.nonce >= promise.nonce) return;
  const { nonce, acceptedIn, length, chosenUpTo: upTo } = promise;
  const claim = { acceptedIn, length, chosenUpTo: upTo };
  role.followers.set(member, { stage: "promised", nonce, claim, sentUpTo: 0, waited: 0 });
}

/** It has promised a higher ballot, and gets nothing more in this one. */
export function onOutbid(role: Candidate | Leader, member: NodeId): void {
  if (role.kind !== "leader") return;
  const claim = { acceptedIn: BALLOT_NONE, length: 0, chosenUpTo: 0 };
  const { nonce = 0 } = role.followers.get(member) ?? {};
  role.followers.set(member, { stage: "higher", nonce, claim, sentUpTo: 0, waited: 0 });
}

/** What follows from whatever a step has changed. Costs nothing when nothing changed. */
export function drive(state: SequenceState, out: Out, role: Leader): void {
  pump(state, out, role);
  const followers = [...role.followers].sort(([a], [b]) => a - b);
  for (const [member, progress] of followers) {
    if (progress.stage === "promised") sync(state, out, role, member, progress);
    if (state.role !== role) return;
  }
  announce(state, out, role);
  serveReads(state, out, role);
}

function announce(state: SequenceState, out: Out, role: Leader): void {
  if (role.announced >= state.decidedUpTo) return;
  role.announced = state.decidedUpTo;
  tellOthersNow(state, out, {
    kind: "decide",
    ballot: role.ballot,
    chosenUpTo: state.decidedUpTo,
  });
}

/** Proposes while the window has room and there is anything to propose: never waits for more. */
function pump(state: SequenceState, out: Out, role: Leader): void {
  if (state.queue.length === 0) return;
  const first = state.length + 1;
  const values: Uint8Array[] = [];
  let bytes = 0;
  for (let slot = state.decidedUpTo + 1; slot <= state.length; slot += 1)
    bytes += state.log.get(slot)?.length ?? 0;
  while (state.queue.length > 0 && state.length < state.decidedUpTo + state.tuning.window) {
    const next = state.queue[0]?.length ?? 0;
    const isOpen = state.length > state.decidedUpTo;
    if (isOpen && bytes + next > state.tuning.windowBytes) break;
    const value = takeBatch(state);
    bytes += value.length;
    state.length += 1;
    state.log.set(state.length, value);
    values.push(value);
  }
  if (values.length > 0) propose(state, out, role, first, values);
}

/** As many queued batches as fit into one value, at least one. */
function takeBatch(state: SequenceState): Uint8Array {
  const [head = new Uint8Array(0)] = state.queue;
  let count = 1;
  let bytes = head.length;
  while (count < state.queue.length) {
    const more = (state.queue[count] as Uint8Array).length;
    if (bytes + more > state.tuning.batchBytesMax) break;
    bytes += more;
    count += 1;
  }
  const taken = state.queue.splice(0, count);
  state.queueBytes -= bytes;
  if (count === 1) return head;
  const value = new Uint8Array(bytes);
  let at = 0;
  for (const part of taken) {
    value.set(part, at);
    at += part.length;
  }
  return value;
}

/**
 * Phase 2a. The others may hear of it before it is durable here: after a restart this replica never
 * proposes in a ballot that it owned before.
 */
function propose(
  state: SequenceState,
  out: Out,
  role: Leader,
  first: Slot,
  values: readonly Uint8Array[],
): void {
  const { ballot } = role;
  const to: NodeId[] = [];
  for (const member of state.others) {
    const progress = role.followers.get(member);
    // Whoever lags gets the log in chunks, each when the one before has been accepted.
    if (progress?.stage !== "accepting" || progress.sentUpTo + 1 < first) continue;
    progress.sentUpTo = state.length;
    to.push(member);
  }
  if (to.length > 0) {
    const upTo = state.decidedUpTo;
    const message = { kind: "accept", ballot, previous: ballot, first, values } as const;
    out.push({ kind: "sendNow", to, message: { ...message, chosenUpTo: upTo } });
    if (to.length === state.others.length) role.announced = upTo;
  }
  persist(out, { kind: "accepted", ballot, first, values });
  countOwn(state, out, role);
}

/**
 * Brings a member's log to this ballot. What of its log is the leader's too: all, if it was
 * accepted in this very ballot; as much as the adopted log had, if in the same ballot as that one;
 * else what is decided.
 */
function sync(
  state: SequenceState,
  out: Out,
  role: Leader,
  member: NodeId,
  progress: Progress,
): void {
  const { claim, nonce } = progress;
  // It knows of more than this log can hold: a higher ballot has decided.
  if (claim.chosenUpTo > state.length) return overtaken(state, out, false);
  if (sameBallot(claim.acceptedIn, role.ballot)) {
    progress.stage = "accepting";
    hearAccepted(role, member, claim.length);
    return sendFrom(state, out, role, member, progress, claim.length + 1);
  }
  const { adopted } = role;
  const isShared = sameBallot(claim.acceptedIn, adopted.acceptedIn);
  const shared = isShared ? Math.min(adopted.length, claim.length) : 0;
  const first = Math.max(shared, claim.chosenUpTo) + 1;
  progress.stage = "syncing";
  if (!fits(state, first)) return tellToCatchUp(state, out, role, member);
  progress.sentUpTo = state.length;
  tellNow(state, out, member, {
    kind: "acceptSync",
    ballot: role.ballot,
    nonce,
    previous: claim.acceptedIn,
    first,
    values: valuesFrom(state, first, state.length),
    chosenUpTo: state.decidedUpTo,
  });
}

/** All that is open fits always; of what is decided, about one chunk. */
function fits(state: SequenceState, first: Slot): boolean {
  if (first <= state.compactedUpTo) return false;
  let bytes = 0;
  for (let slot = first; slot <= state.decidedUpTo; slot += 1) {
    bytes += (state.log.get(slot)?.length ?? 0) + 8;
    if (bytes > state.tuning.chunkBytes) return false;
  }
  return true;
}

/**
 * First it has to get what is decided, from whomever. An accept of nothing tells how far that is,
 * and has it say in any case how far its log reaches: what it catches up with counts as accepted,
 * and nothing else would tell of that.
 */
function tellToCatchUp(state: SequenceState, out: Out, role: Leader, member: NodeId): void {
  const { ballot } = role;
  tellNow(state, out, member, {
    kind: "accept",
    ballot,
    previous: ballot,
    first: state.decidedUpTo + 1,
    values: [],
    chosenUpTo: state.decidedUpTo,
  });
}

function valuesFrom(state: SequenceState, first: Slot, last: Slot): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let slot = first; slot <= last; slot += 1) {
    const value = state.log.get(slot);
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** At most `chunkBytes` of the log from `first` on, at least one value, to a member in step. */
function sendFrom(
  state: SequenceState,
  out: Out,
  role: Leader,
  member: NodeId,
  progress: Progress,
  first: Slot,
): void {
  progress.sentUpTo = first - 1;
  if (first > state.length) return;
  // It lacks what is decided and compacted, or has it from elsewhere and has not told yet.
  if (first <= state.compactedUpTo) return tellToCatchUp(state, out, role, member);
  let last = first;
  let bytes = state.log.get(first)?.length ?? 0;
  while (last < state.length) {
    bytes += state.log.get(last + 1)?.length ?? 0;
    if (bytes > state.tuning.chunkBytes) break;
    last += 1;
  }
  progress.sentUpTo = last;
  const { ballot } = role;
  tellNow(state, out, member, {
    kind: "accept",
    ballot,
    previous: ballot,
    first,
    values: valuesFrom(state, first, last),
    chosenUpTo: state.decidedUpTo,
  });
}

/** Phase 2b at the leader: votes of its present ballot only, each for a whole prefix. */
export function onAccepted(state: SequenceState, out: Out, from: NodeId, message: Accepted): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind !== "leader" || !sameBallot(role.ballot, message.ballot)) return;
  const progress = role.followers.get(from);
  if (progress !== undefined && message.length > (role.accepted.get(from) ?? 0))
    progress.waited = 0;
  hearAccepted(role, from, message.length);
  if (progress?.stage === "syncing") progress.stage = "accepting";
  // What was proposed while the sync was under way, and the next chunk of a long log. Who has to
  // catch up first is asked again in time: each answer would make the next question.
  const { sentUpTo = 0 } = progress ?? {};
  const isNext = sentUpTo <= message.length && message.length >= state.compactedUpTo;
  if (progress?.stage === "accepting" && isNext && sentUpTo < state.length)
    sendFrom(state, out, role, from, progress, message.length + 1);
  decide(state, decidedBy(state, role));
}

function hearAccepted(role: Leader, member: NodeId, length: Slot): void {
  role.accepted.set(member, Math.max(length, role.accepted.get(member) ?? 0));
}

/** The longest prefix that a phase-2 quorum has accepted. */
function decidedBy(state: SequenceState, role: Leader): Slot {
  const lengths = [...role.accepted].sort(([, a], [, b]) => b - a);
  const voters = new Set<NodeId>();
  for (const [member, length] of lengths) {
    voters.add(member);
    if (state.settings.quorums.isPhase2(voters)) return length;
  }
  return 0;
}

export function onConfirmed(state: SequenceState, from: NodeId, message: Confirmed): void {
  const { role } = state;
  if (role.kind !== "leader" || !sameBallot(role.ballot, message.ballot)) return;
  const known = role.confirmed.get(from) ?? 0;
  if (message.round > known) role.confirmed.set(from, message.round);
}

/** Says again what was not answered within a whole interval. */
export function onLeaderTimeout(state: SequenceState, out: Out, role: Leader): void {
  for (const member of state.others)
    if (isDue(role, member)) resendTo(state, out, role, member, role.resendUpTo);
  role.resendUpTo = state.length;
  askRoundAgain(state, out, role);
  setTimer(out, "resend", state.tuning.resendMs);
}

/**
 * Values are said again after pauses that double: a link that takes longer for them than an
 * interval must not get them again and again, until nothing else comes through.
 */
function isDue(role: Leader, member: NodeId): boolean {
  const progress = role.followers.get(member);
  if (progress === undefined) return true;
  const { stage } = progress;
  const isBehind = stage === "accepting" && (role.accepted.get(member) ?? 0) < role.resendUpTo;
  progress.waited = isBehind || stage === "syncing" ? progress.waited + 1 : 0;
  const { waited } = progress;
  return waited % WAITED_MAX === 0 || (waited & (waited - 1)) === 0;
}

/** To one member: the prepare, the sync or what it has not accepted of the log up to `upTo`. */
export function resendTo(
  state: SequenceState,
  out: Out,
  role: Leader,
  member: NodeId,
  upTo: Slot,
): void {
  const progress = role.followers.get(member);
  if (progress === undefined) return prepare(state, out, role.ballot, [member]);
  if (progress.stage === "syncing") return sync(state, out, role, member, progress);
  const accepted = role.accepted.get(member) ?? 0;
  if (progress.stage === "accepting" && accepted < upTo)
    sendFrom(state, out, role, member, progress, accepted + 1);
}
