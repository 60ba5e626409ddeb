import { BALLOT_NONE, compareBallots, formatBallot } from "../../ballot.ts";
import type { Command } from "../../command.ts";
import { hash64 } from "../../hash.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { QuorumSystem } from "../../quorum.ts";
import { sameBytes } from "../../same-bytes.ts";
import {
  createHistory as createInstance,
  onDurable as onInstanceDurable,
  onSent as onInstanceSent,
  type PaxosHistory,
} from "../paxos/index.ts";
import type { BroadcastMessage } from "./messages.ts";
import { idOf, keyOf } from "./pending.ts";
import type { BroadcastRecord } from "./records.ts";
import type { BroadcastState, Instance } from "./state.ts";

/**
 * What must hold of a configuration, for simulators and model checkers: of each instance what holds
 * of single-decree Paxos, and of the order what total-order broadcast promises. It looks from
 * outside: at what was asked for, became durable, was said and was delivered. Each function returns
 * what is wrong, in words, or null.
 */
export interface BroadcastHistory {
  readonly quorums: QuorumSystem;
  readonly instances: Map<Slot, PaxosHistory>;
  /** Hashes of what was broadcast, by sender and sequence. */
  readonly proposed: Map<string, Set<string>>;
  /** What the first to deliver a slot delivered there, and who did. */
  readonly delivered: Map<Slot, { readonly node: NodeId; readonly commands: string }>;
  /** Where each running replica is in the order. */
  readonly cursors: Map<NodeId, Slot>;
}

export function createHistory(quorums: QuorumSystem): BroadcastHistory {
  return {
    quorums,
    instances: new Map(),
    proposed: new Map(),
    delivered: new Map(),
    cursors: new Map(),
  };
}

function instanceIn(history: BroadcastHistory, slot: Slot): PaxosHistory {
  const instance = history.instances.get(slot) ?? createInstance(history.quorums);
  history.instances.set(slot, instance);
  return instance;
}

/**
 * `record` of `node` has become durable. Checks `one-value-per-ballot`, `chosen-value-binds` and
 * `accepted-after-promised` in its instance. Only for members that vote.
 */
export function onDurable(
  history: BroadcastHistory,
  node: NodeId,
  record: BroadcastRecord,
): string | null {
  switch (record.kind) {
    case "promised":
    case "accepted":
    case "began":
    case "damaged":
      return inSlot(record.slot, onInstanceDurable(instanceIn(history, record.slot), node, record));
    default:
      return null;
  }
}

/**
 * `message` leaves `node` for others. Checks `durable-before-visible`, `promise-hides-nothing` and
 * `one-proposal-per-ballot` in its instance, and `reader-told-all`.
 */
export function onSent(
  history: BroadcastHistory,
  node: NodeId,
  message: BroadcastMessage,
): string | null {
  if (message.kind === "decree") {
    const { slot } = message;
    return inSlot(slot, onInstanceSent(instanceIn(history, slot), node, message.message));
  }
  if (message.kind !== "told") return null;
  for (const [slot, { accepted }] of history.instances)
    for (const { voters } of accepted.values())
      if (slot > message.openUpTo && voters.has(node))
        return `node ${node} conceals slot ${slot} from a reader`;
  return null;
}

function inSlot(slot: Slot, problem: string | null): string | null {
  return problem === null ? null : `slot ${slot}: ${problem}`;
}

/** A client has handed this to some replica: whatever is delivered was broadcast before. */
export function onProposed(history: BroadcastHistory, command: Command): void {
  const key = keyOf(idOf(command));
  const hashes = history.proposed.get(key) ?? new Set<string>();
  history.proposed.set(key, hashes.add(hash64(command.payload)));
}

/**
 * `node` has delivered a slot. Checks `no-creation`, `no-duplication` of a slot and
 * `uniform-total-order`: one order, of which every replica, crashed since or not, has delivered a
 * prefix.
 */
export function onDelivered(
  history: BroadcastHistory,
  node: NodeId,
  slot: Slot,
  commands: readonly Command[],
): string | null {
  const before = history.cursors.get(node) ?? 0;
  history.cursors.set(node, slot);
  if (slot !== before + 1) return `node ${node} delivers slot ${slot} after slot ${before}`;
  for (const command of commands) {
    const key = keyOf(idOf(command));
    if (history.proposed.get(key)?.has(hash64(command.payload)) !== true)
      return `node ${node} delivers "${key}", which nobody broadcast`;
  }
  const told = commands.map((command) => keyOf(idOf(command))).join(", ");
  const first = history.delivered.get(slot);
  if (first === undefined) history.delivered.set(slot, { node, commands: told });
  else if (first.commands !== told)
    return `slot ${slot}: node ${node} delivers "${told}", node ${first.node} "${first.commands}"`;
  return null;
}

