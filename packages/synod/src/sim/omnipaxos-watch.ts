import { compareBallots, type Effect, hash64, type NodeId, sameBallot } from "@synod/core";
import {
  type Claim,
  decodeRecord,
  electionProblem,
  type OmniPaxosMessage,
  type OmniPaxosState,
  type Role,
  replicaProblem,
  type SequenceState,
} from "@synod/core/protocols/omnipaxos";
import type { ProtocolWatch, WatchTools } from "@synod/simulator";
import { rankOf } from "./multipaxos-watch.ts";
import { probeOmniPaxosMessage, probeOmniPaxosStep } from "./omnipaxos-probes.ts";

/** What is remembered of a node between its steps. */
interface Seen {
  state: SequenceState | null;
  role: Role | null;
  length: number;
  /** Slots up to here have been told to the oracle of chosen values. */
  chosenUpTo: number;
}

/** What others were told of a node's log, in whatever incarnation. */
interface Told {
  claim: Claim | null;
  /** Acceptances up to this rank lost for good, as other values were decided. */
  void: number;
  /**
   * Acceptances that wait for the disk. Where other values are decided before they leave, they
   * still leave, and speak of a log that is no more.
   */
  waiting: Set<OmniPaxosMessage>;
}

interface Watch {
  readonly tools: WatchTools;
  readonly nodes: Map<NodeId, Seen>;
  readonly told: Map<NodeId, Told>;
  /** Slots up to here are known to be chosen: no vote of theirs matters any more. */
  chosenUpTo: number;
}

/** OmniPaxos for the oracles: what is decided, promised, accepted and proposed. */
export function createOmniPaxosWatch(
  tools: WatchTools,
): ProtocolWatch<OmniPaxosState, OmniPaxosMessage> {
  const watch: Watch = { tools, nodes: new Map(), told: new Map(), chosenUpTo: 0 };
  return {
    stepped: (node, state, input, effects) => {
      // Until all records are read, a log has gaps.
      if (input.kind === "recover") return;
      const { sequence } = state;
      const seen = seenOf(watch, node);
      if (input.kind === "start") starts(watch, node, sequence, seen);
      const problem = replicaProblem(sequence) ?? electionProblem(state);
      if (problem !== null) tools.accuse("omnipaxos", `node ${node}: ${problem}`);
      remember(watch, node, sequence, effects);
      tellChosen(watch, node, sequence, seen);
      const others = [...watch.nodes].filter(([other]) => other !== node);
      const otherLeads = others.some(([, { role }]) => role?.kind === "leader");
      const { role: before, length } = seen;
      probeOmniPaxosStep(tools.hit, { state, input, effects, before, length, otherLeads });
      seen.state = sequence;
      seen.role = sequence.role.kind === "follower" ? { ...sequence.role } : sequence.role;
      seen.length = sequence.length;
    },
    leaves: (node, message) => {
      keepWord(watch, node, message);
      probeOmniPaxosMessage(tools.hit, message);
    },
    fell: (node) => {
      const { state } = seenOf(watch, node);
      const isOpen = state !== null && state.length > state.decidedUpTo;
      if (state?.role.kind === "leader" && isOpen)
        tools.hit("omnipaxos: leader fell with slots under way");
      if (state?.role.kind === "candidate") tools.hit("omnipaxos: candidate fell");
      watch.nodes.delete(node);
      toldOf(watch, node).waiting.clear();
    },
  };
}

function seenOf({ nodes }: Watch, node: NodeId): Seen {
  const seen = nodes.get(node) ?? { state: null, role: null, length: 0, chosenUpTo: 0 };
  nodes.set(node, seen);
  return seen;
}

function toldOf({ told }: Watch, node: NodeId): Told {
  const known = told.get(node) ?? { claim: null, void: 0, waiting: new Set() };
  told.set(node, known);
  return known;
}

function starts(watch: Watch, node: NodeId, state: SequenceState, seen: Seen): void {
  seen.chosenUpTo = 0;
  if (!state.voter) return;
  const { acceptedIn, length, lost, decidedUpTo } = state;
  const told = toldOf(watch, node);
  watch.tools.word.startsWith(node, {
    promised: rankOf(state.promised),
    compactedUpTo: Math.max(state.compactedUpTo, state.deliveredUpTo),
    accepted: (slot) => {
      if (slot <= decidedUpTo) return Number.POSITIVE_INFINITY;
      const rank = rankOf(acceptedIn);
      // A log that was accepted in a higher ballot says of all slots what it had to say.
      const shown = slot <= length ? rank : rank - 1;
      const unknown = lost !== null && slot <= lost.length ? rankOf(lost.acceptedIn) : 0;
      return Math.max(shown, unknown, told.void);
    },
  });
}

