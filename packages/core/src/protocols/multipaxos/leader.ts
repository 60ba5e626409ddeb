import { sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { repair } from "./faulty.ts";
import { hearOfChosen, learn, runsOf } from "./learner.ts";
import type { Accepted, HeartbeatAck, Learn, Out } from "./messages.ts";
import { adoptReads, beat, serveReads } from "./reads.ts";
import { stepDown } from "./roles.ts";
import { persist, setTimer, tellDurably, tellNow, tellOthersNow } from "./send.ts";
import { type Candidate, type Leader, type MultipaxosState, NO_OP } from "./state.ts";

/**
 * Phase-1 quorums have promised: one phase 1 for all open slots and all to come. What was reported
 * is proposed again; slots between get no-ops. If it reported nothing open, one no-op marks where
 * this ballot begins.
 */
export function lead(state: MultipaxosState, out: Out, candidate: Candidate): void {
  const omittedUpTo = Math.max(...[...candidate.promises.values()].map((p) => p.omittedUpTo));
  const nextSlot = Math.max(omittedUpTo, state.chosenUpTo) + 1;
  const recovered = new Map<Slot, Uint8Array>();
  for (const [slot, { value }] of candidate.reported)
    if (slot >= nextSlot) recovered.set(slot, value);
  const recoverUpTo = Math.max(candidate.highest, nextSlot);
  state.role = {
    kind: "leader",
    ballot: candidate.ballot,
    nextSlot,
    recovered,
    recoverUpTo,
    barrier: recoverUpTo,
    open: new Map(),
    resendBelow: nextSlot,
    announced: 0,
    heard: new Set(),
    checkedAt: state.chosenUpTo,
    stalledChecks: 0,
    round: 0,
    acked: new Map(),
    waiting: [],
    rounds: [],
  };
  state.leader = state.settings.self;
  state.leaderBallot = candidate.ballot;
  state.leaderAlive = false;
  setTimer(out, "election", null);
  setTimer(out, "quiet", null);
  setTimer(out, "check", state.tuning.electionMs);
  setTimer(out, "heartbeat", state.tuning.heartbeatMs);
  setTimer(out, "resend", state.tuning.resendMs);
  out.push({ kind: "observe", event: "elected", detail: { round: candidate.ballot.round } });
  adoptReads(state, out, state.role);
  beat(state, out, state.role);
}

/**
 * What follows from whatever a step has changed: free slots are filled, the others hear of what was
 * chosen, reads that are confirmed are answered. Costs nothing when nothing changed.
 */
export function drive(state: MultipaxosState, out: Out, role: Leader): void {
  pump(state, out, role);
  if (role.announced < state.chosenUpTo) {
    role.announced = state.chosenUpTo;
    const { chosenUpTo } = state;
    tellOthersNow(state, out, { kind: "commit", ballot: role.ballot, chosenUpTo });
  }
  serveReads(state, out, role);
}

/** Proposes while the window has room and there is anything to propose: never waits for more. */
function pump(state: MultipaxosState, out: Out, role: Leader): void {
  let first = role.nextSlot;
  let values: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (values.length > 0) propose(state, out, role, first, values);
    values = [];
    bytes = 0;
  };
  while (role.nextSlot <= state.chosenUpTo + state.tuning.window) {
    const slot = role.nextSlot;
    if (state.log.get(slot)?.chosen === true) {
      flush();
      role.nextSlot += 1;
      first = role.nextSlot;
      continue;
    }
    const value = nextValue(state, role, slot);
    if (value === null) break;
    if (values.length > 0 && bytes + value.length > state.tuning.chunkBytes) flush();
    if (values.length === 0) first = slot;
    values.push(value);
    bytes += value.length;
    role.nextSlot += 1;
  }
  flush();
}

function nextValue(state: MultipaxosState, role: Leader, slot: Slot): Uint8Array | null {
  if (slot <= role.recoverUpTo) {
    const value = role.recovered.get(slot) ?? NO_OP;
    role.recovered.delete(slot);
    return value;
  }
  return takeBatch(state);
}

