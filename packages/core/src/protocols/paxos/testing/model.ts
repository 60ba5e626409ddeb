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
import { paxos } from "../index.ts";
import type { PaxosHistory } from "../invariants.ts";
import type { PaxosMessage } from "../messages.ts";
import { paxosModelling } from "../model.ts";
import type { PaxosState } from "../state.ts";

/** A small configuration of one decree, and how much may happen to it. */
export interface PaxosModelOptions {
  readonly size: number;
  /** Which node wants what chosen, like `a#1`, from the start and after a crash. */
  readonly requests: Readonly<Record<NodeId, readonly string[]>>;
  readonly requestsAfterCrash?: Readonly<Record<NodeId, readonly string[]>>;
  /** How often each node may begin another ballot after one that was outbid. */
  readonly retries?: readonly number[];
  /** Other timers that may fire. */
  readonly timeouts?: Readonly<Record<string, readonly number[]>>;
  readonly crashes?: number;
  readonly wipes?: number;
  readonly duplicates?: number;
  /** Messages that may arrive at all. */
  readonly kinds: readonly PaxosMessage["kind"][];
  /** With a bug seeded, for instance. */
  readonly protocol?: Protocol<PaxosState, PaxosMessage>;
  /** What the replicas take for quorums; the invariants know better. */
  readonly quorums?: QuorumSystem;
  readonly roles?: readonly (readonly string[])[];
  /** False: what is shown before it is durable is no violation by itself. */
  readonly visible?: boolean;
}

export function paxosModel(options: PaxosModelOptions): ReplicaModel<PaxosState, PaxosMessage> {
  const members = Array.from({ length: options.size }, (_, id) => id);
  const { roles = [], timeouts = {}, retries = [] } = options;
  const voters = members.filter((id) => roles[id]?.includes("acceptor") !== false);
  const quorums = options.quorums ?? majority(voters);
  const { irrelevant, readByTimers, isStale } = paxosModelling;
  const invariants = paxosModelling.invariants(majority(voters));
  return replicaModel<PaxosState, PaxosMessage, PaxosHistory>({
    protocol: options.protocol ?? paxos,
    size: options.size,
    settings: (self) => ({ self, members, quorums, seed: self, roles, tuning: {} }),
    irrelevant: "resend" in timeouts ? irrelevant : [...irrelevant, ...readByTimers],
    decode: (bytes) => paxos.messages.decode(new Reader(bytes.slice())),
    describe: formatMessage,
    isLost: (message) => !options.kinds.includes(message.kind),
    isStale,
    timeouts: { retry: retries, ...timeouts },
    crashes: options.crashes ?? 0,
    wipes: options.wipes ?? 0,
    duplicates: options.duplicates ?? 0,
    losses: 0,
    requests: commandsOf(options.requests),
    requestsAfterCrash: commandsOf(options.requestsAfterCrash ?? {}),
    invariants: options.visible === false ? { ...invariants, onSent: () => null } : invariants,
  });
}

function commandsOf(requests: Readonly<Record<NodeId, readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(requests).map(([id, names]) => [id, names.map(commandOf)]),
  );
}

/** The request `client#sequence`, with nothing in it. */
export function commandOf(name: string): Command {
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