/** A new leader's log is accepted in its ballot; decided values may make an old log void. */
function remember(
  watch: Watch,
  node: NodeId,
  state: SequenceState,
  effects: readonly Effect<OmniPaxosMessage>[],
): void {
  const { tools } = watch;
  const told = toldOf(watch, node);
  for (const effect of effects) {
    if (effect.kind === "send" && effect.message.kind === "accepted" && !effect.to.includes(node))
      told.waiting.add(effect.message);
    if (effect.kind === "persist" && effect.about.kind === "slots") {
      const record = decodeRecord(effect.record);
      if (record?.kind !== "learned" || !record.contradicts) continue;
      told.waiting.clear();
      if (told.claim !== null) told.void = Math.max(told.void, rankOf(told.claim.acceptedIn));
      told.claim = null;
    }
    if (effect.kind !== "observe" || effect.event !== "elected") continue;
    const { role } = state;
    if (role.kind !== "leader") continue;
    const ballot = rankOf(role.ballot);
    tools.word.leads(node, ballot);
    for (let slot = watch.chosenUpTo + 1; slot <= state.length; slot += 1) {
      const value = state.log.get(slot);
      if (value !== undefined) tools.word.proposes(node, slot, ballot, hash64(value));
    }
  }
}

function tellChosen(watch: Watch, node: NodeId, state: SequenceState, seen: Seen): void {
  const { tools } = watch;
  const from = Math.max(seen.chosenUpTo, state.compactedUpTo);
  for (let slot = from + 1; slot <= state.decidedUpTo; slot += 1) {
    const value = state.log.get(slot);
    if (value === undefined || !tools.chosen.chosen(node, slot, value)) continue;
    // Alone, a member has nobody to tell of its vote.
    if (tools.quorums.members.length === 1) continue;
    tools.word.chooses(node, slot, (voters) => tools.quorums.isPhase2(voters));
  }
  seen.chosenUpTo = Math.max(seen.chosenUpTo, state.decidedUpTo);
  watch.chosenUpTo = Math.max(watch.chosenUpTo, state.decidedUpTo);
}

function keepWord(watch: Watch, node: NodeId, message: OmniPaxosMessage): void {
  const { word, hit } = watch.tools;
  switch (message.kind) {
    case "prepare":
      return word.promises(node, rankOf(message.ballot));
    case "promise":
      word.promises(node, rankOf(message.ballot));
      checkPromise(watch, node, message);
      // Prepared once more in the ballot in which it accepted, a follower tells of that so.
      if (sameBallot(message.acceptedIn, message.ballot)) tellAccepted(watch, node, message);
      return;
    case "acceptSync":
    case "accept": {
      const ballot = rankOf(message.ballot);
      for (const [index, value] of message.values.entries())
        if (!word.proposes(node, message.first + index, ballot, hash64(value)))
          hit("omnipaxos: accept sent again");
      return;
    }
    case "accepted":
      if (!toldOf(watch, node).waiting.delete(message)) return;
      return tellAccepted(watch, node, { acceptedIn: message.ballot, length: message.length });
    default:
  }
}

function tellAccepted(watch: Watch, node: NodeId, claim: Claim): void {
  const { word, hit } = watch.tools;
  const told = toldOf(watch, node);
  const order = told.claim === null ? 1 : compareBallots(claim.acceptedIn, told.claim.acceptedIn);
  const known = order === 0 ? (told.claim?.length ?? 0) : 0;
  const ballot = rankOf(claim.acceptedIn);
  for (let slot = Math.max(known, watch.chosenUpTo) + 1; slot <= claim.length; slot += 1)
    if (word.accepts(node, slot, ballot)) hit("omnipaxos: slot accepted again in a higher ballot");
  if (order > 0 && told.claim !== null && told.claim.length > claim.length)
    hit("omnipaxos: sync cut the log");
  if (order > 0 || (order === 0 && claim.length > known)) told.claim = claim;
}

/** A promise shows what was told, or more, or says that it is lost, or decided. */
function checkPromise(
  watch: Watch,
  node: NodeId,
  message: Extract<OmniPaxosMessage, { kind: "promise" }>,
): void {
  const { claim } = toldOf(watch, node);
  if (claim === null || compareBallots(claim.acceptedIn, message.ballot) >= 0) return;
  const shows = (shown: Claim | null): boolean => {
    if (shown === null) return false;
    const order = compareBallots(shown.acceptedIn, claim.acceptedIn);
    return order > 0 || (order === 0 && shown.length >= claim.length);
  };
  if (shows(message) || shows(message.lost) || message.chosenUpTo >= claim.length) return;
  watch.tools.accuse("word", `node ${node} promises and conceals slot ${claim.length}`);
}