/**
 * `state` has just taken a step. Checks `decided-on-a-quorum` and `promise-never-falls`, then what
 * holds of each replica alone.
 */
export function afterStep(history: BroadcastHistory, state: BroadcastState): string | null {
  const { self } = state.settings;
  for (const [slot, value] of state.decided) {
    const chosen = history.instances.get(slot)?.chosen ?? null;
    if (chosen === null) return `node ${self} takes slot ${slot} for decided, but no quorum has`;
    if (chosen.value !== value && !sameBytes(chosen.value, value))
      return `node ${self} holds another value in slot ${slot}`;
  }
  for (const [slot, { acceptor }] of state.instances) {
    const promised = history.instances.get(slot)?.promised.get(self) ?? BALLOT_NONE;
    if (state.voter && compareBallots(acceptor.promised, promised) < 0)
      return `node ${self} fell below its promise ${formatBallot(promised)} in slot ${slot}`;
  }
  const problem = replicaProblem(state);
  return problem === null ? null : `node ${self}: ${problem}`;
}

/**
 * Checks `prefix-is-whole`, `decided-is-the-end`, `window-is-bounded`, `own-ballots-only`,
 * `accepted-below-promised` and `held-until-delivered`.
 */
export function replicaProblem(state: BroadcastState): string | null {
  const { decided, decidedUpTo, compactedUpTo, deliveredUpTo, instances } = state;
  for (let slot = compactedUpTo + 1; slot <= decidedUpTo; slot += 1)
    if (!decided.has(slot)) return `slot ${slot} is missing below decidedUpTo`;
  if (deliveredUpTo > decidedUpTo) return "delivered more than is decided";
  for (const slot of [...instances.keys(), ...state.lost])
    if (slot <= decidedUpTo || decided.has(slot)) return `goes on with slot ${slot}, decided`;
  let open = 0;
  for (const [slot, instance] of instances) {
    const problem = instanceProblem(state, instance);
    if (problem !== null) return `slot ${slot}: ${problem}`;
    if ((instance.proposer?.attempt ?? null) !== null) open += 1;
  }
  if (open > state.tuning.window) return `${open} slots are open`;
  return pendingProblem(state);
}

function instanceProblem(state: BroadcastState, { acceptor, proposer }: Instance): string | null {
  const { accepted, promised } = acceptor;
  if (accepted !== null && compareBallots(accepted.ballot, promised) > 0)
    return `accepted ${formatBallot(accepted.ballot)} above its promise`;
  const attempt = proposer?.attempt ?? null;
  if (attempt !== null && attempt.ballot.proposer !== state.settings.self)
    return `uses ballot ${formatBallot(attempt.ballot)}`;
  return null;
}

/** What waits is proposed by somebody, or free to be; nothing waits for a slot that is past. */
function pendingProblem({ pending, keys, instances, decided }: BroadcastState): string | null {
  if (keys.size !== pending.length) return `${keys.size} keys of ${pending.length} messages`;
  for (const { key, slot } of pending) {
    const attempt = instances.get(slot)?.proposer?.attempt ?? null;
    if (slot > 0 && attempt === null && !decided.has(slot))
      return `"${key}" waits for slot ${slot}, where nobody proposes it`;
  }
  return null;
}

/**
 * Faults are over, and everybody had time. Checks `validity-at-rest`: nothing that a running
 * replica was asked to broadcast is still on its way; and `agreement-at-rest`: all have delivered
 * the same.
 */
export function atRest(states: readonly BroadcastState[]): string | null {
  const furthest = Math.max(...states.map(({ deliveredUpTo }) => deliveredUpTo));
  for (const { settings, pending, deliveredUpTo } of states) {
    const [own] = pending.filter((message) => message.own);
    if (own !== undefined) return `node ${settings.self} still holds "${own.key}"`;
    if (deliveredUpTo < furthest)
      return `node ${settings.self} stays at slot ${deliveredUpTo} of ${furthest}`;
  }
  return null;
}
