import {
  BALLOT_NONE,
  type Ballot,
  compareBallots,
  formatBallot,
  sameBallot,
} from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { sameBytes } from "../../same-bytes.ts";
import { compareClaims } from "./claims.ts";
import { formatClaim } from "./format.ts";
import type { Claim, OmniPaxosMessage, PromiseMessage } from "./messages.ts";
import { roundMs } from "./pace.ts";
import { priorityOf } from "./priority.ts";
import type { OmniPaxosRecord } from "./records.ts";
import type { OmniPaxosState, SequenceState } from "./state.ts";

/**
 * What must hold of an OmniPaxos configuration, for simulators and model checkers. It looks from
 * outside: at what became durable and at what was delivered, never at what a replica believes about
 * others. Each function returns what is wrong, in words, or null.
 */
export interface OmniPaxosHistory {
  readonly quorums: QuorumSystem;
  /** Durable acceptances by slot, then ballot. */
  readonly accepted: Map<Slot, Map<string, Acceptance>>;
  /** What a phase-2 quorum has durably accepted in one ballot. */
  readonly chosen: Map<Slot, Uint8Array>;
  readonly disks: Map<NodeId, DurableLog>;
}

interface Acceptance {
  readonly value: Uint8Array;
  readonly voters: Set<NodeId>;
}

/** One member's log as its disk has it. */
interface DurableLog {
  promised: Ballot;
  acceptedIn: Ballot;
  log: Map<Slot, Uint8Array>;
  length: Slot;
  chosenUpTo: Slot;
  /** The best log that was ever durable here, and how long it was in each ballot. */
  best: Claim;
  readonly lengths: Map<string, Slot>;
}

export function createHistory(quorums: QuorumSystem): OmniPaxosHistory {
  return { quorums, accepted: new Map(), chosen: new Map(), disks: new Map() };
}

function diskOf(history: OmniPaxosHistory, node: NodeId): DurableLog {
  const known = history.disks.get(node);
  if (known !== undefined) return known;
  const disk: DurableLog = {
    promised: BALLOT_NONE,
    acceptedIn: BALLOT_NONE,
    log: new Map(),
    length: 0,
    chosenUpTo: 0,
    best: { acceptedIn: BALLOT_NONE, length: 0 },
    lengths: new Map(),
  };
  history.disks.set(node, disk);
  return disk;
}

/**
 * `record` of `node` has become durable. Checks `one-value-per-ballot`, `one-value-per-slot`,
 * `accepted-after-promised` and `appended-in-its-ballot`. Only for members that vote.
 */
export function onDurable(
  history: OmniPaxosHistory,
  node: NodeId,
  record: OmniPaxosRecord,
): string | null {
  const disk = diskOf(history, node);
  switch (record.kind) {
    case "promised":
      raise(disk, record.ballot);
      return null;
    case "accepted":
    case "synced": {
      const problem = misplaced(disk, node, record);
      if (problem !== null) return problem;
      const from = record.kind === "synced" ? disk.chosenUpTo + 1 : record.first;
      if (record.kind === "synced") cut(disk, record.first);
      raise(disk, record.ballot);
      disk.acceptedIn = record.ballot;
      write(disk, record.first, record.values);
      disk.best = better(disk.best, disk);
      return voteFrom(history, node, disk, from);
    }
    case "learned":
      if (record.contradicts) {
        cut(disk, record.first + record.values.length);
        disk.acceptedIn = BALLOT_NONE;
        disk.best = { acceptedIn: BALLOT_NONE, length: 0 };
      }
      write(disk, record.first, record.values);
      return null;
    case "chosen":
      disk.chosenUpTo = Math.max(disk.chosenUpTo, record.chosenUpTo);
      return null;
    case "meta":
      raise(disk, record.promised);
      disk.acceptedIn = record.acceptedIn;
      disk.log = new Map();
      disk.length = record.compactedUpTo;
      write(disk, record.compactedUpTo + 1, []);
      disk.chosenUpTo = Math.max(disk.chosenUpTo, record.compactedUpTo);
      return null;
    default:
      return null;
  }
}

