import { type Ballot, type Effect, hash64, type NodeId } from "@synod/core";
import type { MultipaxosMessage, MultipaxosState } from "@synod/core/protocols/multipaxos";
import type { ProtocolWatch, WatchTools } from "@synod/simulator";
import { probeMessage, probeStep, type Seen } from "./multipaxos-probes.ts";

/** More nodes than a cluster has: a ballot becomes one number. */
const NODES_MAX = 1024;

/** Ballots in their order, as numbers. */
export function rankOf(ballot: Ballot): number {
  return ballot.round * NODES_MAX + ballot.proposer;
}

/** Multi-Paxos for the oracles: what is chosen, promised, accepted and proposed. */
export function createMultipaxosWatch(
  tools: WatchTools,
): ProtocolWatch<MultipaxosState, MultipaxosMessage> {
  const nodes = new Map<NodeId, Seen>();
  const seenOf = (node: NodeId): Seen => {
    const seen = nodes.get(node) ?? {
      state: null,
      role: null,
      chosenUpTo: 0,
      openAt: Number.POSITIVE_INFINITY,
    };
    nodes.set(node, seen);
    return seen;
  };
  return {
    stepped: (node, state, input, effects) => {
      const seen = seenOf(node);
      if (input.kind === "start") starts(tools, node, state, seen);
      tellChosen(tools, node, state, seen);
      checkLeader(tools, node, state, effects);
      probeStep(tools.hit, { node, state, input, effects, seen, others: nodes });
      seen.state = state;
      seen.role = state.role;
    },
    leaves: (node, message) => {
      keepWord(tools, node, message);
      probeMessage(tools.hit, message);
    },
    fell: (node) => {
      const { role } = seenOf(node);
      if (role?.kind === "leader" && role.open.size > 0)
        tools.hit("paxos: leader fell with slots under way");
      if (role?.kind === "candidate") tools.hit("paxos: candidate fell");
      nodes.delete(node);
    },
  };
}

function starts(tools: WatchTools, node: NodeId, state: MultipaxosState, seen: Seen): void {
  seen.chosenUpTo = 0;
  if (!state.voter) return;
  tools.word.startsWith(node, {
    promised: rankOf(state.promised),
    compactedUpTo: Math.max(state.compactedUpTo, state.deliveredUpTo),
    accepted: (slot) => {
      const entry = state.log.get(slot);
      // Damaged, and known to be: it answers `unknown`, which hides nothing that it had told.
      const unknown = state.faulty.get(slot);
      if (entry === undefined) return unknown === undefined ? null : rankOf(unknown);
      return entry.chosen ? Number.POSITIVE_INFINITY : rankOf(entry.ballot);
    },
  });
}

function tellChosen(tools: WatchTools, node: NodeId, state: MultipaxosState, seen: Seen): void {
  const from = Math.max(seen.chosenUpTo, state.compactedUpTo);
  for (let slot = from + 1; slot <= state.chosenUpTo; slot += 1) {
    const value = state.log.get(slot)?.value;
    if (value === undefined || !tools.chosen.chosen(node, slot, value)) continue;
    // Alone, a member has nobody to tell of its vote.
    if (tools.quorums.members.length === 1) continue;
    tools.word.chooses(node, slot, (voters) => tools.quorums.isPhase2(voters));
  }
  seen.chosenUpTo = Math.max(seen.chosenUpTo, state.chosenUpTo);
}

function checkLeader(
  tools: WatchTools,
  node: NodeId,
  state: MultipaxosState,
  effects: readonly Effect<MultipaxosMessage>[],
): void {
  const { role } = state;
  if (role.kind !== "leader") return;
  if (role.open.size > state.tuning.window)
    tools.accuse("bounds", `node ${node} has ${role.open.size} slots open`);
  if (effects.some((effect) => effect.kind === "observe" && effect.event === "elected"))
    tools.word.leads(node, rankOf(role.ballot));
}

function keepWord(tools: WatchTools, node: NodeId, message: MultipaxosMessage): void {
  const { word } = tools;
  switch (message.kind) {
    case "prepare":
      return word.promises(node, rankOf(message.ballot));
    case "promise": {
      word.promises(node, rankOf(message.ballot));
      const told = new Set(message.entries.map(({ slot }) => slot));
      const isUnknown = (slot: number): boolean =>
        message.unknown.some(({ first, last }) => slot >= first && slot <= last);
      const { first, last } = message;
      return word.tells(node, first, last, (slot) => told.has(slot) || isUnknown(slot));
    }
    case "accept": {
      const ballot = rankOf(message.ballot);
      for (const [index, value] of message.values.entries())
        if (!word.proposes(node, message.first + index, ballot, hash64(value)))
          tools.hit("paxos: accept sent again");
      return;
    }
    case "accepted": {
      const ballot = rankOf(message.ballot);
      for (const { first, last } of message.runs)
        for (let slot = first; slot <= last; slot += 1)
          if (word.accepts(node, slot, ballot))
            tools.hit("paxos: slot accepted again in a higher ballot");
      return;
    }
    default:
  }
}
