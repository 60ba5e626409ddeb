import { BALLOT_NONE, type Ballot, compareBallots, formatBallot } from "../../ballot.ts";
import type { NodeId } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { sameBytes } from "../../same-bytes.ts";
import type { PaxosMessage, Proposal } from "./messages.ts";
import type { PaxosRecord } from "./records.ts";
import type { PaxosState } from "./state.ts";

/**
 * What must hold of one decree, for simulators and model checkers. It looks from outside: at what
 * became durable and at what was said, never at what a replica believes about others. Each function
 * returns what is wrong, in words, or null.
 */
export interface PaxosHistory {
  readonly quorums: QuorumSystem;
  /** Durable acceptances by ballot. */
  readonly accepted: Map<string, Acceptance>;
  /** What a phase-2 quorum has durably accepted in one ballot; null: nothing yet. */
  chosen: Proposal | null;
  /** Highest durable promise of each member. */
  readonly promised: Map<NodeId, Ballot>;
  /** Highest ballot of each proposer that is durably used. */
  readonly began: Map<NodeId, Ballot>;
  /** What was proposed in each ballot. */
  readonly proposed: Map<string, Uint8Array>;
}

interface Acceptance extends Proposal {
  readonly voters: Set<NodeId>;
}

export function createHistory(quorums: QuorumSystem): PaxosHistory {
  return {
    quorums,
    accepted: new Map(),
    chosen: null,
    promised: new Map(),
    began: new Map(),
    proposed: new Map(),
  };
}

/**
 * `record` of `node` has become durable. Checks `accepted-after-promised`, `one-value-per-ballot`
 * and `chosen-value-binds`.
 */
export function onDurable(history: PaxosHistory, node: NodeId, record: PaxosRecord): string | null {
  if (record.kind === "promised" || record.kind === "damaged")
    raise(history.promised, node, record.ballot);
  if (record.kind === "began") raise(history.began, node, record.ballot);
  if (record.kind !== "accepted") return null;
  const { ballot, value } = record;
  const key = formatBallot(ballot);
  const promised = history.promised.get(node) ?? BALLOT_NONE;
  // A checkpoint writes an old acceptance again.
  const repeated = history.accepted.get(key)?.voters.has(node) === true;
  if (!repeated && compareBallots(ballot, promised) < 0)
    return `node ${node} accepted ${key} after ${formatBallot(promised)}`;
  raise(history.promised, node, ballot);
  const acceptance = history.accepted.get(key) ?? { ballot, value, voters: new Set<NodeId>() };
  history.accepted.set(key, acceptance);
  if (!sameBytes(acceptance.value, value)) return `two values in ballot ${key}`;
  acceptance.voters.add(node);
  return choose(history);
}

/** The lowest ballot that a quorum has accepted in decides (P2b): no value above may differ. */
function choose(history: PaxosHistory): string | null {
  const { quorums, accepted } = history;
  const ascending = [...accepted.values()].sort((a, b) => compareBallots(a.ballot, b.ballot));
  const decisive = ascending.findIndex(({ voters }) => quorums.isPhase2(voters));
  const chosen = ascending[decisive];
  if (chosen === undefined) return null;
  history.chosen = chosen;
  const other = ascending.slice(decisive).find(({ value }) => !sameBytes(value, chosen.value));
  if (other === undefined) return null;
  const [decided, above] = [formatBallot(chosen.ballot), formatBallot(other.ballot)];
  return `another value is accepted in ${above} than was chosen in ${decided}`;
}

/**
 * `message` leaves `node` for others. Checks `durable-before-visible`, `promise-hides-nothing` and
 * `one-proposal-per-ballot`.
 */
