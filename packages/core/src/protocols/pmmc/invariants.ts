import { BALLOT_NONE, type Ballot, compareBallots, formatBallot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { Input } from "../../protocol.ts";
import { majority, type QuorumSystem } from "../../quorum.ts";
import { sameBytes } from "../../same-bytes.ts";
import { epochOf } from "./epochs.ts";
import { formatEpoch, formatValue } from "./format.ts";
import type { Epoch, P1b, PmmcMessage, Pvalue } from "./messages.ts";
import type { PmmcRecord } from "./records.ts";
import type { PmmcState } from "./state.ts";

/**
 * The invariants of the paper (R1 to R5 of its section 2.1, A1 to A5 of 2.2, C1 and C2 of 2.3), for
 * simulators and model checkers. It looks from outside: at what became durable, what was sent and
 * what was delivered, never at what a member believes about others. Each function returns what is
 * wrong, in words, or null.
 */
export interface PmmcHistory {
  /** Of the first epoch; later ones have majorities. */
  readonly quorums: QuorumSystem;
  /** By number: what members take for the epochs. */
  readonly epochs: Map<number, Epoch>;
  /** Durable acceptances by slot, then ballot. */
  readonly accepted: Map<Slot, Map<string, Acceptance>>;
  /** The lowest ballot in which a quorum has durably accepted, and what. */
  readonly chosen: Map<Slot, { readonly ballot: Ballot; readonly value: Uint8Array }>;
  /** Highest ballot that each member has durably adopted. */
  readonly adopted: Map<NodeId, Ballot>;
  /** Highest own ballot of each member that is durable. */
  readonly owned: Map<NodeId, Ballot>;
  /** What commanders carried, by slot and ballot. */
  readonly commanded: Map<string, Uint8Array>;
  /** How far each member was, in which incarnation. */
  readonly executed: Map<NodeId, { readonly incarnation: number; readonly slotOut: Slot }>;
}

interface Acceptance {
  readonly ballot: Ballot;
  readonly value: Uint8Array;
  readonly voters: Set<NodeId>;
}

export function createHistory(quorums: QuorumSystem): PmmcHistory {
  return {
    quorums,
    epochs: new Map(),
    accepted: new Map(),
    chosen: new Map(),
    adopted: new Map(),
    owned: new Map(),
    commanded: new Map(),
    executed: new Map(),
  };
}

/**
 * `record` of `node` has become durable. Checks `A1-ballots-rise`, `A2-accepts-at-its-ballot`,
 * `A4-one-command-per-ballot` and `A5-chosen-stays`. Only for members that vote.
 */
export function onDurable(history: PmmcHistory, node: NodeId, record: PmmcRecord): string | null {
  const adopted = history.adopted.get(node) ?? BALLOT_NONE;
  switch (record.kind) {
    case "ballot":
      raise(history.owned, node, record.ballot);
      return null;
    case "adopted":
      if (compareBallots(record.ballot, adopted) <= 0)
        return `node ${node} adopts ${formatBallot(record.ballot)} at ${formatBallot(adopted)}`;
      raise(history.adopted, node, record.ballot);
      return null;
    case "meta":
      raise(history.adopted, node, record.adopted);
      raise(history.owned, node, record.own);
      if (compareBallots(record.adopted, adopted) >= 0) return null;
      return `node ${node} falls to ${formatBallot(record.adopted)} from ${formatBallot(adopted)}`;
    case "accepted":
      return accepts(history, node, record, adopted);
    default:
      return null;
  }
}

function accepts(
  history: PmmcHistory,
  node: NodeId,
  { ballot, slot, value }: Pvalue,
  adopted: Ballot,
): string | null {
  const key = formatBallot(ballot);
  const ballots = history.accepted.get(slot) ?? new Map<string, Acceptance>();
  history.accepted.set(slot, ballots);
  const acceptance = ballots.get(key) ?? { ballot, value, voters: new Set<NodeId>() };
  ballots.set(key, acceptance);
  // A checkpoint writes what was accepted long ago once more.
  if (!acceptance.voters.has(node) && compareBallots(ballot, adopted) < 0)
    return `node ${node} accepts slot ${slot} in ${key} at ${formatBallot(adopted)}`;
  raise(history.adopted, node, ballot);
  if (!sameBytes(acceptance.value, value)) return `two commands in slot ${slot}, ballot ${key}`;
  acceptance.voters.add(node);
  return contradicts(history, slot, ballots);
}

/** Whether something was accepted above a ballot in which something else was chosen. */
function contradicts(
  history: PmmcHistory,
  slot: Slot,
  ballots: ReadonlyMap<string, Acceptance>,
): string | null {
  const quorums = quorumsOf(history, slot);
  for (const { ballot, value, voters } of ballots.values()) {
    if (!quorums.isPhase2(voters)) continue;
    const chosen = history.chosen.get(slot);
    if (chosen === undefined || compareBallots(ballot, chosen.ballot) < 0)
      history.chosen.set(slot, { ballot, value });
    for (const other of ballots.values())
      if (compareBallots(other.ballot, ballot) > 0 && !sameBytes(other.value, value))
        return (
          `slot ${slot} is chosen in ${formatBallot(ballot)}, ` +
          "and another command accepted above"
        );
  }
  return null;
}

/**
 * `message` leaves `node` for others. Checks `durable-before-visible`, `A3-nothing-is-forgotten`,
 * `C1-one-commander-per-ballot` and `C2-commanders-carry-the-chosen`.
 */
export function onSent(history: PmmcHistory, node: NodeId, message: PmmcMessage): string | null {
  switch (message.kind) {
    case "p1a":
      return shows(history.owned, node, message.ballot, "scouts in");
    case "p1b":
      return (
        shows(history.adopted, node, message.ballot, "says that it adopted") ??
        forgets(history, node, message)
      );
    case "p2b":
      return shows(history.adopted, node, message.ballot, "says that it adopted");
    case "p2a":
      return commands(history, message);
    default:
      return null;
  }
}

function shows(
  durable: ReadonlyMap<NodeId, Ballot>,
  node: NodeId,
  ballot: Ballot,
  what: string,
): string | null {
  if (compareBallots(durable.get(node) ?? BALLOT_NONE, ballot) >= 0) return null;
  return `node ${node} ${what} ${formatBallot(ballot)}, which is not durable`;
}

/**
 * An acceptor tells of each slot the highest ballot that it durably accepted in, or a higher one.
 */
function forgets(history: PmmcHistory, node: NodeId, message: P1b): string | null {
  const { first, last, gcSlot, pvalues } = message;
  const told = new Map(pvalues.map((pvalue) => [pvalue.slot, pvalue.ballot]));
  for (const [slot, ballots] of history.accepted) {
    if (slot < first || slot > last || slot <= gcSlot) continue;
    const ballot = told.get(slot) ?? BALLOT_NONE;
    for (const acceptance of ballots.values())
      if (acceptance.voters.has(node) && compareBallots(acceptance.ballot, ballot) > 0)
        return `node ${node} does not tell what it accepted in slot ${slot}`;
  }
  return null;
}

function commands(history: PmmcHistory, pvalue: Pvalue): string | null {
  const { slot, ballot, value } = pvalue;
  const key = `${slot} ${formatBallot(ballot)}`;
  const before = history.commanded.get(key);
  history.commanded.set(key, value);
  if (before !== undefined && !sameBytes(before, value))
    return `two commands in slot ${slot}, ballot ${formatBallot(ballot)}`;
  const chosen = history.chosen.get(slot);
  const later = chosen !== undefined && compareBallots(ballot, chosen.ballot) > 0;
  if (!later || sameBytes(chosen.value, value)) return null;
  return `slot ${slot} is chosen, and ballot ${formatBallot(ballot)} carries another command`;
}

/**
 * `state` has just taken a step. Checks `R1-one-command-per-slot`, `R4-slot-out-never-falls` and
 * `epochs-agree`, then what holds of each member alone.
 */
export function afterStep(history: PmmcHistory, state: PmmcState): string | null {
  const { self } = state.settings;
  const { replica, incarnation } = state;
  const slotOut = replica?.slotOut ?? 1;
  const known = history.executed.get(self);
  const before = known?.incarnation === incarnation ? known.slotOut : 1;
  history.executed.set(self, { incarnation, slotOut });
  if (before > slotOut) return `node ${self} falls back from slot ${before} to ${slotOut}`;
  const problem =
    agreesOnEpochs(history, state) ??
    takesForDecided(history, state, before) ??
    memberProblem(state, before);
  return problem === null ? null : `node ${self}: ${problem}`;
}

function agreesOnEpochs(history: PmmcHistory, state: PmmcState): string | null {
  for (const epoch of state.epochs) {
    const known = history.epochs.get(epoch.number);
    if (known === undefined) history.epochs.set(epoch.number, epoch);
    else if (known !== epoch && formatEpoch(known) !== formatEpoch(epoch))
      return `something else for epoch ${epoch.number}`;
  }
  return null;
}

/** Slots from `from` on, executed or near to it: those below were looked at before. */
function takesForDecided(history: PmmcHistory, state: PmmcState, from: Slot): string | null {
  const { replica, tuning } = state;
  if (replica === null) return null;
  for (let slot = from; slot < replica.slotOut + tuning.window; slot += 1) {
    const value = replica.decisions.get(slot);
    if (value === undefined) continue;
    const chosen = history.chosen.get(slot);
    if (chosen === undefined) return `slot ${slot} is decided, but no quorum has accepted`;
    if (!sameBytes(chosen.value, value)) return `another command in slot ${slot}`;
  }
  return null;
}

/**
 * Checks `R2-all-below-is-decided` (from a slot on), `R5-within-the-window` and
 * `commanders-in-their-epoch`.
 */
export function memberProblem(state: PmmcState, from: Slot = 1): string | null {
  const { replica, leader, tuning } = state;
  if (replica !== null) {
    const first = Math.max(from, replica.compactedUpTo + 1);
    for (let slot = first; slot < replica.slotOut; slot += 1)
      if (!replica.decisions.has(slot)) return `slot ${slot} is executed and not decided`;
    const end = replica.slotOut + tuning.window;
    if (replica.slotIn > end) return `slot_in ${replica.slotIn} at slot_out ${replica.slotOut}`;
    for (const slot of replica.proposals.keys()) {
      if (slot >= end) return `slot ${slot} is proposed at slot_out ${replica.slotOut}`;
      if (epochOf(state, slot) === null) return `slot ${slot} is proposed in an unknown epoch`;
    }
  }
  for (const { slot, epoch, ballot } of leader.commanders.values()) {
    if (epochOf(state, slot)?.number !== epoch)
      return `slot ${slot} is commanded in epoch ${epoch}`;
    if (compareBallots(ballot, leader.ballot) !== 0)
      return `slot ${slot} is commanded in an old ballot`;
  }
  return null;
}

/**
 * What a step delivers; to be asked before `afterStep`. Checks `R3-in-the-order-of-slots`: each
 * slot once in an incarnation, none left out, each with the command that was decided for it.
 */
export function onEffects(
  history: PmmcHistory,
  state: PmmcState,
  input: Input<PmmcMessage>,
  effects: readonly Effect<PmmcMessage>[],
): string | null {
  const { self } = state.settings;
  // An old copy of a disk starts with less, and with an incarnation that may have been.
  if (input.kind === "start") history.executed.delete(self);
  const known = history.executed.get(self);
  let next = known?.incarnation === state.incarnation ? known.slotOut : null;
  if (input.kind === "installed") next = Math.max(next ?? 1, input.position.index + 1);
  for (const effect of effects) {
    if (effect.kind !== "deliver") continue;
    const { index } = effect.position;
    if (next !== null && index !== next) return `node ${self} executes slot ${index}, not ${next}`;
    next = index + 1;
    const decided = state.replica?.decisions.get(index);
    const names = effect.commands.map(({ client, sequence }) => `${client}#${sequence}`).join("+");
    if (decided !== undefined && formatValue(decided) !== (names === "" ? "-" : names))
      return `node ${self} executes ${names} in slot ${index}, decided is ${formatValue(decided)}`;
  }
  return null;
}

function quorumsOf(history: PmmcHistory, slot: Slot): QuorumSystem {
  const epochs = [...history.epochs.values()].filter((epoch) => epoch.first <= slot);
  const epoch = epochs.sort((a, b) => a.number - b.number).at(-1);
  return epoch === undefined || epoch.number === 0 ? history.quorums : majority(epoch.acceptors);
}

function raise(ballots: Map<NodeId, Ballot>, node: NodeId, ballot: Ballot): void {
  const known = ballots.get(node);
  if (known === undefined || compareBallots(ballot, known) > 0) ballots.set(node, ballot);
}