/** As many queued batches as fit into one value, at least one. */
function takeBatch(state: MultipaxosState): Uint8Array | null {
  const head = state.queue[0];
  if (head === undefined) return null;
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
 * proposes in a ballot that it owned before. Its own vote counts when it comes back from the disk.
 */
function propose(
  state: MultipaxosState,
  out: Out,
  role: Leader,
  first: Slot,
  values: readonly Uint8Array[],
): void {
  const { ballot } = role;
  const { chosenUpTo } = state;
  tellOthersNow(state, out, { kind: "accept", ballot, first, values, chosenUpTo });
  role.announced = chosenUpTo;
  for (const [index, value] of values.entries()) {
    state.log.set(first + index, { ballot, value, chosen: false });
    repair(state, out, first + index);
    role.open.set(first + index, new Set());
  }
  persist(out, { kind: "accepted", ballot, first, values });
  const runs = [{ first, last: first + values.length - 1 }];
  tellDurably(out, [state.settings.self], { kind: "accepted", ballot, runs, chosenUpTo });
}

/** Phase 2b at the leader: votes of its present ballot only, and each member once. */
export function onAccepted(state: MultipaxosState, from: NodeId, message: Accepted): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind !== "leader" || !sameBallot(role.ballot, message.ballot)) return;
  role.heard.add(from);
  for (const run of message.runs) {
    // Open slots lie in a window, whatever the message says.
    const [lowest = role.nextSlot] = role.open.keys();
    const last = Math.min(run.last, role.nextSlot - 1);
    for (let slot = Math.max(run.first, lowest); slot <= last; slot += 1) {
      const votes = role.open.get(slot);
      if (votes === undefined) continue;
      votes.add(from);
      if (state.settings.quorums.isPhase2(votes)) choose(state, role, slot);
    }
  }
}

function choose(state: MultipaxosState, role: Leader, slot: Slot): void {
  const entry = state.log.get(slot);
  if (entry !== undefined) entry.chosen = true;
  role.open.delete(slot);
}

export function onHeartbeatAck(state: MultipaxosState, from: NodeId, message: HeartbeatAck): void {
  hearOfChosen(state, from, message.chosenUpTo);
  const { role } = state;
  if (role.kind !== "leader" || !sameBallot(role.ballot, message.ballot)) return;
  role.heard.add(from);
  if (message.round > (role.acked.get(from) ?? 0)) role.acked.set(from, message.round);
}

/** Chosen values from anybody; they can also show a leader that it has been replaced. */
export function onLearn(state: MultipaxosState, out: Out, from: NodeId, message: Learn): void {
  hearOfChosen(state, from, message.chosenUpTo);
  if (state.catchUp?.asked === message.first) state.catchUp.answered = true;
  if (!learn(state, out, message.first, message.values)) stepDown(state, out);
}

/**
 * Sends again what was not answered within a whole interval, at most `chunkBytes` to each member.
 */
export function onResendTimeout(state: MultipaxosState, out: Out, role: Leader): void {
  for (const member of state.others) resendTo(state, out, role, member, role.resendBelow);
  role.resendBelow = role.nextSlot;
  setTimer(out, "resend", state.tuning.resendMs);
}

/** Open slots below `below` that `member` has not accepted. */
export function resendTo(
  state: MultipaxosState,
  out: Out,
  role: Leader,
  member: NodeId,
  below: Slot,
): void {
  const slots: Slot[] = [];
  let bytes = 0;
  for (const [slot, votes] of role.open) {
    if (slot >= below || votes.has(member)) continue;
    bytes += state.log.get(slot)?.value.length ?? 0;
    if (slots.length > 0 && bytes > state.tuning.chunkBytes) break;
    slots.push(slot);
  }
  const { ballot } = role;
  const { chosenUpTo } = state;
  for (const run of runsOf(slots)) {
    const values: Uint8Array[] = [];
    for (let slot = run.first; slot <= run.last; slot += 1)
      values.push(state.log.get(slot)?.value ?? NO_OP);
    tellNow(state, out, member, { kind: "accept", ballot, first: run.first, values, chosenUpTo });
  }
}

export function onHeartbeatTimeout(state: MultipaxosState, out: Out, role: Leader): void {
  beat(state, out, role);
  setTimer(out, "heartbeat", state.tuning.heartbeatMs);
}

/** How many checks a leader may spend below what it knows as chosen without getting anywhere. */
const STALLED_CHECKS_MAX = 4;

/**
 * A leader that no longer reaches a phase-2 quorum gives up, so that its clients look elsewhere. So
 * does one that cannot get the chosen values below its own slots: another phase 1 may find them
 * elsewhere.
 */
export function onCheckTimeout(state: MultipaxosState, out: Out, role: Leader): void {
  const reached = new Set([...role.heard, state.settings.self]);
  const stuck = state.known.chosenUpTo > state.chosenUpTo && state.chosenUpTo === role.checkedAt;
  role.stalledChecks = stuck ? role.stalledChecks + 1 : 0;
  role.checkedAt = state.chosenUpTo;
  role.heard = new Set();
  if (!state.settings.quorums.isPhase2(reached) || role.stalledChecks >= STALLED_CHECKS_MAX)
    return stepDown(state, out);
  setTimer(out, "check", state.tuning.electionMs);
}
