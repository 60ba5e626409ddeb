import { majority, type NodeId, type Protocol, type QuorumSystem, Reader } from "@synod/core";
import { type ReplicaModel, replicaModel } from "@synod/simulator";
import { commandOf } from "../../paxos/testing/model.ts";
import { formatMessage } from "../format.ts";
import { broadcast } from "../index.ts";
import type { BroadcastHistory } from "../invariants.ts";
import { type BroadcastMessage, INSTANCE_KINDS } from "../messages.ts";
import { broadcastModelling } from "../model.ts";
import type { BroadcastState } from "../state.ts";

/** A small configuration, and how much may happen to it. */
export interface BroadcastModelOptions {
  readonly size: number;
  /** Which node broadcasts which messages, like `a#1`, from the start. */
  readonly requests: Readonly<Record<NodeId, readonly string[]>>;
  /** How often each node may lose patience with others that it lets go first. */
  readonly turns?: readonly number[];
  readonly crashes?: number;
  readonly duplicates?: number;
  /** Messages that may arrive at all, those of instances by their own names. */
  readonly kinds: readonly string[];
  /** With a bug seeded, for instance. */
  readonly protocol?: Protocol<BroadcastState, BroadcastMessage>;
  /** What the replicas take for quorums; the invariants know better. */
  readonly quorums?: QuorumSystem;
  readonly window?: number;
  /** False: what is shown before it is durable is no violation by itself. */
  readonly visible?: boolean;
}

export function broadcastModel(
  options: BroadcastModelOptions,
): ReplicaModel<BroadcastState, BroadcastMessage> {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const quorums = options.quorums ?? majority(members);
  const { irrelevant, readByTimers, isStale } = broadcastModelling;
  const invariants = broadcastModelling.invariants(majority(members));
  const tuning = { window: options.window ?? 1, batchBytesMax: 1 };
  return replicaModel<BroadcastState, BroadcastMessage, BroadcastHistory>({
    protocol: options.protocol ?? broadcast,
    size: options.size,
    settings: (self) => ({ self, members, quorums, seed: self, roles: [], tuning }),
    irrelevant: [...irrelevant, ...readByTimers],
    decode: (bytes) => broadcast.messages.decode(new Reader(bytes.slice())),
    describe: formatMessage,
    isLost: (message) => !options.kinds.includes(kindOf(message)),
    isStale,
    timeouts: { turn: options.turns ?? [] },
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

/** Messages of instances go by what the instance says. */
function kindOf(message: BroadcastMessage): string {
  return message.kind === "decree" ? message.message.kind : message.kind;
}

/** Both phases of all instances. */
export const PHASES: readonly string[] = INSTANCE_KINDS.filter((kind) => kind !== "nack");
