import { type Command, EMPTY_FOOTPRINT, majority, Reader, type ReplicaSettings } from "@synod/core";
import {
  formatMessage,
  MESSAGE_KINDS,
  MULTIPAXOS_TUNING,
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
  multipaxosModelling,
} from "@synod/core/protocols/multipaxos";
import { type ReplicaModel, replicaModel } from "@synod/simulator";

/** How much may happen to a small configuration; a trace keeps it, to be played again. */
export interface ProtocolBounds {
  readonly nodes: number;
  readonly slots: number;
  readonly leaders: number;
  readonly elections: number;
  readonly crashes: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly messages: MessageSet;
  /** How often each other timer of each node may fire. */
  readonly timers: Readonly<Record<string, number>>;
}

/** Which messages arrive at all; the rest only help progress. */
export const MESSAGE_SETS = {
  phases: ["prepare", "promise", "accept", "accepted"],
  chosen: ["prepare", "promise", "accept", "accepted", "commit"],
  all: MESSAGE_KINDS,
} as const satisfies Readonly<Record<string, readonly MultipaxosMessage["kind"][]>>;

export type MessageSet = keyof typeof MESSAGE_SETS;

/** Timers that may be given a budget. */
export const TIMERS: readonly string[] = ["heartbeat", "check", "resend", "catchUp", "quiet"];

/** What the first argument of the command may name. */
export const PROTOCOLS = { multipaxos: multipaxosModel } as const;

export type ProtocolName = keyof typeof PROTOCOLS;

function multipaxosModel(bounds: ProtocolBounds): ReplicaModel<MultipaxosState, MultipaxosMessage> {
  const members = Array.from({ length: bounds.nodes }, (_, id) => id);
  const quorums = majority(members);
  const kinds: readonly string[] = MESSAGE_SETS[bounds.messages];
  const { irrelevant, readByTimers, isStale } = multipaxosModelling;
  const hasTimers = Object.values(bounds.timers).some((count) => count > 0);
  const budget = (count: number) => members.map(() => count);
  // One command a slot, and the window no wider than the slots.
  const tuning = { preVote: 0, window: bounds.slots, batchBytesMax: 1, catchUpMs: 0 };
  return replicaModel({
    protocol: multipaxos,
    size: bounds.nodes,
    settings: (self): ReplicaSettings => ({
      self,
      members,
      quorums,
      seed: self,
      roles: [],
      tuning: { ...MULTIPAXOS_TUNING, ...tuning },
    }),
    irrelevant: hasTimers ? irrelevant : [...irrelevant, ...readByTimers],
    decode: (bytes) => multipaxos.messages.decode(new Reader(bytes.slice())),
    describe: formatMessage,
    isLost: (message) => !kinds.includes(message.kind),
    isStale,
    timeouts: {
      ...Object.fromEntries(Object.entries(bounds.timers).map(([name, n]) => [name, budget(n)])),
      election: members.map((id) => (id < bounds.leaders ? bounds.elections : 0)),
    },
    crashes: bounds.crashes,
    duplicates: bounds.duplicates,
    losses: bounds.losses,
    requests: Object.fromEntries(
      members.slice(0, bounds.leaders).map((id) => [id, commandsOf(id, bounds.slots - 1)]),
    ),
    invariants: multipaxosModelling.invariants(quorums),
  });
}

/** The first slot of a leader is a no-op of its own; commands follow: `a#1`, `a#2`, … of node 0. */
function commandsOf(node: number, count: number): Command[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "apply",
    client: String.fromCharCode(97 + node),
    sequence: index + 1,
    acknowledged: 1,
    origin: node,
    payload: new Uint8Array(0),
    footprint: EMPTY_FOOTPRINT,
  }));
}
