import { compareBallots, sameBallot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import { invariant } from "../../invariant.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { sameBytes } from "../../same-bytes.ts";
import type { Ask, Proposal, Told } from "./messages.ts";

/** One learner of one decree. Nothing of it has to outlive a crash: it can ask again. */
export interface LearnerState {
  chosen: Uint8Array | null;
  /** The acceptance in the highest ballot that is known of each acceptor. */
  readonly accepted: Map<NodeId, Proposal>;
  inquiry: Inquiry | null;
}

/** What the acceptors answered to the latest question. */
export interface Inquiry {
  readonly incarnation: number;
  readonly number: number;
  readonly answered: Set<NodeId>;
  /** Those that had accepted nothing when they answered. */
  readonly blank: Set<NodeId>;
}

/**
 * - `open`: nothing can be said yet.
 * - `unchosen`: nothing was chosen when the question was asked.
 * - `stuck`: enough have answered, something is accepted, and that it is chosen cannot be seen. A
 *   proposer must issue a proposal to find out (§2.3).
 */
export type Finding = "open" | "unchosen" | "stuck" | "chosen";

export function createLearner(): LearnerState {
  return { chosen: null, accepted: new Map(), inquiry: null };
}

/**
 * `from` has durably accepted `proposal`. True: that makes it chosen, as a phase-2 quorum has
 * accepted in the same ballot, each acceptor counted once.
 */
export function hearAccepted(
  learner: LearnerState,
  quorums: QuorumSystem,
  from: NodeId,
  proposal: Proposal,
): boolean {
  if (learner.chosen !== null) return false;
  const before = learner.accepted.get(from);
  if (before !== undefined && compareBallots(proposal.ballot, before.ballot) < 0) return false;
  learner.accepted.set(from, proposal);
  const voters = new Set<NodeId>();
  for (const [acceptor, { ballot }] of learner.accepted)
    if (sameBallot(ballot, proposal.ballot)) voters.add(acceptor);
  return quorums.isPhase2(voters) && hearChosen(learner, proposal.value);
}

/** Somebody has learned the outcome. True: it is news here. */
export function hearChosen(learner: LearnerState, value: Uint8Array): boolean {
  const { chosen } = learner;
  invariant(chosen === null || sameBytes(chosen, value), "two values are chosen");
  if (chosen !== null) return false;
  learner.chosen = value;
  learner.accepted.clear();
  learner.inquiry = null;
  return true;
}

/** A question to all acceptors, under numbers that were never used before. */
export function beginInquiry(learner: LearnerState, incarnation: number, number: number): Ask {
  learner.inquiry = { incarnation, number, answered: new Set(), blank: new Set() };
  return { kind: "ask", incarnation, number };
}

/**
 * An acceptor's answer. One to an older question is no answer to this one, but what it tells of an
 * acceptance stays true.
 */
export function hearTold(
  learner: LearnerState,
  quorums: QuorumSystem,
  from: NodeId,
  { incarnation, number, accepted }: Told,
): Finding {
  if (accepted !== null) hearAccepted(learner, quorums, from, accepted);
  const { inquiry } = learner;
  if (inquiry?.incarnation === incarnation && inquiry.number === number) {
    inquiry.answered.add(from);
    if (accepted === null) inquiry.blank.add(from);
  }
  return findingOf(learner, quorums);
}

/**
 * Every phase-2 quorum meets every phase-1 quorum. So where a whole phase-1 quorum has accepted
 * nothing, nothing was chosen when it was asked.
 */
export function findingOf({ chosen, inquiry }: LearnerState, quorums: QuorumSystem): Finding {
  if (chosen !== null) return "chosen";
  if (inquiry === null) return "open";
  if (quorums.isPhase1(inquiry.blank)) return "unchosen";
  return quorums.isPhase1(inquiry.answered) ? "stuck" : "open";
}
