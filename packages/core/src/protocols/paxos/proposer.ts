import { BALLOT_NONE, type Ballot, compareBallots, nextBallot, sameBallot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import { nextFraction, type PrngState } from "../../prng.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { doubled } from "./backoff.ts";
import type { Accept, Nack, Prepare, PromiseMessage, Proposal } from "./messages.ts";
import type { PaxosRecord } from "./records.ts";

/** One proposer of one decree. Only `highest` must outlive a crash, through the record `began`. */
export interface ProposerState {
  /** Names its ballots: no other proposer of the decree may have it. */
  readonly self: NodeId;
  /** The highest ballot that it has used or heard of; the next one is above. */
  highest: Ballot;
  /** What it wants chosen; null: it would only complete what others began. */
  value: Uint8Array | null;
  attempt: Attempt | null;
  /** Ballots in a row that were outbid: the measure of the back-off. */
  outbid: number;
}

/** A ballot under way. */
export type Attempt = Preparing | Proposing;

export interface Preparing {
  readonly phase: "prepare";
  readonly ballot: Ballot;
  /** Acceptors that have promised. */
  readonly promisedBy: Set<NodeId>;
  /** Of all acceptances in their promises the one in the highest ballot. */
  found: Proposal | null;
}

export interface Proposing {
  readonly phase: "accept";
  readonly ballot: Ballot;
  readonly value: Uint8Array;
  /** Acceptors that have accepted. */
  readonly acceptedBy: Set<NodeId>;
}

export function createProposer(self: NodeId): ProposerState {
  return { self, highest: BALLOT_NONE, value: null, attempt: null, outbid: 0 };
}

/**
 * Phase 1a (§2.2) of a ballot above all that it has used or heard of. The prepare may leave only
 * when the record is durable, so that no ballot is ever used twice. Nothing needs to be recorded
 * where an acceptor on the same disk durably promises the ballot first: give that promise to
 * {@link see} after a restart.
 */
export function beginBallot(proposer: ProposerState): {
  readonly record: PaxosRecord;
  readonly message: Prepare;
} {
  const ballot = nextBallot(proposer.highest, proposer.self);
  proposer.highest = ballot;
  proposer.attempt = { phase: "prepare", ballot, promisedBy: new Set(), found: null };
  return { record: { kind: "began", ballot }, message: { kind: "prepare", ballot } };
}

/**
 * Phase 2a (§2.2), once a phase-1 quorum has promised: the value that was accepted in the highest
 * ballot of all that they report, and only if they report none its own. Null: not yet, or an answer
 * to another ballot; or there is nothing to propose, and the attempt is over.
 */
export function onPromise(
  proposer: ProposerState,
  quorums: QuorumSystem,
  from: NodeId,
  { ballot, accepted }: PromiseMessage,
): Accept | null {
  const { attempt } = proposer;
  if (attempt?.phase !== "prepare" || !sameBallot(attempt.ballot, ballot)) return null;
  attempt.promisedBy.add(from);
  if (accepted !== null && isHigher(accepted, attempt.found)) attempt.found = accepted;
  if (!quorums.isPhase1(attempt.promisedBy)) return null;
  const value = attempt.found?.value ?? proposer.value;
  proposer.attempt =
    value === null ? null : { phase: "accept", ballot, value, acceptedBy: new Set() };
  return value === null ? null : { kind: "accept", ballot, value };
}

/**
 * Phase 2b: what the acceptor has accepted, for a learner to count; null when it was asked in
 * another ballot.
 */
export function onAccepted(proposer: ProposerState, from: NodeId, ballot: Ballot): Proposal | null {
  const { attempt } = proposer;
  if (attempt?.phase !== "accept" || !sameBallot(attempt.ballot, ballot)) return null;
  attempt.acceptedBy.add(from);
  return { ballot, value: attempt.value };
}

/** True: the ballot under way is outbid and over; try again after {@link backoffMs}. */
export function onNack(proposer: ProposerState, { refused, promised }: Nack): boolean {
  see(proposer, promised);
  const { attempt } = proposer;
  if (attempt === null || !sameBallot(attempt.ballot, refused)) return false;
  if (compareBallots(promised, refused) <= 0) return false;
  proposer.attempt = null;
  proposer.outbid += 1;
  return true;
}

/** The next ballot will be above this one. */
export function see(proposer: ProposerState, ballot: Ballot): void {
  if (compareBallots(ballot, proposer.highest) > 0) proposer.highest = ballot;
}

/** What to say again, and to whom: the acceptors that have not answered. Null: nothing. */
export function unanswered(
  proposer: ProposerState,
  acceptors: readonly NodeId[],
): { readonly to: readonly NodeId[]; readonly message: Prepare | Accept } | null {
  const { attempt } = proposer;
  if (attempt === null) return null;
  const { ballot } = attempt;
  if (attempt.phase === "prepare") {
    const to = acceptors.filter((acceptor) => !attempt.promisedBy.has(acceptor));
    return { to, message: { kind: "prepare", ballot } };
  }
  const to = acceptors.filter((acceptor) => !attempt.acceptedBy.has(acceptor));
  return { to, message: { kind: "accept", ballot, value: attempt.value } };
}

/**
 * How long to wait before the next ballot, ms: uniform up to `baseMs`, twice as long with each
 * ballot that was outbid in a row, but not above `maxMs`. Two proposers that outbid each other are
 * soon far enough apart for one of them to finish.
 */
export function backoffMs(
  proposer: ProposerState,
  random: PrngState,
  limits: { readonly baseMs: number; readonly maxMs: number },
): number {
  const reach = doubled(limits.baseMs, proposer.outbid - 1, limits.maxMs);
  return Math.max(1, Math.ceil(reach * nextFraction(random)));
}

function isHigher(accepted: Proposal, than: Proposal | null): boolean {
  return than === null || compareBallots(accepted.ballot, than.ballot) > 0;
}