function misplaced(
  disk: DurableLog,
  node: NodeId,
  record: Extract<OmniPaxosRecord, { kind: "accepted" | "synced" }>,
): string | null {
  const { ballot, kind, first } = record;
  const text = formatBallot(ballot);
  // Checkpoints write old acceptances again, in the ballot that the log was accepted in then.
  const repeats = kind === "accepted" && sameBallot(ballot, disk.acceptedIn);
  if (!repeats && compareBallots(ballot, disk.promised) < 0)
    return `node ${node} accepted ${text} after ${formatBallot(disk.promised)}`;
  if (kind === "accepted" && !repeats)
    return `node ${node} appends in ${text} to a log of ${formatBallot(disk.acceptedIn)}`;
  return first > disk.length + 1 ? `node ${node} leaves a gap before slot ${first}` : null;
}

function raise(disk: DurableLog, ballot: Ballot): void {
  if (compareBallots(ballot, disk.promised) > 0) disk.promised = ballot;
}

function cut(disk: DurableLog, from: Slot): void {
  for (let slot = from; slot <= disk.length; slot += 1) disk.log.delete(slot);
  disk.length = Math.min(disk.length, from - 1);
}

function write(disk: DurableLog, first: Slot, values: readonly Uint8Array[]): void {
  for (const [index, value] of values.entries()) disk.log.set(first + index, value);
  disk.length = Math.max(disk.length, first + values.length - 1);
  const { acceptedIn, length } = disk;
  const key = formatBallot(acceptedIn);
  disk.lengths.set(key, Math.max(length, disk.lengths.get(key) ?? 0));
}

function better(best: Claim, { acceptedIn, length }: Claim): Claim {
  return compareClaims({ acceptedIn, length }, best) > 0 ? { acceptedIn, length } : best;
}

/** What is decided here needs no vote any more, and may be of another ballot than the log. */
function voteFrom(
  history: OmniPaxosHistory,
  node: NodeId,
  disk: DurableLog,
  from: Slot,
): string | null {
  for (let slot = Math.max(from, disk.chosenUpTo + 1); slot <= disk.length; slot += 1) {
    const value = disk.log.get(slot);
    if (value === undefined) continue;
    const problem = vote(history, node, slot, disk.acceptedIn, value);
    if (problem !== null) return problem;
  }
  return null;
}

function vote(
  history: OmniPaxosHistory,
  node: NodeId,
  slot: Slot,
  ballot: Ballot,
  value: Uint8Array,
): string | null {
  const ballots = history.accepted.get(slot) ?? new Map<string, Acceptance>();
  history.accepted.set(slot, ballots);
  const key = formatBallot(ballot);
  const acceptance = ballots.get(key) ?? { value, voters: new Set<NodeId>() };
  ballots.set(key, acceptance);
  if (!sameBytes(acceptance.value, value)) return `two values in slot ${slot}, ballot ${key}`;
  acceptance.voters.add(node);
  if (!history.quorums.isPhase2(acceptance.voters)) return null;
  const chosen = history.chosen.get(slot);
  history.chosen.set(slot, chosen ?? value);
  return chosen === undefined || sameBytes(chosen, value) ? null : `two values in slot ${slot}`;
}

/**
 * `message` leaves `node` for others. Checks `durable-before-visible`: what it says about the
 * sender's own promise or log has become durable before; and `promise-hides-nothing`.
 */
export function onSent(
  history: OmniPaxosHistory,
  node: NodeId,
  message: OmniPaxosMessage,
): string | null {
  const disk = diskOf(history, node);
  if (message.kind === "prepare" || message.kind === "promise") {
    if (compareBallots(disk.promised, message.ballot) < 0)
      return `node ${node} shows a promise for ${formatBallot(message.ballot)} that is not durable`;
    return message.kind === "promise" ? hiddenIn(disk, node, message) : null;
  }
  if (message.kind !== "accepted") return null;
  const key = formatBallot(message.ballot);
  if (message.length <= (disk.lengths.get(key) ?? 0)) return null;
  return `node ${node} shows a log of ${message.length} in ${key} that is not durable`;
}

/**
 * A promise shows the best log that ever was durable there, or one at least as good, or that it is
 * lost, or that everything in it is decided.
 */
