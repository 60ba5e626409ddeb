import type { NodeId } from "./ids.ts";

/** Totally ordered by round, then proposer; never reused, because no two proposers share an id. */
export interface Ballot {
  readonly round: number;
  readonly proposer: NodeId;
}

/** Below every real ballot: round 0 belongs to nobody. */
export const BALLOT_NONE: Ballot = Object.freeze({ round: 0, proposer: 0 });

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a.round !== b.round ? a.round - b.round : a.proposer - b.proposer;
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return a.round === b.round && a.proposer === b.proposer;
}

/** The lowest ballot of `proposer` in a later round than `above`: the round always rises. */
export function nextBallot(above: Ballot, proposer: NodeId): Ballot {
  return { round: above.round + 1, proposer };
}

/** `round.proposer`, as traces and status show it. */
export function formatBallot(ballot: Ballot): string {
  return `${ballot.round}.${ballot.proposer}`;
}
