import { BALLOT_NONE, type Ballot, compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { highestOf, type Opinion } from "./opinion.ts";
import { priorityOf } from "./priority.ts";

/**
 * Priority that moves leadership. A replica of higher priority than the leader's counts the rounds
 * in a row in which it hears that leader, happy, and a quorum that is happy with the same one.
 * After enough of them it takes over, if its log holds all that is known to be decided. Whoever
 * lacks one of these links never counts that far, so it disturbs nobody.
 */
export interface Preference {
  /** Rounds in a row, up to now, that spoke for taking over; no more than are waited for. */
  rounds: number;
  /** From whom, and what the log had promised meanwhile. */
  over: Ballot;
  promised: Ballot;
  /** The wait is so many times as long: every lead taken over that did not last doubles it. */
  patience: number;
  /** The lead that was taken over, until it has lasted. */
  won: Ballot | null;
  /** Rounds for which it has been kept. */
  kept: number;
}

/** The wait gets no longer than this many times what was asked for. */
export const PATIENCE_MAX = 8;

/** A lead has lasted when it was kept for so many waits. */
const WAITS_KEPT = 10;

export function createPreference(): Preference {
  return { rounds: 0, over: BALLOT_NONE, promised: BALLOT_NONE, patience: 1, won: null, kept: 0 };
}

/** What a round has shown to a replica that follows. */
export interface RoundSeen {
  /** Its own ballot. */
  readonly own: Ballot;
  readonly replies: ReadonlyMap<NodeId, Opinion>;
  readonly quorums: QuorumSystem;
  /** The highest ballot that its log has promised. */
  readonly promised: Ballot;
  /** Its log holds all that it knows to be decided. */
  readonly caughtUp: boolean;
  /** Rounds to wait for; 0: for ever. */
  readonly takeOverRounds: number;
}

/** Counts a round (null: this replica does not follow) and says whether it is time to take over. */
export function isTimeToTakeOver(state: Preference, seen: RoundSeen | null): boolean {
  const over = seen === null || seen.takeOverRounds === 0 ? null : leaderBelow(seen);
  if (seen === null || over === null) {
    state.rounds = 0;
    return false;
  }
  const goesOn = sameBallot(over, state.over) && sameBallot(seen.promised, state.promised);
  const wait = seen.takeOverRounds * state.patience * (1 + countPreferred(seen));
  state.rounds = Math.min(goesOn ? state.rounds + 1 : 1, wait);
  state.over = over;
  state.promised = seen.promised;
  return state.rounds === wait && seen.caughtUp;
}

/**
 * The ballot of a leader of lower priority, if it says itself that it is happy, a quorum with it
 * is, and nobody that answers is with a higher one.
 */
function leaderBelow({ own, replies, quorums }: RoundSeen): Ballot | null {
  const opinions = [...replies.values()];
  const leading = opinions.filter(
    ({ ballot, leader, happy }) => happy && sameBallot(ballot, leader),
  );
  const over = leading.map(({ ballot }) => ballot).reduce(highestOf, BALLOT_NONE);
  if (leading.length === 0 || priorityOf(over) >= priorityOf(own)) return null;
  if (opinions.some(({ leader }) => compareBallots(leader, over) > 0)) return null;
  const followers = new Set([own.proposer]);
  for (const [member, { leader, happy }] of replies)
    if (happy && sameBallot(leader, over)) followers.add(member);
  return quorums.isPhase1(followers) && quorums.isPhase2(followers) ? over : null;
}

/**
 * Others in sight that would be preferred: they go first, and this one only if they do not. So
 * leadership moves once where several could have it, and nobody stands against another.
 */
function countPreferred({ own, replies }: RoundSeen): number {
  const isBefore = ({ ballot }: Opinion): boolean => {
    const order = priorityOf(ballot) - priorityOf(own);
    return order > 0 || (order === 0 && ballot.proposer > own.proposer);
  };
  return [...replies.values()].filter(isBefore).length;
}

/** The replica takes over in `ballot`: from now on that lead has to last. */
export function beginLead(state: Preference, ballot: Ballot): void {
  state.rounds = 0;
  state.won = ballot;
  state.kept = 0;
}

/**
 * A round is over: is the lead that was taken over still there? If it ends before it has lasted,
 * the next attempt is further away: a link that fails time and again must not move leadership as
 * often.
 */
export function watchLead(state: Preference, { leader, happy, takeOverRounds }: LeadSeen): void {
  const { won } = state;
  if (won === null) return;
  const isKept = sameBallot(leader, won);
  state.kept += isKept && happy ? 1 : 0;
  const hasLasted = state.kept >= WAITS_KEPT * takeOverRounds * state.patience;
  if (isKept && !hasLasted) return;
  state.patience = hasLasted ? 1 : Math.min(2 * state.patience, PATIENCE_MAX);
  state.won = null;
}

/** What a round has shown to a replica that leads, or did. */
interface LeadSeen {
  /** The ballot that it takes for the leader's. */
  readonly leader: Ballot;
  readonly happy: boolean;
  readonly takeOverRounds: number;
}