export function onSent(history: PaxosHistory, node: NodeId, message: PaxosMessage): string | null {
  switch (message.kind) {
    case "prepare":
      return isCovered(history, node, message.ballot)
        ? null
        : `node ${node} shows ballot ${formatBallot(message.ballot)}, which is not durably used`;
    case "promise": {
      const key = formatBallot(message.ballot);
      const promised = history.promised.get(node) ?? BALLOT_NONE;
      if (compareBallots(promised, message.ballot) < 0)
        return `node ${node} shows a promise for ${key} that is not durable`;
      return hiddenIn(history, node, message.accepted, message.ballot);
    }
    case "accepted":
      return isAccepted(history, node, message.ballot);
    case "told":
      return hiddenIn(history, node, message.accepted, null);
    case "accept": {
      const key = formatBallot(message.ballot);
      const before = history.proposed.get(key) ?? message.value;
      history.proposed.set(key, before);
      return sameBytes(before, message.value) ? null : `two values are proposed in ${key}`;
    }
    default:
      return null;
  }
}

/** A promise of its own ballot says that a proposer has used it, too. */
function isCovered({ began, promised }: PaxosHistory, node: NodeId, ballot: Ballot): boolean {
  const used = began.get(node) ?? BALLOT_NONE;
  const bound = promised.get(node) ?? BALLOT_NONE;
  return compareBallots(used, ballot) >= 0 || compareBallots(bound, ballot) >= 0;
}

function isAccepted(history: PaxosHistory, node: NodeId, ballot: Ballot): string | null {
  const key = formatBallot(ballot);
  return history.accepted.get(key)?.voters.has(node) === true
    ? null
    : `node ${node} shows an acceptance in ${key} that is not durable`;
}

/**
 * What `node` tells of its acceptances is durable, and is the highest of them, or of those below
 * the ballot that it promises.
 */
function hiddenIn(
  history: PaxosHistory,
  node: NodeId,
  told: Proposal | null,
  below: Ballot | null,
): string | null {
  if (told !== null) {
    const problem = isAccepted(history, node, told.ballot);
    if (problem !== null) return problem;
  }
  for (const { ballot, voters } of history.accepted.values()) {
    if (!voters.has(node) || (below !== null && compareBallots(ballot, below) >= 0)) continue;
    if (compareBallots(ballot, told?.ballot ?? BALLOT_NONE) > 0)
      return `node ${node} conceals its acceptance in ${formatBallot(ballot)}`;
  }
  return null;
}

function raise(ballots: Map<NodeId, Ballot>, node: NodeId, ballot: Ballot): void {
  const known = ballots.get(node);
  if (known === undefined || compareBallots(ballot, known) > 0) ballots.set(node, ballot);
}

/** `state` has just taken a step. Checks `chosen-on-a-quorum` and `promise-never-falls`. */
export function afterStep(history: PaxosHistory, state: PaxosState): string | null {
  const { self } = state.settings;
  const { acceptor, learner } = state;
  if (learner.chosen !== null) {
    const { chosen } = history;
    if (chosen === null) return `node ${self} takes a value for chosen, but no quorum has`;
    if (!sameBytes(chosen.value, learner.chosen)) return `node ${self} learned another value`;
  }
  const promised = history.promised.get(self);
  if (state.voter && promised !== undefined && compareBallots(acceptor.promised, promised) < 0)
    return `node ${self} fell below its durable promise ${formatBallot(promised)}`;
  const problem = replicaProblem(state);
  return problem === null ? null : `node ${self}: ${problem}`;
}

/** Checks `accepted-below-promised`, `own-ballots-only` and `decided-is-the-end`. */
export function replicaProblem(state: PaxosState): string | null {
  const { acceptor, proposer, learner, requests, reads } = state;
  const { accepted, promised } = acceptor;
  if (accepted !== null && compareBallots(accepted.ballot, promised) > 0)
    return `accepted ${formatBallot(accepted.ballot)} above its promise`;
  const { attempt, highest } = proposer;
  if (attempt !== null) {
    const { ballot } = attempt;
    if (ballot.proposer !== proposer.self || compareBallots(ballot, highest) > 0)
      return `uses ballot ${formatBallot(ballot)}`;
  }
  if (learner.chosen === null) return null;
  const waiting = requests.length + reads.covered.length + reads.waiting.length;
  return attempt === null && waiting === 0 ? null : "goes on after the decision";
}
