import { BALLOT_NONE, type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { highestOf, type Opinion } from "./opinion.ts";
import {
  beginLead,
  createPreference,
  isTimeToTakeOver,
  type Preference,
  watchLead,
} from "./preference.ts";
import { ballotOf, numberOf, priorityOf } from "./priority.ts";

/**
 * Ballot leader election: who should lead, judged by links alone. In every round each replica asks
 * all others and weighs the answers when the round is over. A ballot is learnt only from the
 * replica that owns it, so no gossip through a third one deposes anybody. Instead each replica says
 * whether it is *happy*: it leads and hears a quorum that follows it, or it hears a happy leader.
 * Whoever is unhappy among none but unhappy ones, and hears a quorum, takes over. A leader that has
 * lost its quorum makes everybody around it unhappy that way, although they still hear it.
 */
export interface ElectionState {
  readonly self: NodeId;
  /** In which this replica leads, or would. */
  own: Ballot;
  /** Highest of the own ballot and those heard from their owners or promised. Never falls. */
  leader: Ballot;
  happy: boolean;
  round: number;
  /** Answers to the present round, one for each sender. */
  replies: Map<NodeId, Opinion>;
  /** Those of the round before. */
  heard: Map<NodeId, Opinion>;
  /** Highest ballot that anybody spoke of: only to outbid it. */
  highest: Ballot;
  /** The round in which each other replica asked last. */
  asked: Map<NodeId, number>;
  /** What those were answered last. */
  told: Opinion | null;
  /** Of a replica that is to lead rather than others. */
  readonly preference: Preference;
}

/** What the election must know of the replica that it judges for. */
export interface Surroundings {
  readonly quorums: QuorumSystem;
  /** May lead and be counted. */
  readonly voter: boolean;
  /** The highest ballot that the log has promised. */
  readonly promised: Ballot;
  /** The ballot in which the log leads or stands as a candidate; null when it follows. */
  readonly pursues: Ballot | null;
  /** It leads there: its phase 1 is over, and a phase-2 quorum is all it needs. */
  readonly leads: boolean;
  /** The log holds all that is known to be decided. */
  readonly caughtUp: boolean;
  /** Rounds after which a higher priority takes over from a lower one; 0: it never does. */
  readonly takeOverRounds: number;
}

export function createElection(self: NodeId, priority: number): ElectionState {
  const own = ballotOf(1, priority, self);
  return {
    self,
    own,
    leader: own,
    happy: true,
    round: 0,
    replies: new Map(),
    heard: new Map(),
    highest: own,
    asked: new Map(),
    told: null,
    preference: createPreference(),
  };
}

/**
 * A replica that has promised before begins with a ballot below all: it never goes on with an old
 * one of its own, and looks whether the leader that it remembers is still there.
 */
export function resumeElection(state: ElectionState, promised: Ballot): void {
  if (sameBallot(promised, BALLOT_NONE)) return;
  const isFirst = sameBallot(state.leader, state.own);
  state.own = ballotOf(0, priorityOf(state.own), state.self);
  state.leader = isFirst ? promised : highestOf(state.leader, promised);
  state.highest = highestOf(state.highest, promised);
}

export function beginRound(state: ElectionState): void {
  state.round += 1;
  state.heard = state.replies;
  state.replies = new Map();
}

/** An answer to an older round says nothing about now. */
export function onReply(
  state: ElectionState,
  from: NodeId,
  reply: Opinion & { readonly round: number },
): void {
  if (reply.round !== state.round) return;
  const { ballot, leader, happy } = reply;
  state.replies.set(from, { ballot, leader, happy });
}

/** What this replica answers to whoever asks. */
export function opinionOf(state: ElectionState): Opinion {
  return { ballot: state.own, leader: state.leader, happy: state.happy };
}

/** Whether others would judge by something that is not so any more; asked after every step. */
export function hasNews(state: ElectionState): boolean {
  const { told, own, leader, happy } = state;
  const same =
    told !== null &&
    told.happy === happy &&
    sameBallot(told.leader, leader) &&
    sameBallot(told.ballot, own);
  state.told = opinionOf(state);
  return !same;
}

/**
 * The log has promised a ballot that the election has not heard of: its owner has taken over just
 * now, and has until the next round to show itself.
 */
export function hearPromise(state: ElectionState, promised: Ballot): void {
  if (compareBallots(promised, state.leader) <= 0) return;
  state.leader = promised;
  state.happy = true;
}

/**
 * The round is over; promises made in it have been heard. Returns the ballot in which this replica
 * is to lead from now on, if any.
 */
export function endRound(state: ElectionState, around: Surroundings): Ballot | null {
  const opinions = [...state.replies.values()];
  for (const { ballot, leader } of opinions) {
    state.leader = highestOf(state.leader, ballot);
    state.highest = highestOf(state.highest, highestOf(ballot, leader));
  }
  state.highest = highestOf(state.highest, around.promised);
  const connected = around.voter && isConnected(state, around);
  state.happy = connected || hearsHappyLeader(state, opinions);
  const isDue = isPreferred(state, around);
  const nobodyIs = !state.happy && !opinions.some((opinion) => opinion.happy);
  if (around.voter && nobodyIs && reachesQuorum(state, around)) takeOver(state);
  else if (connected && isSpent(state, around)) takeOver(state);
  else if (isDue) {
    takeOver(state);
    beginLead(state.preference, state.own);
  }
  const leads = sameBallot(state.leader, state.own) && state.happy;
  const isNew = compareBallots(state.own, around.promised) > 0;
  return around.voter && leads && isNew && reachesQuorum(state, around) ? state.own : null;
}

/**
 * Leads by its own view, and a quorum does not contradict: those that take a higher ballot for the
 * leader's do not count. A leader past phase 1 needs a phase-2 quorum only.
 */
function isConnected(state: ElectionState, around: Surroundings): boolean {
  if (!sameBallot(state.leader, state.own)) return false;
  const followers = new Set([state.self]);
  for (const [member, { leader }] of state.replies)
    if (compareBallots(leader, state.own) <= 0) followers.add(member);
  const { quorums, leads } = around;
  return quorums.isPhase2(followers) && (leads || quorums.isPhase1(followers));
}

/** As a follower: the leader itself says so. As a leader: others are happy with a higher one. */
function hearsHappyLeader(state: ElectionState, opinions: readonly Opinion[]): boolean {
  const leading = sameBallot(state.leader, state.own);
  return opinions.some(({ ballot, leader, happy }) => {
    if (leading) return happy && compareBallots(leader, state.own) > 0;
    return happy && sameBallot(ballot, state.leader);
  });
}

/**
 * Whether priority moves the leadership here, away from a leader that is well. Counts the rounds
 * that speak for it, and those of a lead that was won so.
 */
function isPreferred(state: ElectionState, around: Surroundings): boolean {
  const { preference, own, leader, happy, replies } = state;
  const { voter, pursues, takeOverRounds } = around;
  watchLead(preference, { leader, happy, takeOverRounds });
  const follows = voter && pursues === null && !sameBallot(leader, own);
  return isTimeToTakeOver(preference, follows ? { ...around, own, replies } : null);
}

/** Could gather promises and votes, if everybody that answers gave them. */
function reachesQuorum(state: ElectionState, { quorums }: Surroundings): boolean {
  const reached = new Set([state.self, ...state.replies.keys()]);
  return quorums.isPhase1(reached) && quorums.isPhase2(reached);
}

/** The own ballot was given up, or belongs to an earlier life: nothing can come of it any more. */
function isSpent(state: ElectionState, around: Surroundings): boolean {
  const { pursues, promised } = around;
  if (pursues !== null && sameBallot(pursues, state.own)) return false;
  return compareBallots(promised, state.own) >= 0;
}

/** From now on this replica would lead, in a ballot above all that it has heard of. */
export function takeOver(state: ElectionState): void {
  const number = numberOf(highestOf(state.leader, state.highest)) + 1;
  state.own = ballotOf(number, priorityOf(state.own), state.self);
  state.leader = state.own;
  state.highest = state.own;
  state.happy = true;
}

/** Who leads, and who is to be handed what is meant for the leader: itself, or a neighbour. */
export interface Way {
  readonly leader: NodeId | null;
  readonly hop: NodeId | null;
}

/**
 * The leader itself when it is heard, else a neighbour that is happy with one: so whoever is linked
 * to a follower only is served, too. Null: the last round showed nothing new.
 */
export function wayToLeader(state: ElectionState): Way | null {
  const { proposer } = state.leader;
  const direct = state.heard.get(proposer);
  if (direct?.happy === true && sameBallot(direct.ballot, state.leader))
    return { leader: proposer, hop: proposer };
  let best: { readonly hop: NodeId; readonly leader: Ballot } | null = null;
  for (const [hop, { leader, happy }] of [...state.heard].sort(([a], [b]) => a - b)) {
    if (!happy || leader.proposer === state.self) continue;
    if (best === null || compareBallots(leader, best.leader) > 0) best = { hop, leader };
  }
  if (best !== null && (!state.happy || compareBallots(best.leader, state.leader) >= 0))
    return { leader: best.leader.proposer, hop: best.hop };
  return state.happy ? null : { leader: null, hop: null };
}
