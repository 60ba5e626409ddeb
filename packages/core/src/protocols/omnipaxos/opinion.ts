import { type Ballot, compareBallots } from "../../ballot.ts";

/** What a replica tells of itself in an election. */
export interface Opinion {
  /** In which it leads, or would. */
  readonly ballot: Ballot;
  /** The ballot that it takes for the leader's. */
  readonly leader: Ballot;
  /** It hears a quorum as leader, or a happy leader. */
  readonly happy: boolean;
}

export function highestOf(a: Ballot, b: Ballot): Ballot {
  return compareBallots(a, b) >= 0 ? a : b;
}
