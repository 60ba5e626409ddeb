import { compareBallots, type Effect, type Input, type NodeId } from "@synod/core";
import {
  type BroadcastHistory,
  type BroadcastMessage,
  type BroadcastState,
  createHistory,
  decodeRecord,
  onDelivered,
  onDurable,
  onProposed,
  onSent,
  replicaProblem,
} from "@synod/core/protocols/broadcast";
import type { ProtocolWatch, WatchTools } from "@synod/simulator";
import { probeMessage, probeStep } from "./broadcast-probes.ts";
import { DurableOrder } from "./durable-order.ts";

interface Seen {
  readonly order: DurableOrder<BroadcastMessage>;
  state: BroadcastState | null;
  /** Slots up to here have been told to the oracle of chosen values. */
  decidedUpTo: number;
}

/**
 * Total-order broadcast for the oracles: its four properties and the invariants of its instances.
 * That everybody delivers everything in the end is asked of the host, at rest.
 */
export function createBroadcastWatch(
  tools: WatchTools,
): ProtocolWatch<BroadcastState, BroadcastMessage> {
  const history = createHistory(tools.quorums);
  const nodes = new Map<NodeId, Seen>();
  const accuse = (problem: string | null): void => {
    if (problem !== null) tools.accuse("broadcast", problem);
  };
  const seenOf = (node: NodeId): Seen => {
    const seen = nodes.get(node) ?? { order: new DurableOrder(), state: null, decidedUpTo: 0 };
    nodes.set(node, seen);
    return seen;
  };
  const harden = (node: NodeId, seen: Seen, message: BroadcastMessage): void => {
    const records = seen.order.seen(message);
    if (seen.state?.voter !== true) return;
    for (const bytes of records) {
      const record = decodeRecord(bytes);
      if (record !== null) accuse(onDurable(history, node, record));
    }
  };
  return {
    stepped: (node, state, input, effects) => {
      const seen = seenOf(node);
      if (input.kind === "message" && input.from === node) harden(node, seen, input.message);
      seen.state = state;
      if (input.kind === "start" && state.voter && !tools.word.isExcused(node))
        accuse(rememberedBy(history, node, state));
      seen.order.submitted(effects);
      order(history, node, input, effects, accuse);
      accuse(replicaProblem(state));
      tellDecided(tools, history, node, state, seen);
      probeStep(tools.hit, state, input, effects);
    },
    leaves: (node, message) => {
      harden(node, seenOf(node), message);
      accuse(onSent(history, node, message));
      probeMessage(tools.hit, message);
    },
    fell: (node) => {
      const { state } = seenOf(node);
      for (const { proposer } of state?.instances.values() ?? [])
        if ((proposer?.attempt ?? null) !== null)
          tools.hit(`broadcast: proposer fell in the ${proposer?.attempt?.phase} phase`);
      nodes.delete(node);
    },
  };
}

/**
 * What it holds now was durable, whether or not anybody had heard of it; and it has its promises.
 */
function rememberedBy(
  history: BroadcastHistory,
  node: NodeId,
  state: BroadcastState,
): string | null {
  for (const [slot, { acceptor }] of state.instances) {
    const { accepted, promised } = acceptor;
    const bound = history.instances.get(slot)?.promised.get(node);
    if (bound !== undefined && compareBallots(promised, bound) < 0)
      return `node ${node} starts below its promise in slot ${slot}`;
    const problem =
      accepted === null ? null : onDurable(history, node, { kind: "accepted", slot, ...accepted });
    if (problem !== null) return problem;
    onDurable(history, node, { kind: "promised", slot, ballot: promised });
  }
  return null;
}

/** Validity of what is delivered, integrity, agreement and total order. */
function order(
  history: BroadcastHistory,
  node: NodeId,
  input: Input<BroadcastMessage>,
  effects: readonly Effect<BroadcastMessage>[],
  accuse: (problem: string | null) => void,
): void {
  if (input.kind === "propose") for (const command of input.commands) onProposed(history, command);
  if (input.kind === "stop") onProposed(history, input.command);
  if (input.kind === "start") history.cursors.set(node, input.delivered.index);
  if (input.kind === "installed") {
    const before = history.cursors.get(node) ?? 0;
    history.cursors.set(node, Math.max(before, input.position.index));
  }
  for (const effect of effects)
    if (effect.kind === "deliver")
      accuse(onDelivered(history, node, effect.position.index, effect.commands));
}

function tellDecided(
  { chosen, accuse }: WatchTools,
  { instances }: BroadcastHistory,
  node: NodeId,
  state: BroadcastState,
  seen: Seen,
): void {
  for (let slot = seen.decidedUpTo + 1; slot <= state.decidedUpTo; slot += 1) {
    const value = state.decided.get(slot);
    if (value === undefined || !chosen.chosen(node, slot, value)) continue;
    if ((instances.get(slot)?.chosen ?? null) === null)
      accuse("broadcast", `node ${node} takes slot ${slot} for decided, but no quorum has`);
  }
  seen.decidedUpTo = Math.max(seen.decidedUpTo, state.decidedUpTo);
}
