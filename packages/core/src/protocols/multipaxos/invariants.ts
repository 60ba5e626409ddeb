import { BALLOT_NONE, type Ballot, compareBallots, formatBallot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { sameBytes } from "../../same-bytes.ts";
import type { MultipaxosMessage, PromiseMessage } from "./messages.ts";
import type { MultipaxosRecord } from "./records.ts";
import type { MultipaxosState } from "./state.ts";

/**
 * What must hold of a Multi-Paxos configuration, for simulators and model checkers. It looks from
 * outside: at what became durable and at what was delivered, never at what a replica believes about
 * others. Each function returns what is wrong, in words, or null.
 */
export interface MultipaxosHistory {
  readonly quorums: QuorumSystem;
  /** Durable acceptances by slot, then ballot. */
  readonly accepted: Map<Slot, Map<string, Acceptance>>;
  /** What a phase-2 quorum has durably accepted in one ballot. */
  readonly chosen: Map<Slot, Uint8Array>;
  /** Highest durable promise of each member. */
  readonly promised: Map<NodeId, Ballot>;
}

interface Acceptance {
  readonly ballot: Ballot;
  readonly value: Uint8Array;
  readonly voters: Set<NodeId>;
}

export function createHistory(quorums: QuorumSystem): MultipaxosHistory {
  return { quorums, accepted: new Map(), chosen: new Map(), promised: new Map() };
}

/**
 * `record` of `node` has become durable. Checks `one-value-per-ballot`, `one-value-per-slot` and
 * `accepted-after-promised`. Only for members that vote: others merely note what they hear.
 */
export function onDurable(
  history: MultipaxosHistory,
  node: NodeId,
  record: MultipaxosRecord,
): string | null {
  if (record.kind === "promised") raise(history, node, record.ballot);
  if (record.kind === "meta") raise(history, node, record.promised);
  if (record.kind !== "accepted") return null;
  const promised = history.promised.get(node) ?? BALLOT_NONE;
  const repeated = hasVoted(history, node, record);
  if (!repeated && compareBallots(record.ballot, promised) < 0)
    return `node ${node} accepted ${formatBallot(record.ballot)} after ${formatBallot(promised)}`;
  raise(history, node, record.ballot);
  for (const [index, value] of record.values.entries()) {
    const problem = vote(history, node, record.first + index, record.ballot, value);
    if (problem !== null) return problem;
  }
  return null;
}

/**
 * `message` leaves `node` for others. Checks `durable-before-visible`: what it says about the
 * sender's own promise or acceptances has become durable before; and `promise-hides-nothing`.
 */
export function onSent(
  history: MultipaxosHistory,
  node: NodeId,
  message: MultipaxosMessage,
): string | null {
  if (message.kind === "prepare" || message.kind === "promise") {
    const promised = history.promised.get(node) ?? BALLOT_NONE;
    if (compareBallots(promised, message.ballot) < 0)
      return `node ${node} shows a promise for ${formatBallot(message.ballot)} that is not durable`;
    return message.kind === "promise" ? hiddenIn(history, node, message) : null;
  }
  if (message.kind !== "accepted") return null;
  const key = formatBallot(message.ballot);
  for (const { first, last } of message.runs)
    for (let slot = first; slot <= last; slot += 1)
      if (history.accepted.get(slot)?.get(key)?.voters.has(node) !== true)
        return `node ${node} shows an acceptance of slot ${slot} in ${key} that is not durable`;
  return null;
}

/**
 * A promise tells every acceptance of the node in a lower ballot, or one above it in the same slot,
 * or that the slot is chosen, or that it no longer knows what it was. A faulty slot that is told as
 * "nothing accepted" is found here, whatever comes of it.
 */
function hiddenIn(
  history: MultipaxosHistory,
  node: NodeId,
  { ballot, first, last, omittedUpTo, entries, unknown }: PromiseMessage,
): string | null {
  const reported = new Map(entries.map((entry) => [entry.slot, entry]));
  for (const [slot, ballots] of history.accepted) {
    if (slot < first || slot > last || slot <= omittedUpTo) continue;
    const told = reported.get(slot);
    const run = unknown.find((part) => part.first <= slot && slot <= part.last);
    const upTo = told?.ballot ?? run?.ballot ?? BALLOT_NONE;
    for (const acceptance of ballots.values()) {
      if (!acceptance.voters.has(node) || told?.chosen === true) continue;
      const binds = compareBallots(acceptance.ballot, ballot) < 0;
      if (binds && compareBallots(acceptance.ballot, upTo) > 0)
        return `node ${node} promises without its acceptance of slot ${slot}`;
    }
  }
  return null;
}

/** A checkpoint writes old acceptances again. */
function hasVoted(
  history: MultipaxosHistory,
  node: NodeId,
  record: Extract<MultipaxosRecord, { kind: "accepted" }>,
): boolean {
  const key = formatBallot(record.ballot);
  return record.values.every((_, index) =>
    history.accepted
      .get(record.first + index)
      ?.get(key)
      ?.voters.has(node),
  );
}

function raise(history: MultipaxosHistory, node: NodeId, ballot: Ballot): void {
  const promised = history.promised.get(node);
  if (promised === undefined || compareBallots(ballot, promised) > 0)
    history.promised.set(node, ballot);
}

function vote(
  history: MultipaxosHistory,
  node: NodeId,
  slot: Slot,
  ballot: Ballot,
  value: Uint8Array,
): string | null {
  const ballots = history.accepted.get(slot) ?? new Map<string, Acceptance>();
  history.accepted.set(slot, ballots);
  const key = formatBallot(ballot);
  const acceptance = ballots.get(key) ?? { ballot, value, voters: new Set<NodeId>() };
  ballots.set(key, acceptance);
  if (!sameBytes(acceptance.value, value)) return `two values in slot ${slot}, ballot ${key}`;
  acceptance.voters.add(node);
  if (!history.quorums.isPhase2(acceptance.voters)) return null;
  const chosen = history.chosen.get(slot);
  history.chosen.set(slot, chosen ?? value);
  return chosen === undefined || sameBytes(chosen, value) ? null : `two values in slot ${slot}`;
}

/**
 * `state` has just taken a step. Checks `chosen-on-a-quorum` and `promise-never-falls`, then what
 * holds of each replica alone.
 */
export function afterStep(history: MultipaxosHistory, state: MultipaxosState): string | null {
  const { self } = state.settings;
  for (const [slot, entry] of state.log) {
    if (!entry.chosen) continue;
    const chosen = history.chosen.get(slot);
    if (chosen === undefined)
      return `node ${self} takes slot ${slot} for chosen, but no quorum has`;
    if (!sameBytes(chosen, entry.value)) return `node ${self} holds another value in slot ${slot}`;
  }
  const promised = history.promised.get(self);
  if (state.voter && promised !== undefined && compareBallots(state.promised, promised) < 0)
    return `node ${self} fell below its durable promise ${formatBallot(promised)}`;
  const problem = replicaProblem(state);
  return problem === null ? null : `node ${self}: ${problem}`;
}

/**
 * Checks `accepted-below-promised`, `prefix-is-whole`, `faulty-is-unknown`,
 * `leader-holds-its-promise` and `window-is-bounded`.
 */
export function replicaProblem(state: MultipaxosState): string | null {
  const { role, log } = state;
  for (const [slot, entry] of log) {
    if (compareBallots(entry.ballot, state.promised) > 0)
      return `accepted ${formatBallot(entry.ballot)} in slot ${slot} above its promise`;
    if (slot <= state.compactedUpTo) return `slot ${slot} is compacted but still there`;
  }
  for (let slot = state.compactedUpTo + 1; slot <= state.chosenUpTo; slot += 1)
    if (log.get(slot)?.chosen !== true) return `slot ${slot} is missing below chosenUpTo`;
  for (const [slot, ballot] of state.faulty) {
    if (log.has(slot)) return `slot ${slot} is faulty and held`;
    if (slot <= Math.max(state.chosenUpTo, state.compactedUpTo))
      return `slot ${slot} is faulty but settled`;
    if (compareBallots(ballot, state.promised) > 0)
      return `slot ${slot} is faulty above the promise`;
  }
  if (state.deliveredUpTo > state.chosenUpTo) return "delivered more than is chosen";
  if (role.kind !== "leader") return null;
  if (compareBallots(role.ballot, state.promised) !== 0)
    return `leads ${formatBallot(role.ballot)} but promised ${formatBallot(state.promised)}`;
  if (role.open.size > state.tuning.window) return `${role.open.size} slots are open`;
  return null;
}
