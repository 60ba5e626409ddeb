import {
  type Command,
  type Effect,
  EMPTY_FOOTPRINT,
  majority,
  type NodeId,
  type Protocol,
  type QuorumSystem,
  Reader,
} from "@synod/core";
import { type ReplicaModel, replicaModel } from "@synod/simulator";
import { campaign } from "../candidate.ts";
import { omnipaxosCodec } from "../codec.ts";
import { formatMessage } from "../format.ts";
import { omnipaxos } from "../index.ts";
import type { OmniPaxosHistory } from "../invariants.ts";
import type { OmniPaxosMessage } from "../messages.ts";
import { sequenceModelling } from "../model.ts";
import { ballotOf, numberOf } from "../priority.ts";
import { onRecover } from "../recovery.ts";
import { onSequenceInput, type SequenceInput, sequenceStep } from "../sequence-paxos.ts";
import { createSequence, type SequenceState } from "../state.ts";

type SequenceProtocol = Protocol<SequenceState, OmniPaxosMessage>;

/**
 * Sequence Paxos without an election: whenever its timer fires, a replica is told to lead in the
 * next ballot, however many others lead already. An election could do no worse.
 */
export const sequencePaxosAlone: SequenceProtocol = {
  name: "sequence paxos",
  capabilities: omnipaxos.capabilities,
  messages: omnipaxosCodec,
  create: createSequence,
  step(state, input, _now) {
    const out: Effect<OmniPaxosMessage>[] = [];
    if (input.kind === "recover") onRecover(state, input.records);
    else
      sequenceStep(state, out, () => {
        if (input.kind === "timeout" && input.name === "election") stand(state, out);
        else onSequenceInput(state, out, input as SequenceInput);
        if (input.kind === "start") out.push({ kind: "timer", name: "election", ms: 1 });
      });
    return out;
  },
  status: (state) => ({
    role: state.role.kind,
    leader: state.leader,
    ballot: "",
    chosenUpTo: state.decidedUpTo,
    compactedUpTo: state.compactedUpTo,
    voter: state.voter,
    detail: {},
  }),
};

function stand(state: SequenceState, out: Effect<OmniPaxosMessage>[]): void {
  campaign(state, out, ballotOf(numberOf(state.promised) + 1, 0, state.settings.self));
  out.push({ kind: "timer", name: "election", ms: 1 });
}

/** A small configuration, and how much may happen to it. */
export interface SequenceModelOptions {
  readonly size: number;
  /** How often each node may be told to lead. */
  readonly elections: readonly number[];
  readonly crashes?: number;
  readonly duplicates?: number;
  /** Which node has been asked for which requests, like `a#1`, before it knew of a leader. */
  readonly requests: Readonly<Record<NodeId, readonly string[]>>;
  /** Messages that may arrive at all. */
  readonly kinds: readonly OmniPaxosMessage["kind"][];
  /** Other timers that may fire. */
  readonly timeouts?: Readonly<Record<string, readonly number[]>>;
  /** With a bug seeded, for instance. */
  readonly protocol?: SequenceProtocol;
  /** What the replicas take for quorums; the invariants know better. */
  readonly quorums?: QuorumSystem;
  /** False: what is shown before it is durable is no violation by itself. */
  readonly visible?: boolean;
}

export function sequenceModel(
  options: SequenceModelOptions,
): ReplicaModel<SequenceState, OmniPaxosMessage> {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const quorums = options.quorums ?? majority(members);
  const { irrelevant, isStale } = sequenceModelling;
  const invariants = sequenceModelling.invariants(majority(members));
  return replicaModel<SequenceState, OmniPaxosMessage, OmniPaxosHistory>({
    protocol: options.protocol ?? sequencePaxosAlone,
    size: options.size,
    settings: (self) => ({ self, members, quorums, seed: self, roles: [], tuning: { window: 2 } }),
    irrelevant,
    decode: (bytes) => omnipaxosCodec.decode(new Reader(bytes.slice())),
    describe: formatMessage,
    isLost: (message) => !options.kinds.includes(message.kind),
    isStale,
    timeouts: { election: options.elections, ...options.timeouts },
    crashes: options.crashes ?? 0,
    wipes: 0,
    duplicates: options.duplicates ?? 0,
    losses: 0,
    requests: Object.fromEntries(
      Object.entries(options.requests).map(([id, names]) => [id, names.map(commandOf)]),
    ),
    invariants: options.visible === false ? { ...invariants, onSent: () => null } : invariants,
  });
}

function commandOf(name: string): Command {
  const [client = "", sequence = "1"] = name.split("#");
  return {
    kind: "apply",
    client,
    sequence: Number(sequence),
    acknowledged: 1,
    origin: 0,
    payload: new Uint8Array(0),
    footprint: EMPTY_FOOTPRINT,
  };
}
