import { hash64, type NodeId } from "@synod/core";
import type { PaxosMessage, PaxosState } from "@synod/core/protocols/paxos";
import type { ProtocolWatch, WatchTools } from "@synod/simulator";
import { rankOf } from "./multipaxos-watch.ts";
import { probeMessage, probeStep } from "./paxos-probes.ts";

/** The one decree, as the oracles number slots. */
const DECREE = 1;

/** Single-decree Paxos for the oracles: what is chosen, promised, accepted and proposed. */
export function createPaxosWatch(tools: WatchTools): ProtocolWatch<PaxosState, PaxosMessage> {
  const states = new Map<NodeId, PaxosState>();
  /** The latest ballot of each node in this life of it. */
  const begun = new Map<NodeId, number>();
  return {
    stepped: (node, state, input, effects) => {
      states.set(node, state);
      if (input.kind === "start" && state.voter) starts(tools, node, state);
      tellChosen(tools, node, state);
      probeStep(tools.hit, state, input, effects);
    },
    leaves: (node, message) => {
      // Said again in the same life it is the same ballot.
      if (message.kind === "prepare" && begun.get(node) !== rankOf(message.ballot)) {
        begun.set(node, rankOf(message.ballot));
        tools.word.leads(node, rankOf(message.ballot));
      }
      keepWord(tools, node, message);
      probeMessage(tools.hit, message);
    },
    fell: (node) => {
      const state = states.get(node);
      const phase = state?.proposer.attempt?.phase;
      if (phase !== undefined) tools.hit(`paxos: proposer fell in the ${phase} phase`);
      states.delete(node);
      begun.delete(node);
    },
  };
}

function starts(tools: WatchTools, node: NodeId, state: PaxosState): void {
  const { acceptor, learner } = state;
  tools.word.startsWith(node, {
    promised: rankOf(acceptor.promised),
    compactedUpTo: 0,
    accepted: () => {
      if (learner.chosen !== null) return Number.POSITIVE_INFINITY;
      // Damaged, and known to be: it is silent about what it has accepted.
      if (acceptor.damaged) return rankOf(acceptor.promised);
      return acceptor.accepted === null ? null : rankOf(acceptor.accepted.ballot);
    },
  });
}

function tellChosen({ chosen, word, quorums }: WatchTools, node: NodeId, state: PaxosState): void {
  const value = state.learner.chosen;
  if (value === null || !chosen.chosen(node, DECREE, value)) return;
  // Alone, a member has nobody to tell of its vote.
  if (quorums.members.length === 1) return;
  word.chooses(node, DECREE, (voters) => quorums.isPhase2(voters));
}

function keepWord({ word, hit }: WatchTools, node: NodeId, message: PaxosMessage): void {
  switch (message.kind) {
    case "promise":
      word.promises(node, rankOf(message.ballot));
      return word.tells(node, DECREE, DECREE, () => message.accepted !== null);
    case "accept":
      if (!word.proposes(node, DECREE, rankOf(message.ballot), hash64(message.value)))
        hit("paxos: accept sent again");
      return;
    case "accepted":
      if (word.accepts(node, DECREE, rankOf(message.ballot)))
        hit("paxos: accepted again in a higher ballot");
      return;
    case "told":
      if (message.accepted !== null)
        return word.acceptedBefore(node, DECREE, rankOf(message.accepted.ballot));
      return word.tells(node, DECREE, DECREE, () => false);
    default:
  }
}
