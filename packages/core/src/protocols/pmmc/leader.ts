import { BALLOT_NONE, type Ballot, compareBallots, nextBallot, sameBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { nextBelow } from "../../prng.ts";
import { askAgain, onVote, spawnCommander } from "./commander.ts";
import { epochOf, lastEpoch, learnEpochs } from "./epochs.ts";
import type { Grant, Out, P1b, P2b, Ping, Pong, Propose } from "./messages.ts";
import { askSilent, concernsScout, onPart, spawnScout } from "./scout.ts";
import { observe, persist, setTimer, tellNow } from "./send.ts";
import type { Accepted, LeaderState, PmmcState, Scout } from "./state.ts";

/**
 * Runs ballots (section 2.2): a scout for each, and in the one that was adopted a commander for
 * each slot. A leader that was preempted pings the owner of the higher ballot and begins a higher
 * one only when that is silent (section 3).
 */

/** Rounds of a lease without a quorum of grants after which a leader takes itself for deaf: */
const UNHEARD_MAX = 6;
/** it asks only once in so many leases then, and lets others lead in between. */
const DEAF_PAUSE = 4;

/** A member that votes and leads in the last epoch that it knows. */
export function mayLead(state: PmmcState): boolean {
  return state.voter && lastEpoch(state).leaders.includes(state.settings.self);
}

/** Waits for others, if there are any that may lead already. */
export function startLeader(state: PmmcState, out: Out): void {
  const { leader, others, tuning } = state;
  if (!mayLead(state) || leader.active !== null || leader.scout !== null) return;
  setTimer(out, "ping", tuning.pingMs);
  if (others.length === 0) return setTimer(out, "scout", 0);
  if (!sameBallot(leader.seen, BALLOT_NONE)) return waitForOther(state, out);
  setTimer(out, "scout", nextBelow(state.random, Math.ceil(leader.timeoutMs)));
}

/** The other leader has been silent for too long, or there is none. */
export function onScoutTimeout(state: PmmcState, out: Out): void {
  const { leader, tuning } = state;
  if (!mayLead(state) || leader.active !== null || leader.scout !== null) return;
  leader.ballot = nextBallot(leader.seen, state.settings.self);
  leader.seen = leader.ballot;
  leader.stalled = false;
  persist(state, out, { kind: "ballot", ballot: leader.ballot });
  setTimer(out, "ping", null);
  setTimer(out, "resend", tuning.resendMs);
  observe(out, "campaign", { round: leader.ballot.round });
  raiseFloor(state, state.acceptor.gcSlot);
  const first = leader.floor + 1;
  const from = epochOf(state, first)?.number ?? lastEpoch(state).number;
  const upTo = lastEpoch(state).number;
  leader.scout = spawnScout(state, out, { ballot: leader.ballot, from, upTo, first });
}

/** Any ballot that this member hears of, in whichever role. */
export function hear(state: PmmcState, out: Out, ballot: Ballot): void {
  const { leader } = state;
  if (compareBallots(ballot, leader.seen) <= 0) return;
  leader.seen = ballot;
  if (leader.active !== null || leader.scout !== null) preempt(state, out, ballot);
  else if (mayLead(state)) waitForOther(state, out);
}

function preempt(state: PmmcState, out: Out, by: Ballot): void {
  const { leader, tuning } = state;
  const led = leader.active !== null;
  leader.active = null;
  leader.scout = null;
  leader.commanders = new Map();
  leader.recovering = [];
  leader.stalled = false;
  const { round } = leader.lease;
  leader.lease = { round, sent: new Map(), granted: new Map(), heard: round, until: 0 };
  const grown = (leader.timeoutMs * tuning.timeoutGrowth) / 100;
  leader.timeoutMs = Math.min(tuning.timeoutMaxMs, grown);
  setTimer(out, "resend", null);
  setTimer(out, "lease", null);
  observe(out, "preempted", { round: leader.ballot.round, by: by.proposer, led });
  setTimer(out, "ping", tuning.pingMs);
  waitForOther(state, out);
}

/** From one time-out to two, so that leaders seldom wake together. */
function waitForOther(state: PmmcState, out: Out): void {
  const least = Math.ceil(state.leader.timeoutMs);
  setTimer(out, "scout", least + nextBelow(state.random, least));
}

export function onPingTimeout(state: PmmcState, out: Out): void {
  const { leader, tuning } = state;
  if (!mayLead(state) || leader.active !== null || leader.scout !== null) return;
  const { proposer } = leader.seen;
  if (!sameBallot(leader.seen, BALLOT_NONE) && proposer !== state.settings.self)
    tellNow(state, out, [proposer], { kind: "ping", ballot: leader.seen });
  setTimer(out, "ping", tuning.pingMs);
}

/** Answers as long as there is hope of getting on; else names the one that it waits for itself. */
export function onPing(state: PmmcState, out: Out, from: NodeId, message: Ping): void {
  const { leader } = state;
  hear(state, out, message.ballot);
  const leads = leader.active !== null || leader.scout !== null;
  const { proposer } = leader.seen;
  const names = leads ? !leader.stalled : proposer !== from && proposer !== state.settings.self;
  if (names) tellNow(state, out, [from], { kind: "pong", ballot: leader.seen });
}

export function onPong(state: PmmcState, out: Out, from: NodeId, message: Pong): void {
  const { leader } = state;
  hear(state, out, message.ballot);
  const waits = mayLead(state) && leader.active === null && leader.scout === null;
  const isThere = message.ballot.proposer === from && sameBallot(message.ballot, leader.seen);
  // Who no longer leads from some slot on must not keep its successors waiting.
  if (waits && isThere && lastEpoch(state).leaders.includes(from)) waitForOther(state, out);
}

/** At most one command for each slot, and none for what is decided. */
export function onPropose(state: PmmcState, out: Out, from: NodeId, message: Propose): void {
  const { leader, replica } = state;
  const { slot, value } = message;
  const news = learnEpochs(state, message.epochs);
  const decided = replica?.decisions.get(slot);
  if (decided !== undefined) return tellDecided(state, out, from, slot, decided);
  if (slot <= leader.floor) return;
  const known = leader.proposals.get(slot);
  const epoch = epochOf(state, slot);
  if (known !== undefined) {
    const isDone = leader.active !== null && !leader.commanders.has(slot);
    if (isDone && !leader.recovering.includes(slot) && commands(state, slot))
      tellDecided(state, out, from, slot, known);
  } else if (epoch !== null) {
    leader.proposals.set(slot, value);
    if (commands(state, slot)) command(state, out, slot);
  }
  const { proposer } = leader.seen;
  const isPassive = leader.active === null && leader.scout === null;
  const other = proposer !== state.settings.self && state.settings.members.includes(proposer);
  if (isPassive && other && !message.passedOn && !sameBallot(leader.seen, BALLOT_NONE))
    tellNow(state, out, [proposer], { ...message, passedOn: true });
  if (news) onNewEpoch(state, out);
}

/** A leader of the new epoch asks its acceptors too, in the ballot that it is in. */
export function onNewEpoch(state: PmmcState, out: Out): void {
  const { leader } = state;
  const { number, first } = lastEpoch(state);
  if (leader.active === null) return startLeader(state, out);
  if (!mayLead(state) || leader.scout !== null || leader.active.upTo >= number) return;
  const { ballot } = leader;
  const from = leader.active.upTo + 1;
  const least = Math.min(
    first,
    ...state.epochs.filter((e) => e.number >= from).map((e) => e.first),
  );
  leader.scout = spawnScout(state, out, { ballot, from, upTo: number, first: least });
}

export function onP1b(state: PmmcState, out: Out, from: NodeId, message: P1b): void {
  const { leader } = state;
  hear(state, out, message.ballot);
  raiseFloor(state, message.gcSlot);
  const { scout } = leader;
  if (!concernsScout(scout, message)) return;
  if (onPart(state, out, scout, from, message) === "adopted") adopted(state, out, scout);
}

/** Acceptors of every epoch in question are in this ballot: `proposals ◁ pmax(pvals)`. */
function adopted(state: PmmcState, out: Out, scout: Scout): void {
  const { leader, tuning } = state;
  leader.scout = null;
  const from = leader.active?.from ?? scout.from;
  leader.active = { from, upTo: scout.upTo };
  for (const [slot, pvalue] of scout.pvalues) adopt(state, slot, pvalue);
  const adoptedNow = (slot: Slot): boolean =>
    commands(state, slot) && (epochOf(state, slot)?.number ?? 0) >= scout.from;
  const slots = [...leader.proposals.keys()].filter(adoptedNow).sort((x, y) => x - y);
  leader.recovering = [...leader.recovering, ...slots];
  shrinkTimeout(state);
  observe(out, "elected", {
    round: leader.ballot.round,
    recovered: scout.pvalues.size,
    epoch: scout.upTo,
  });
  if (tuning.leaseMs > 0) setTimer(out, "lease", 0);
}

/** Pvalues of an epoch that is unknown here belong to slots that another leader looks after. */
function adopt(state: PmmcState, slot: Slot, { epoch, value }: Accepted): void {
  const { leader } = state;
  if (slot <= leader.floor || epoch > lastEpoch(state).number) return;
  leader.proposals.set(slot, value);
  leader.highest = Math.max(leader.highest, slot);
}

/** Whether this leader may have a commander for the slot in its present ballot. */
function commands(state: PmmcState, slot: Slot): boolean {
  const { active, floor } = state.leader;
  const epoch = epochOf(state, slot);
  if (active === null || epoch === null || slot <= floor) return false;
  return epoch.number >= active.from && epoch.number <= active.upTo;
}

function command(state: PmmcState, out: Out, slot: Slot): void {
  const { leader } = state;
  const { ballot } = leader;
  const value = leader.proposals.get(slot);
  const epoch = epochOf(state, slot);
  if (value === undefined || epoch === null) return;
  leader.highest = Math.max(leader.highest, slot);
  leader.commanders.set(slot, spawnCommander(state, out, { ballot, slot, value }, epoch));
}

/** Commanders for what was adopted, a bounded number at a time. */
export function drive(state: PmmcState, out: Out): void {
  const { leader, replica } = state;
  raiseFloor(state, (replica?.slotOut ?? 1) - 1);
  while (leader.recovering.length > 0 && leader.commanders.size < state.tuning.commandersMax) {
    const slot = leader.recovering.shift() as Slot;
    if (commands(state, slot) && !leader.commanders.has(slot)) command(state, out, slot);
  }
}

export function onP2b(state: PmmcState, out: Out, from: NodeId, message: P2b): void {
  const { leader } = state;
  hear(state, out, message.ballot);
  raiseFloor(state, message.gcSlot);
  const commander = leader.commanders.get(message.slot);
  if (commander === undefined || !sameBallot(message.commander, message.ballot)) return;
  if (!sameBallot(commander.ballot, message.ballot)) return;
  if (!onVote(state, out, commander, from)) return;
  leader.commanders.delete(message.slot);
  shrinkTimeout(state);
}

export function onResendTimeout(state: PmmcState, out: Out): void {
  const { leader, tuning } = state;
  if (leader.active === null && leader.scout === null) return;
  let oldest = 0;
  for (const task of [...(leader.scout === null ? [] : [leader.scout]), ...commandersOf(leader)]) {
    if (task.age > 0) "done" in task ? askSilent(state, out, task) : askAgain(state, out, task);
    task.age += 1;
    oldest = Math.max(oldest, task.age);
  }
  leader.stalled = oldest * tuning.resendMs > leader.timeoutMs;
  setTimer(out, "resend", tuning.resendMs);
}

/** What was on its way over the old connection is asked again. */
export function askPeerAgain(state: PmmcState, out: Out): void {
  const { leader } = state;
  if (leader.scout !== null) askSilent(state, out, leader.scout);
  for (const commander of commandersOf(leader)) askAgain(state, out, commander);
}

/** Asks for the next lease while this one lasts (section 4.5). */
export function onLeaseTimeout(state: PmmcState, out: Out, now: number): void {
  const { leader, tuning } = state;
  if (leader.active === null || tuning.leaseMs === 0) return;
  const { lease } = leader;
  lease.round += 1;
  lease.sent.set(lease.round, now);
  for (const round of lease.sent.keys()) if (round < lease.round - 8) lease.sent.delete(round);
  const { acceptors } = lastEpoch(state);
  tellNow(state, out, acceptors, { kind: "renew", ballot: leader.ballot, round: lease.round });
  // Heard, and deaf itself: whoever asks on and on would keep all others from leading, for ever.
  const isDeaf = lease.round - lease.heard > UNHEARD_MAX;
  const inMs = isDeaf ? DEAF_PAUSE * tuning.leaseMs : Math.floor(tuning.leaseMs / 3);
  setTimer(out, "lease", Math.max(1, inMs));
}

/** Counted from when it was asked for, on this member's clock, less what clocks may drift. */
export function onGrant(state: PmmcState, from: NodeId, message: Grant): void {
  const { leader, tuning, settings } = state;
  if (leader.active === null || !sameBallot(leader.ballot, message.ballot)) return;
  const { lease } = leader;
  if (message.round <= (lease.granted.get(from) ?? 0)) return;
  lease.granted.set(from, message.round);
  for (const [round, sentAt] of lease.sent) {
    const granters = new Set([...lease.granted].filter(([, r]) => r >= round).map(([id]) => id));
    if (lastEpoch(state).number > 0 || !settings.quorums.isPhase2(granters)) continue;
    lease.heard = Math.max(lease.heard, round);
    const lasts = tuning.leaseMs - (tuning.leaseMs * tuning.driftPerMille) / 1000;
    lease.until = Math.max(lease.until, sentAt + lasts);
  }
}

/** Slots up to here are decided: nothing is proposed in them any more. */
export function raiseFloor(state: PmmcState, slot: Slot): void {
  const { leader } = state;
  if (slot <= leader.floor) return;
  leader.floor = slot;
  for (const old of leader.proposals.keys()) if (old <= slot) leader.proposals.delete(old);
  for (const old of leader.commanders.keys()) if (old <= slot) leader.commanders.delete(old);
}

function tellDecided(state: PmmcState, out: Out, to: NodeId, slot: Slot, value: Uint8Array): void {
  if (to === state.settings.self) return;
  const replicas = state.replicas.includes(to) ? [to] : state.replicas;
  tellNow(state, out, replicas, { kind: "decision", slot, ballot: BALLOT_NONE, value });
}

function shrinkTimeout(state: PmmcState): void {
  const { leader, tuning } = state;
  leader.timeoutMs = Math.max(tuning.timeoutMs, leader.timeoutMs - tuning.timeoutStepMs);
  leader.stalled = false;
}

function commandersOf(leader: LeaderState) {
  return [...leader.commanders.values()];
}
