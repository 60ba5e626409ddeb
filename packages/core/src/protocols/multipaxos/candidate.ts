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
function campaign(state: MultipaxosState, out: Out): void {
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

/** Whoever has not promised in full may not have heard, or its answer was lost. */
export function resendPrepare(out: Out, role: Candidate, to: readonly NodeId[]): void {
  prepare(
    out,
    role,
    to.filter((member) => !isComplete(role, role.promises.get(member))),
  );
}

/**
 * Phase 1b at the candidate. Chosen values are learned at once; of the others the highest ballot
 * counts.
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
  const parts = role.promises.get(from) ?? { omittedUpTo: 0, covered: new Map() };
  role.promises.set(from, parts);
  parts.omittedUpTo = Math.max(parts.omittedUpTo, message.omittedUpTo);
  parts.covered.set(message.first, Math.max(message.last, parts.covered.get(message.first) ?? 0));
  for (const entry of message.entries) {
    role.highest = Math.max(role.highest, entry.slot);
    if (entry.chosen) learn(state, out, entry.slot, [entry.value]);
    else report(role, entry.slot, entry.ballot, entry.value);
  }
  const complete = new Set<NodeId>();
  for (const [member, held] of role.promises) if (isComplete(role, held)) complete.add(member);
  if (state.settings.quorums.isPhase1(complete)) lead(state, out, role);
}

function report(role: Candidate, slot: Slot, ballot: Ballot, value: Uint8Array): void {
  const best = role.reported.get(slot);
  if (best === undefined || compareBallots(ballot, best.ballot) > 0)
    role.reported.set(slot, { ballot, value });
}

/** Whether the parts cover every slot above the floor, or what was omitted as chosen. */
function isComplete(role: Candidate, parts: PromiseParts | undefined): boolean {
  if (parts === undefined) return false;
  let upTo = Math.max(role.floor, parts.omittedUpTo);
  for (;;) {
    let next = upTo;
    for (const [first, last] of parts.covered) if (first <= upTo + 1 && last > next) next = last;
    if (next === SLOT_MAX) return true;
    if (next === upTo) return false;
    upTo = next;
  }
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
