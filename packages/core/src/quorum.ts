import type { NodeId } from "./ids.ts";
import { invariant } from "./invariant.ts";

/**
 * Asked, never counted: protocols hand over the set of members that answered. Safe when every
 * phase-1 quorum meets every phase-2 quorum (Howard, Malkhi, Spiegelman: Flexible Paxos, 2016).
 */
export interface QuorumSystem {
  readonly name: string;
  readonly members: readonly NodeId[];
  isPhase1(voters: ReadonlySet<NodeId>): boolean;
  isPhase2(voters: ReadonlySet<NodeId>): boolean;
}

/** More than half of the members, in both phases. Even sizes too: 3 of 4, 4 of 6. */
export function majority(members: readonly NodeId[]): QuorumSystem {
  const size = Math.floor(members.length / 2) + 1;
  return { ...flexible(members, { phase1: size, phase2: size }), name: "majority" };
}

/**
 * Any `phase1` members and any `phase2` members. Throws when the two need not meet, that is unless
 * `phase1 + phase2 > members.length`; check with {@link flexibleProblem} first when sizes come from
 * a user.
 */
export function flexible(
  members: readonly NodeId[],
  sizes: { readonly phase1: number; readonly phase2: number },
): QuorumSystem {
  const problem = flexibleProblem(members, sizes);
  invariant(problem === null, problem ?? "");
  const present = new Set(members);
  const reaches = (voters: ReadonlySet<NodeId>, size: number): boolean => {
    let count = 0;
    for (const voter of voters) if (present.has(voter)) count += 1;
    return count >= size;
  };
  return {
    name: `flexible ${sizes.phase1}/${sizes.phase2}`,
    members,
    isPhase1: (voters) => reaches(voters, sizes.phase1),
    isPhase2: (voters) => reaches(voters, sizes.phase2),
  };
}

/** What is wrong with these sizes, in words for a user; null when they are safe. */
export function flexibleProblem(
  members: readonly NodeId[],
  sizes: { readonly phase1: number; readonly phase2: number },
): string | null {
  const count = members.length;
  if (count === 0) return "a quorum system needs at least one member";
  if (new Set(members).size !== count) return "a member is named twice";
  for (const [phase, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < 1 || size > count)
      return `${phase} must be a whole number from 1 to ${count}, not ${size}`;
  }
  if (sizes.phase1 + sizes.phase2 <= count)
    return `phase1 + phase2 must exceed ${count}, or two quorums may not meet`;
  return null;
}
