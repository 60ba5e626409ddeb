import {
  type Command,
  EMPTY_FOOTPRINT,
  majority,
  type NodeId,
  type Protocol,
  type QuorumSystem,
  Reader,
} from "@synod/core";
import { type ReplicaModel, replicaModel } from "@synod/simulator";
import { formatMessage } from "../format.ts";
import { multipaxos } from "../index.ts";
import type { MultipaxosHistory } from "../invariants.ts";
import type { MultipaxosMessage } from "../messages.ts";
import { multipaxosModelling } from "../model.ts";
import type { MultipaxosState } from "../state.ts";

/** A small Multi-Paxos configuration, and how much may happen to it. */
export interface MultipaxosModelOptions {
  readonly size: number;
  /** How often the election timer of each node may fire. */
  readonly elections: readonly number[];
  readonly crashes?: number;
  readonly duplicates?: number;
  /** Which node has been asked for which requests, like `a#1`, before it knew of a leader. */
  readonly requests: Readonly<Record<NodeId, readonly string[]>>;
  /** Messages that may arrive at all. */
  readonly kinds: readonly MultipaxosMessage["kind"][];
  /** Other timers that may fire. */
  readonly timeouts?: Readonly<Record<string, readonly number[]>>;
  readonly tuning?: Readonly<Record<string, number>>;
  /** With a bug seeded, for instance. */
  readonly protocol?: Protocol<MultipaxosState, MultipaxosMessage>;
  /** What the replicas take for quorums; the invariants know better. */
  readonly quorums?: QuorumSystem;
  /** False: what is shown before it is durable is no violation by itself. */
  readonly visible?: boolean;
}

export function multipaxosModel(
  options: MultipaxosModelOptions,
): ReplicaModel<MultipaxosState, MultipaxosMessage> {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const quorums = options.quorums ?? majority(members);
  const { irrelevant, readByTimers, isStale } = multipaxosModelling;
  const invariants = multipaxosModelling.invariants(majority(members));
  const tuning = { preVote: 0, window: 2, ...options.tuning };
  return replicaModel<MultipaxosState, MultipaxosMessage, MultipaxosHistory>({
    protocol: options.protocol ?? multipaxos,
    size: options.size,
    settings: (self) => ({ self, members, quorums, seed: self, roles: [], tuning }),
    irrelevant: options.timeouts === undefined ? [...irrelevant, ...readByTimers] : irrelevant,
    decode: (bytes) => multipaxos.messages.decode(new Reader(bytes.slice())),
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
