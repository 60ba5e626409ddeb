import { type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { faultyRuns, repair } from "./faulty.ts";
import { hearClaim, hearOfChosen, runsOf } from "./learner.ts";
import {
  type Accept,
  type Commit,
  type Heartbeat,
  type Out,
  type Prepare,
  type Reported,
  SLOT_MAX,
  type UnknownRun,
} from "./messages.ts";
import { armElection, follow, loseLeader, missNobody, see, stepDown } from "./roles.ts";
import { note, persist, setTimer, tellDurably, tellNow } from "./send.ts";
import type { MultipaxosState } from "./state.ts";
import { SLOTS_AHEAD_MAX } from "./tuning.ts";

/**
 * Phase 1b. The same proposer may ask again under the same ballot, and gets the same truth again.
 */
export function onPrepare(state: MultipaxosState, out: Out, from: NodeId, message: Prepare): void {
  const { ballot } = message;
  if (from !== ballot.proposer) return;
  see(state, ballot);
  hearOfChosen(state, from, message.chosenUpTo);
  if (!state.voter) return;
  if (isOutdated(state, ballot)) return refuse(state, out, from, ballot);
  if (compareBallots(ballot, state.promised) > 0) {
    stepDown(state, out);
    loseLeader(state, out);
    setTimer(out, "quiet", null);
    armElection(state, out);
    state.promised = ballot;
    persist(out, { kind: "promised", ballot });
  }
  promise(state, out, from, message);
}

/**
 * Everything accepted here above what the candidate has, in parts of about `chunkBytes`. Of faulty
 * slots it says that they are.
 */
function promise(state: MultipaxosState, out: Out, to: NodeId, prepare: Prepare): void {
  const omittedUpTo = omitted(state, prepare.chosenUpTo);
  const from = Math.max(omittedUpTo, prepare.chosenUpTo) + 1;
  const slots = [...state.log.keys()].filter((slot) => slot >= from).sort((a, b) => a - b);
  const faulty = faultyRuns(state).filter((run) => run.last >= from);
  let first = from;
  let entries: Reported[] = [];
  let bytes = 0;
  const leave = (last: Slot): void => {
    const { chosenUpTo } = state;
    tellDurably(out, [to], {
      kind: "promise",
      ballot: prepare.ballot,
      chosenUpTo,
      omittedUpTo,
      first,
      last,
      entries,
      unknown: clip(faulty, first, last),
    });
    first = last + 1;
    entries = [];
    bytes = 0;
  };
  for (const slot of slots) {
    const entry = state.log.get(slot);
    if (entry === undefined) continue;
    if (entries.length > 0 && bytes + entry.value.length > state.tuning.chunkBytes)
      leave((entries.at(-1) as Reported).slot);
    entries.push({ slot, ...entry });
    bytes += entry.value.length + 32;
  }
  leave(SLOT_MAX);
}

function clip(runs: readonly UnknownRun[], first: Slot, last: Slot): UnknownRun[] {
  return runs
    .filter((run) => run.last >= first && run.first <= last)
    .map((run) => ({
      first: Math.max(run.first, first),
      last: Math.min(run.last, last),
      ballot: run.ballot,
    }));
}

/**
 * Up to which slot this promise only says "chosen": what is compacted, and chosen values too many
 * to repeat. Never a slot that is not known as chosen here.
 */
function omitted(state: MultipaxosState, candidateHas: Slot): Slot {
  const least = Math.max(state.compactedUpTo, candidateHas);
  let bytes = 0;
  for (let slot = state.chosenUpTo; slot > least; slot -= 1) {
    bytes += (state.log.get(slot)?.value.length ?? 0) + 32;
    if (bytes > state.tuning.promiseBytes) return slot;
  }
  return state.compactedUpTo;
}

/** Phase 2b. What is chosen here stays as it is: the leader is told instead. */
export function onAccept(state: MultipaxosState, out: Out, from: NodeId, message: Accept): void {
  const { ballot, first, values } = message;
  if (from !== ballot.proposer) return;
  if (isOutdated(state, ballot)) return refuse(state, out, from, ballot);
  follow(state, out, ballot);
  if (first + values.length - 1 <= message.chosenUpTo + SLOTS_AHEAD_MAX)
    take(state, out, from, message);
  hearClaim(state, ballot, message.chosenUpTo);
}

function take(state: MultipaxosState, out: Out, from: NodeId, message: Accept): void {
  const { ballot, first, values } = message;
  const fresh: Slot[] = [];
  const held: Slot[] = [];
  let compacted = false;
  for (const [index, value] of values.entries()) {
    const slot = first + index;
    const entry = state.log.get(slot);
    if (slot <= state.compactedUpTo) compacted = true;
    else if (entry !== undefined && sameBallot(entry.ballot, ballot)) held.push(slot);
    else if (entry?.chosen === true) tellChosen(state, out, from, slot, entry.value);
    else {
      state.log.set(slot, { ballot, value, chosen: false });
      repair(state, out, slot);
      fresh.push(slot);
    }
  }
  if (fresh.length > 0) state.promised = ballot;
  for (const run of runsOf(fresh)) {
    const record = {
      kind: "accepted",
      ballot,
      first: run.first,
      values: values.slice(run.first - first, run.last - first + 1),
    } as const;
    if (state.voter) persist(out, record);
    else note(out, record);
  }
  if (compacted) {
    const { compactedUpTo, chosenUpTo } = state;
    tellNow(state, out, from, { kind: "behind", compactedUpTo, chosenUpTo });
  }
  if (!state.voter || fresh.length + held.length === 0) return;
  const runs = runsOf(held.length === 0 ? fresh : [...held, ...fresh].sort((a, b) => a - b));
  tellDurably(out, [from], { kind: "accepted", ballot, runs, chosenUpTo: state.chosenUpTo });
}

function tellChosen(
  state: MultipaxosState,
  out: Out,
  to: NodeId,
  first: Slot,
  value: Uint8Array,
): void {
  const { chosenUpTo } = state;
  tellNow(state, out, to, { kind: "learn", first, values: [value], chosenUpTo });
}

export function onCommit(state: MultipaxosState, out: Out, from: NodeId, message: Commit): void {
  if (from !== message.ballot.proposer) return;
  if (isOutdated(state, message.ballot)) return refuse(state, out, from, message.ballot);
  follow(state, out, message.ballot);
  hearClaim(state, message.ballot, message.chosenUpTo);
}

/** A voter's answer also says that it has promised nothing higher: reads rest on that. */
export function onHeartbeat(
  state: MultipaxosState,
  out: Out,
  from: NodeId,
  message: Heartbeat,
): void {
  const { ballot, round } = message;
  if (from !== ballot.proposer) return;
  if (isOutdated(state, ballot)) return refuse(state, out, from, ballot);
  follow(state, out, ballot);
  missNobody(state, out);
  hearClaim(state, ballot, message.chosenUpTo);
  if (!state.voter) return;
  const { chosenUpTo } = state;
  tellNow(state, out, from, { kind: "heartbeatAck", ballot, round, chosenUpTo });
}

function isOutdated(state: MultipaxosState, ballot: Ballot): boolean {
  return (
    compareBallots(ballot, state.promised) < 0 || compareBallots(ballot, state.leaderBallot) < 0
  );
}

/** Tells a proposer that it has been outbid. */
function refuse(state: MultipaxosState, out: Out, to: NodeId, refused: Ballot): void {
  const higher = compareBallots(state.promised, state.leaderBallot) > 0;
  const promised = higher ? state.promised : state.leaderBallot;
  const { chosenUpTo } = state;
  tellNow(state, out, to, { kind: "nack", refused, promised, chosenUpTo });
}