function hiddenIn(disk: DurableLog, node: NodeId, message: PromiseMessage): string | null {
  const { best } = disk;
  const { lost, chosenUpTo } = message;
  // Accepted in this ballot or above, that is, after the promise was made.
  if (compareBallots(best.acceptedIn, message.ballot) >= 0) return null;
  if (compareClaims(message, best) >= 0 || chosenUpTo >= best.length) return null;
  if (lost !== null && compareClaims(lost, best) >= 0) return null;
  return `node ${node} promises ${formatClaim(message)}, but accepted ${formatClaim(best)}`;
}

/**
 * `state` has just taken a step. Checks `decided-on-a-quorum` and `promise-never-falls`, then what
 * holds of each replica alone.
 */
export function afterStep(history: OmniPaxosHistory, state: SequenceState): string | null {
  const { self } = state.settings;
  for (let slot = state.compactedUpTo + 1; slot <= state.decidedUpTo; slot += 1) {
    const chosen = history.chosen.get(slot);
    const value = state.log.get(slot);
    if (chosen === undefined)
      return `node ${self} takes slot ${slot} for decided, but no quorum has`;
    if (value === undefined || !sameBytes(chosen, value))
      return `node ${self} holds another value in slot ${slot}`;
  }
  const promised = history.disks.get(self)?.promised;
  if (state.voter && promised !== undefined && compareBallots(state.promised, promised) < 0)
    return `node ${self} fell below its durable promise ${formatBallot(promised)}`;
  const problem = replicaProblem(state);
  return problem === null ? null : `node ${self}: ${problem}`;
}

/**
 * Checks `accepted-below-promised`, `log-is-whole`, `decided-is-held`, `lost-is-better`,
 * `leader-keeps-its-ballot` and `window-is-bounded`.
 */
export function replicaProblem(state: SequenceState): string | null {
  const { role, log, length, compactedUpTo, decidedUpTo, lost } = state;
  if (compareBallots(state.acceptedIn, state.promised) > 0)
    return `accepted ${formatBallot(state.acceptedIn)} above its promise`;
  for (let slot = compactedUpTo + 1; slot <= length; slot += 1)
    if (!log.has(slot)) return `slot ${slot} is missing from the log`;
  if (log.size !== length - compactedUpTo) return `holds ${log.size} values outside of its log`;
  if (decidedUpTo > length) return `decided ${decidedUpTo} of ${length} slots`;
  if (state.deliveredUpTo > decidedUpTo) return "delivered more than is decided";
  const shown = { acceptedIn: state.acceptedIn, length };
  if (lost !== null && (decidedUpTo >= lost.length || compareClaims(shown, lost) >= 0))
    return `has lost ${formatClaim(lost)}, but shows ${formatClaim(shown)}`;
  if (role.kind === "follower") return null;
  if (!sameBallot(role.ballot, state.promised))
    return `pursues ${formatBallot(role.ballot)} but promised ${formatBallot(state.promised)}`;
  if (role.kind !== "leader") return null;
  if (!sameBallot(role.ballot, state.acceptedIn))
    return `leads ${formatBallot(role.ballot)} with a log of ${formatBallot(state.acceptedIn)}`;
  const open = length - Math.max(decidedUpTo, role.barrier);
  return open > state.tuning.window ? `${open} slots are open` : null;
}

/**
 * Checks `own-is-not-above-leader`, `preferred-over-lower`, `waits-as-follower` and
 * `round-is-bounded`: what holds of each replica's election.
 */
export function electionProblem({ election, pace, sequence }: OmniPaxosState): string | null {
  const { own, leader, preference } = election;
  const { rounds, over, won } = preference;
  if (compareBallots(own, leader) > 0)
    return `takes ${formatBallot(leader)} for the leader's, but its own is ${formatBallot(own)}`;
  const higher = won ?? (rounds > 0 ? own : null);
  if (higher !== null && priorityOf(over) >= priorityOf(higher))
    return `is preferred with ${formatBallot(higher)} over ${formatBallot(over)}`;
  if (rounds > 0 && sequence.role.kind !== "follower")
    return `waits for the lead of ${formatBallot(over)} as a ${sequence.role.kind}`;
  const { electionMs, electionMinMs, electionMaxMs } = sequence.tuning;
  const [least, most] =
    electionMinMs > 0 ? [electionMinMs, electionMaxMs] : [electionMs, electionMs];
  const lasts = roundMs(pace, sequence.tuning);
  return lasts >= least && lasts <= most ? null : `a round lasts ${lasts} ms`;
}
