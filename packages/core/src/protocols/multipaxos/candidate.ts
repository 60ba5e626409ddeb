import { BALLOT_NONE, type Ballot, compareBallots, nextBallot, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { lead } from "./leader.ts";
import { hearOfChosen, learn } from "./learner.ts";
import {
  type Nack,
  type Out,
  type Probe,
  type Probed,
  type PromiseMessage,
  SLOT_MAX,
} from "./messages.ts";
import { armElection, loseLeader, see, stepDown } from "./roles.ts";
import { persist, setTimer, tellDurably, tellNow, tellOthersNow } from "./send.ts";
import type { Candidate, MultipaxosState, PromiseParts } from "./state.ts";

/**
 * No heartbeat for a random time, or an attempt that got nowhere. First asks whether a phase-1
 * quorum would listen: a replica that is cut off, or only deaf to the leader, raises no ballot and
 * disturbs nobody.
 */
export function onElectionTimeout(state: MultipaxosState, out: Out): void {
  if (!state.voter || state.role.kind === "leader") return;
  // A higher ballot would get the same answers; this one goes on asking, without another record.
  if (awaitsRepair(state)) return armElection(state, out);
  stepDown(state, out);
  loseLeader(state, out);
  armElection(state, out);
  if (state.tuning.preVote === 0) return campaign(state, out);
  state.attempts += 1;
  const grants = new Set([state.settings.self]);
  if (state.settings.quorums.isPhase1(grants)) return campaign(state, out);
  state.role = { kind: "prober", attempt: state.attempts, grants };
  tellOthersNow(state, out, {
    kind: "probe",
    attempt: state.attempts,
    chosenUpTo: state.chosenUpTo,
  });
}

/**
 * Granted by a voter that misses the leader too and has nothing compacted that the other still
 * lacks: better that the one who is ahead leads.
 */
export function onProbe(state: MultipaxosState, out: Out, from: NodeId, message: Probe): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const granted =
    state.voter &&
    !state.leaderAlive &&
    state.role.kind !== "leader" &&
    !awaitsRepair(state) &&
    message.chosenUpTo >= state.compactedUpTo;
  const { chosenUpTo } = state;
  const promised = highestBallot(state);
  tellNow(state, out, from, {
    kind: "probed",
    attempt: message.attempt,
    granted,
    promised,
    chosenUpTo,
  });
}

export function onProbed(state: MultipaxosState, out: Out, from: NodeId, message: Probed): void {
  see(state, message.promised);
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind !== "prober" || role.attempt !== message.attempt || !message.granted) return;
  role.grants.add(from);
  if (state.settings.quorums.isPhase1(role.grants)) campaign(state, out);
}

/**
 * Phase 1a. The own promise is durable before anybody hears of the ballot, so it is never used
 * twice.
 */
export function campaign(state: MultipaxosState, out: Out): void {
  const ballot = nextBallot(highestBallot(state), state.settings.self);
  state.promised = ballot;
  see(state, ballot);
  persist(out, { kind: "promised", ballot });
  state.role = {
    kind: "candidate",
    ballot,
    floor: state.chosenUpTo,
    promises: new Map(),
    reported: new Map(),
    highest: state.chosenUpTo,
  };
  out.push({ kind: "observe", event: "campaign", detail: { round: ballot.round } });
  prepare(out, state.role, state.settings.members);
  armElection(state, out);
  setTimer(out, "resend", state.tuning.resendMs);
}

function prepare(out: Out, role: Candidate, to: readonly NodeId[]): void {
  tellDurably(out, to, { kind: "prepare", ballot: role.ballot, chosenUpTo: role.floor });
}

/**
 * Whoever has not told everything may not have heard, or its answer was lost, or slots that are
 * faulty there have been repaired meanwhile.
 */
export function resendPrepare(out: Out, role: Candidate, to: readonly NodeId[]): void {
  prepare(
    out,
    role,
    to.filter((member) => !isComplete(role, role.promises.get(member))),
  );
}

/**
 * Phase 1b at the candidate. Chosen values are learned at once; of the others the highest ballot
 * counts. What was not told, or is unknown, counts for nothing.
 */
export function onPromise(
  state: MultipaxosState,
  out: Out,
  from: NodeId,
  message: PromiseMessage,
): void {
  hearOfChosen(state, from, Math.max(message.chosenUpTo, message.omittedUpTo));
  const { role } = state;
  if (role.kind !== "candidate" || !sameBallot(role.ballot, message.ballot)) return;
  const parts = role.promises.get(from) ?? newParts();
  role.promises.set(from, parts);
  parts.omittedUpTo = Math.max(parts.omittedUpTo, message.omittedUpTo);
  cover(parts, message);
  for (const run of message.unknown) role.highest = Math.max(role.highest, run.last);
  for (const entry of message.entries) {
    role.highest = Math.max(role.highest, entry.slot);
    if (entry.chosen) learn(state, out, entry.slot, [entry.value]);
    else report(role, entry.slot, entry.ballot, entry.value);
  }
  if (isSettled(state, role)) lead(state, out, role);
}

