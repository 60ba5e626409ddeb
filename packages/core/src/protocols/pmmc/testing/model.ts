import { majority, type NodeId, type Protocol, type QuorumSystem, Reader } from "@synod/core";
import { type ReplicaModel, replicaModel } from "@synod/simulator";
import { formatMessage } from "../format.ts";
import { pmmc } from "../index.ts";
import type { PmmcHistory } from "../invariants.ts";
import type { PmmcMessage } from "../messages.ts";
import { pmmcModelling } from "../model.ts";
import type { PmmcState } from "../state.ts";
import { command } from "./make.ts";

/** A small configuration of colocated members, and how much may happen to it. */
export interface PmmcModelOptions {
  readonly size: number;
  /** How often each leader may begin a ballot. */
  readonly scouts: readonly number[];
  readonly crashes?: number;
  readonly duplicates?: number;
  /** Which member has been asked for which requests, like `a#1`, before anybody leads. */
  readonly requests: Readonly<Record<NodeId, readonly string[]>>;
  /** Messages that may arrive at all. */
  readonly kinds: readonly PmmcMessage["kind"][];
  readonly tuning?: Readonly<Record<string, number>>;
  /** With a bug seeded, for instance. */
  readonly protocol?: Protocol<PmmcState, PmmcMessage>;
  /** What the members take for quorums; the invariants know better. */
  readonly quorums?: QuorumSystem;
  /** False: what is shown before it is durable is no violation by itself. */
  readonly visible?: boolean;
}

export function pmmcModel(options: PmmcModelOptions): ReplicaModel<PmmcState, PmmcMessage> {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const quorums = options.quorums ?? majority(members);
  const { irrelevant, readByTimers, isStale } = pmmcModelling;
  const invariants = pmmcModelling.invariants(majority(members));
  const tuning = { window: 1, batchBytesMax: 1, ...options.tuning };
  return replicaModel<PmmcState, PmmcMessage, PmmcHistory>({
    protocol: options.protocol ?? pmmc,
    size: options.size,
    settings: (self) => ({ self, members, quorums, seed: self, roles: [], tuning }),
    irrelevant: [...irrelevant, ...readByTimers],
    decode: (bytes) => pmmc.messages.decode(new Reader(bytes.slice())),
    describe: formatMessage,
    isLost: (message) => !options.kinds.includes(message.kind),
    isStale,
    timeouts: { scout: options.scouts },
    crashes: options.crashes ?? 0,
    wipes: 0,
    duplicates: options.duplicates ?? 0,
    losses: 0,
    requests: Object.fromEntries(
      Object.entries(options.requests).map(([id, names]) => [id, names.map(command)]),
    ),
    invariants: options.visible === false ? { ...invariants, onSent: () => null } : invariants,
  });
}
