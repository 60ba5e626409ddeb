import {
  BALLOT_NONE,
  compareBallots,
  type Effect,
  hash64,
  type NodeId,
  sameBallot,
} from "@synod/core";
import {
  afterStep,
  createHistory,
  decodeRecord,
  onDurable,
  onEffects,
  onSent,
  type PmmcHistory,
  type PmmcMessage,
  type PmmcRecord,
  type PmmcState,
} from "@synod/core/protocols/pmmc";
import type { ProtocolWatch, WatchTools } from "@synod/simulator";
import { rankOf } from "./multipaxos-watch.ts";
import { Leases } from "./pmmc-leases.ts";
import { probePmmcMessage, probePmmcStep } from "./pmmc-probes.ts";

/** What a node has appended and what waits for it, in order, until something is seen to leave. */
type Pending = PmmcRecord | PmmcMessage;

interface Seen {
  pending: Pending[];
  state: PmmcState | null;
  /** Slots below have been told to the oracle of chosen values. */
  slotOut: number;
}

/**
 * PMMC for the oracles, and its own invariants at every step. What is durable is seen by what
 * leaves: a message that waited for the disk proves all that was appended before it.
 */
export function createPmmcWatch(tools: WatchTools): ProtocolWatch<PmmcState, PmmcMessage> {
  const history = createHistory(tools.quorums);
  const nodes = new Map<NodeId, Seen>();
  const leases = new Leases(tools.now);
  const accuse = (problem: string | null): void => {
    if (problem !== null) tools.accuse("pmmc", problem);
  };
  const seenOf = (node: NodeId): Seen => {
    const seen = nodes.get(node) ?? { pending: [], state: null, slotOut: 1 };
    nodes.set(node, seen);
    return seen;
  };
  return {
    stepped: (node, state, input, effects) => {
      const seen = seenOf(node);
      if (input.kind === "start") starts(tools, history, node, state, seen);
      if (input.kind === "message" && input.from === node)
        harden(history, node, seen, input.message, accuse);
      remember(state, seen, effects);
      accuse(onEffects(history, state, input, effects));
      accuse(afterStep(history, state));
      tellChosen(tools, node, state, seen);
      probePmmcStep(tools.hit, state, input, effects);
      leases.stepped(node, state, input);
      if (isElected(state, effects)) {
        tools.word.leads(node, rankOf(state.leader.ballot));
        accuse(leases.elected(node));
      }
      seen.state = state;
    },
    leaves: (node, message) => {
      harden(history, node, seenOf(node), message, accuse);
      accuse(onSent(history, node, message));
      keepWord(tools, node, message);
      probePmmcMessage(tools.hit, message);
    },
    fell: (node) => {
      const leader = seenOf(node).state?.leader;
      if ((leader?.commanders.size ?? 0) > 0) tools.hit("pmmc: leader fell with commanders");
      if ((leader?.scout ?? null) !== null) tools.hit("pmmc: scout fell");
      nodes.delete(node);
      leases.fell(node);
    },
  };
}

/** What it holds now was durable, whether or not anybody had heard of it. */
function starts(
  tools: WatchTools,
  history: PmmcHistory,
  node: NodeId,
  state: PmmcState,
  seen: Seen,
): void {
  const { acceptor, replica, leader } = state;
  seen.slotOut = replica?.slotOut ?? 1;
  if (!state.voter) return;
  const { adopted } = history;
  for (const [slot, { ballot, epoch, value }] of acceptor.accepted)
    if (compareBallots(ballot, adopted.get(node) ?? ballot) >= 0)
      onDurable(history, node, { kind: "accepted", ballot, slot, epoch, value });
  if (compareBallots(acceptor.ballot, adopted.get(node) ?? BALLOT_NONE) > 0)
    onDurable(history, node, { kind: "adopted", ballot: acceptor.ballot });
  onDurable(history, node, { kind: "ballot", ballot: leader.ballot });
  tools.word.startsWith(node, {
    promised: rankOf(acceptor.ballot),
    compactedUpTo: acceptor.gcSlot,
    accepted: (slot) => {
      const held = acceptor.accepted.get(slot);
      return held === undefined ? null : rankOf(held.ballot);
    },
  });
}

function remember(state: PmmcState, seen: Seen, effects: readonly Effect<PmmcMessage>[]): void {
  for (const effect of effects) {
    if (effect.kind === "send") seen.pending.push(effect.message);
    if (!state.voter) continue;
    if (effect.kind === "persist") push(seen, effect.record);
    if (effect.kind === "checkpoint") for (const { record } of effect.records) push(seen, record);
  }
}

function push(seen: Seen, record: Uint8Array): void {
  const decoded = decodeRecord(record);
  if (decoded !== null) seen.pending.push(decoded);
}

function harden(
  history: PmmcHistory,
  node: NodeId,
  seen: Seen,
  message: PmmcMessage,
  accuse: (problem: string | null) => void,
): void {
  const at = seen.pending.indexOf(message);
  if (at < 0) return;
  for (const item of seen.pending.splice(0, at + 1))
    if (isRecord(item)) accuse(onDurable(history, node, item));
}

const RECORDS: readonly string[] = ["ballot", "adopted", "accepted", "meta"];

function isRecord(item: Pending): item is PmmcRecord {
  return RECORDS.includes(item.kind);
}

function tellChosen(tools: WatchTools, node: NodeId, state: PmmcState, seen: Seen): void {
  const { replica } = state;
  if (replica === null) return;
  for (let slot = seen.slotOut; slot < replica.slotOut; slot += 1) {
    const value = replica.decisions.get(slot);
    if (value === undefined || !tools.chosen.chosen(node, slot, value)) continue;
    // Alone, a member has nobody to tell of its vote.
    if (tools.quorums.members.length === 1) continue;
    tools.word.chooses(node, slot, (voters) => tools.quorums.isPhase2(voters));
  }
  seen.slotOut = Math.max(seen.slotOut, replica.slotOut);
}

function isElected({ leader }: PmmcState, effects: readonly Effect<PmmcMessage>[]): boolean {
  const won = effects.some((effect) => effect.kind === "observe" && effect.event === "elected");
  return won && leader.active !== null;
}

function keepWord({ word }: WatchTools, node: NodeId, message: PmmcMessage): void {
  switch (message.kind) {
    case "p1b": {
      word.promises(node, rankOf(message.ballot));
      const { first, last, gcSlot } = message;
      const told = new Set(message.pvalues.map(({ slot }) => slot));
      return word.tells(node, first, last, (slot) => slot <= gcSlot || told.has(slot));
    }
    case "p2b":
      if (sameBallot(message.commander, message.ballot) && message.slot > message.gcSlot)
        word.accepts(node, message.slot, rankOf(message.ballot));
      return;
    case "p2a":
      word.proposes(node, message.slot, rankOf(message.ballot), hash64(message.value));
      return;
    default:
  }
}