function newParts(): PromiseParts {
  return { omittedUpTo: 0, covered: new Map(), unknown: new Map() };
}

/**
 * The part is definite but for its unknown runs. What was definite once stays so in this ballot.
 */
function cover(parts: PromiseParts, { first, last, unknown }: PromiseMessage): void {
  const definite = (from: Slot, upTo: Slot): void => {
    if (from <= upTo) parts.covered.set(from, Math.max(upTo, parts.covered.get(from) ?? 0));
  };
  let next = first;
  for (const run of unknown) {
    definite(next, run.first - 1);
    parts.unknown.set(run.first, run);
    next = run.last + 1;
  }
  definite(next, last);
}

function report(role: Candidate, slot: Slot, ballot: Ballot, value: Uint8Array): void {
  const best = role.reported.get(slot);
  if (best === undefined || compareBallots(ballot, best.ballot) > 0)
    role.reported.set(slot, { ballot, value });
}

/**
 * Whether phase 1 is done in every slot at once: each is known as chosen, or a phase-1 quorum has
 * told definitely what it accepted there. The quorums of two slots may differ, for each slot is a
 * Paxos of its own, with the same ballot. Goes from stretch to stretch in which nothing changes.
 */
function isSettled(state: MultipaxosState, role: Candidate): boolean {
  const omitted = [...role.promises.values()].map((parts) => parts.omittedUpTo);
  let slot = Math.max(role.floor, state.chosenUpTo, ...omitted) + 1;
  for (;;) {
    if (state.log.get(slot)?.chosen === true) {
      slot += 1;
      continue;
    }
    const definite = new Set<NodeId>();
    let upTo = SLOT_MAX;
    for (const [member, parts] of role.promises) {
      const told = Math.max(
        toldUpTo([parts.covered], slot),
        isOutbid(role, parts, slot) ? slot : 0,
      );
      if (told < slot) continue;
      definite.add(member);
      upTo = Math.min(upTo, told);
    }
    if (!state.settings.quorums.isPhase1(definite)) return false;
    if (upTo === SLOT_MAX) return true;
    slot = upTo + 1;
  }
}

/**
 * What this member has forgotten of the slot does not matter: somebody reported an acceptance in a
 * ballot at or above it, and of two in one ballot the value is the same.
 */
function isOutbid(role: Candidate, parts: PromiseParts, slot: Slot): boolean {
  const best = role.reported.get(slot);
  if (best === undefined) return false;
  for (const { first, last, ballot } of parts.unknown.values())
    if (first <= slot && slot <= last && compareBallots(best.ballot, ballot) >= 0) return true;
  return false;
}

/** Where the stretch of these that begins at or below `slot` ends; below `slot` if none does. */
function toldUpTo(stretches: readonly ReadonlyMap<Slot, Slot>[], slot: Slot): Slot {
  let upTo = slot - 1;
  for (;;) {
    let next = upTo;
    for (const stretch of stretches)
      for (const [first, last] of stretch) if (first <= upTo + 1 && last > next) next = last;
    if (next === upTo || next === SLOT_MAX) return next;
    upTo = next;
  }
}

/** Whether it has told everything above the floor, or above what it omitted as chosen. */
function isComplete(role: Candidate, parts: PromiseParts | undefined): boolean {
  if (parts === undefined) return false;
  return toldUpTo([parts.covered], Math.max(role.floor, parts.omittedUpTo) + 1) === SLOT_MAX;
}

/**
 * A candidate that a phase-1 quorum has answered, and that lacks nothing but definite answers about
 * slots that are faulty there. Only a repair or another member can help.
 */
function awaitsRepair({ role, settings }: MultipaxosState): boolean {
  if (role.kind !== "candidate") return false;
  const answered = new Set<NodeId>();
  for (const [member, { omittedUpTo, covered, unknown }] of role.promises) {
    const open = new Map([...unknown.values()].map(({ first, last }) => [first, last]));
    const from = Math.max(role.floor, omittedUpTo) + 1;
    if (toldUpTo([covered, open], from) === SLOT_MAX) answered.add(member);
  }
  return settings.quorums.isPhase1(answered);
}

/** Outbid: whoever proposes under a lower ballot stops. */
export function onNack(state: MultipaxosState, out: Out, from: NodeId, message: Nack): void {
  see(state, message.promised);
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind !== "leader" && role.kind !== "candidate") return;
  if (compareBallots(message.promised, role.ballot) > 0) stepDown(state, out);
}

function highestBallot(state: MultipaxosState): Ballot {
  let highest = BALLOT_NONE;
  for (const ballot of [state.seen, state.promised, state.leaderBallot])
    if (compareBallots(ballot, highest) > 0) highest = ballot;
  return highest;
}
