import { type Command, EMPTY_FOOTPRINT, majority, type NodeId, Reader } from "@synod/core";
import * as ordered from "@synod/core/protocols/broadcast";
import {
  formatMessage,
  MESSAGE_KINDS,
  type MultipaxosHistory,
  type MultipaxosMessage,
  type MultipaxosState,
  multipaxos,
  multipaxosModelling,
} from "@synod/core/protocols/multipaxos";
import * as single from "@synod/core/protocols/paxos";
import * as moderate from "@synod/core/protocols/pmmc";
import { type ReplicaModel, replicaModel } from "@synod/simulator";

/** How much may happen to a small configuration; a trace keeps it, to be played again. */
export interface ProtocolBounds {
  readonly nodes: number;
  readonly slots: number;
  readonly leaders: number;
  readonly elections: number;
  readonly crashes: number;
  readonly wipes: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly messages: MessageSet;
  /** How often each other timer of each node may fire. */
  readonly timers: Readonly<Record<string, number>>;
}

/** Phases 1 and 2; these and the word that something is chosen; everything. */
export const MESSAGE_SETS = ["phases", "chosen", "all"] as const;

export type MessageSet = (typeof MESSAGE_SETS)[number];

/** A protocol as the command knows it. */
interface Explored {
  // biome-ignore lint/suspicious/noExplicitAny: each brings states and messages of its own
  readonly model: (bounds: ProtocolBounds) => ReplicaModel<any, any>;
  /** Timers that may be given a budget. */
  readonly timers: readonly string[];
}

/** What the first argument of the command may name. */
export const PROTOCOLS: Readonly<Record<ProtocolName, Explored>> = {
  broadcast: { model: broadcastModel, timers: ["resend", "gossip"] },
  multipaxos: {
    model: multipaxosModel,
    timers: ["heartbeat", "check", "resend", "catchUp", "quiet"],
  },
  paxos: { model: paxosModel, timers: ["resend", "ask"] },
  pmmc: { model: pmmcModel, timers: ["ping", "resend", "retry", "report"] },
};

export type ProtocolName = "broadcast" | "multipaxos" | "paxos" | "pmmc";

/** All timers of all protocols that may be given a budget. */
export const TIMERS: readonly string[] = [
  ...new Set(Object.values(PROTOCOLS).flatMap(({ timers }) => timers)),
];

/** Which messages arrive at all; the rest only help progress. */
const MULTIPAXOS_MESSAGES = {
  phases: ["prepare", "promise", "accept", "accepted"],
  chosen: ["prepare", "promise", "accept", "accepted", "commit"],
  all: MESSAGE_KINDS,
} as const satisfies Readonly<Record<MessageSet, readonly MultipaxosMessage["kind"][]>>;

function multipaxosModel(bounds: ProtocolBounds): ReplicaModel<MultipaxosState, MultipaxosMessage> {
  const { irrelevant, readByTimers, isStale } = multipaxosModelling;
  // One command a slot, and the window no wider than the slots.
  const tuning = { preVote: 0, window: bounds.slots, batchBytesMax: 1, catchUpMs: 0 };
  const { members, quorums, ...common } = commonOf(bounds, MULTIPAXOS_MESSAGES, tuning);
  return replicaModel<MultipaxosState, MultipaxosMessage, MultipaxosHistory>({
    ...common,
    protocol: multipaxos,
    irrelevant: hasTimers(bounds) ? irrelevant : [...irrelevant, ...readByTimers],
    decode: (bytes) => multipaxos.messages.decode(new Reader(bytes.slice())),
    describe: formatMessage,
    isStale,
    timeouts: { ...timersOf(bounds), election: leadersDo(bounds, bounds.elections) },
    requests: Object.fromEntries(
      members.slice(0, bounds.leaders).map((id) => [id, commandsOf(id, bounds.slots - 1)]),
    ),
    invariants: multipaxosModelling.invariants(quorums),
  });
}

type PaxosMessages = Readonly<Record<MessageSet, readonly single.PaxosMessage["kind"][]>>;

/** A refusal matters to a proposer that may try again. */
function paxosMessages({ elections }: ProtocolBounds): PaxosMessages {
  const phases = ["prepare", "promise", "accept", "accepted"] as const;
  const refusals = elections > 1 ? (["nack"] as const) : [];
  return {
    phases: [...phases, ...refusals],
    chosen: [...phases, ...refusals, "chosen"],
    all: single.MESSAGE_KINDS,
  };
}

/** Each leader wants a value of its own from the start, and another one after a crash. */
function paxosModel(bounds: ProtocolBounds): ReplicaModel<single.PaxosState, single.PaxosMessage> {
  const { irrelevant, readByTimers, isStale } = single.paxosModelling;
  const { members, quorums, ...common } = commonOf(bounds, paxosMessages(bounds), {});
  const proposers = members.slice(0, bounds.leaders);
  return replicaModel<single.PaxosState, single.PaxosMessage, single.PaxosHistory>({
    ...common,
    protocol: single.paxos,
    irrelevant: hasTimers(bounds) ? irrelevant : [...irrelevant, ...readByTimers],
    decode: (bytes) => single.paxos.messages.decode(new Reader(bytes.slice())),
    describe: single.formatMessage,
    isStale,
    // The first ballot needs no timer, and without a refusal there is no second one.
    timeouts: { ...timersOf(bounds), retry: leadersDo(bounds, bounds.elections - 1) },
    requests: Object.fromEntries(proposers.map((id) => [id, commandsOf(id, 1)])),
    requestsAfterCrash: Object.fromEntries(proposers.map((id) => [id, commandsOf(id, 2).slice(1)])),
    invariants: single.paxosModelling.invariants(quorums),
  });
}

const PMMC_MESSAGES = {
  phases: ["p1a", "p1b", "p2a", "p2b"],
  chosen: ["p1a", "p1b", "p2a", "p2b", "decision"],
  all: moderate.MESSAGE_KINDS,
} as const satisfies Readonly<Record<MessageSet, readonly moderate.PmmcMessage["kind"][]>>;

/** All roles on each member; the replica beside each leader wants a command for each slot. */
function pmmcModel(bounds: ProtocolBounds): ReplicaModel<moderate.PmmcState, moderate.PmmcMessage> {
  const { irrelevant, readByTimers, isStale } = moderate.pmmcModelling;
  const tuning = { window: bounds.slots, batchBytesMax: 1 };
  const { members, quorums, ...common } = commonOf(bounds, PMMC_MESSAGES, tuning);
  return replicaModel<moderate.PmmcState, moderate.PmmcMessage, moderate.PmmcHistory>({
    ...common,
    protocol: moderate.pmmc,
    irrelevant: hasTimers(bounds) ? irrelevant : [...irrelevant, ...readByTimers],
    decode: (bytes) => moderate.pmmc.messages.decode(new Reader(bytes.slice())),
    describe: moderate.formatMessage,
    isStale,
    timeouts: { ...timersOf(bounds), scout: leadersDo(bounds, bounds.elections) },
    requests: Object.fromEntries(
      members.slice(0, bounds.leaders).map((id) => [id, commandsOf(id, bounds.slots)]),
    ),
    invariants: moderate.pmmcModelling.invariants(quorums),
  });
}

/** Messages of instances go by what the instance says. */
function broadcastMessages({ elections }: ProtocolBounds) {
  const refusals = elections > 1 ? ["nack"] : [];
  const phases = ["prepare", "promise", "accept", "accepted", ...refusals];
  const others = ordered.MESSAGE_KINDS.filter((kind) => kind !== "decree");
  return {
    phases,
    chosen: [...phases, "decided"],
    all: [...ordered.INSTANCE_KINDS, ...others],
  };
}

/** Each leader broadcasts a message for each slot, and loses patience once less than it may try. */
function broadcastModel(
  bounds: ProtocolBounds,
): ReplicaModel<ordered.BroadcastState, ordered.BroadcastMessage> {
  const { irrelevant, readByTimers, isStale } = ordered.broadcastModelling;
  const tuning = { window: bounds.slots, batchBytesMax: 1 };
  const { members, quorums, isLost, ...common } = commonOf(
    bounds,
    broadcastMessages(bounds),
    tuning,
  );
  type Message = ordered.BroadcastMessage;
  return replicaModel<ordered.BroadcastState, Message, ordered.BroadcastHistory>({
    ...common,
    protocol: ordered.broadcast,
    irrelevant: hasTimers(bounds) ? irrelevant : [...irrelevant, ...readByTimers],
    decode: (bytes) => ordered.broadcast.messages.decode(new Reader(bytes.slice())),
    describe: ordered.formatMessage,
    isLost: (message) => isLost(message.kind === "decree" ? message.message : message),
    isStale,
    timeouts: { ...timersOf(bounds), turn: leadersDo(bounds, bounds.elections - 1) },
    requests: Object.fromEntries(
      members.slice(0, bounds.leaders).map((id) => [id, commandsOf(id, bounds.slots)]),
    ),
    invariants: ordered.broadcastModelling.invariants(quorums),
  });
}

/** What the bounds mean for any protocol. */
function commonOf(
  bounds: ProtocolBounds,
  messages: Readonly<Record<MessageSet, readonly string[]>>,
  tuning: Readonly<Record<string, number>>,
) {
  const members = Array.from({ length: bounds.nodes }, (_, id) => id);
  const quorums = majority(members);
  const kinds = messages[bounds.messages];
  const { nodes: size, crashes, wipes, duplicates, losses } = bounds;
  return {
    members,
    quorums,
    size,
    crashes,
    wipes,
    duplicates,
    losses,
    settings: (self: NodeId) => ({ self, members, quorums, seed: self, roles: [], tuning }),
    isLost: ({ kind }: { readonly kind: string }) => !kinds.includes(kind),
  };
}

function hasTimers({ timers }: ProtocolBounds): boolean {
  return Object.values(timers).some((count) => count > 0);
}

/** The same budget for each node. */
function timersOf({ timers, nodes }: ProtocolBounds): Record<string, number[]> {
  const budget = (count: number): number[] => Array.from({ length: nodes }, () => count);
  return Object.fromEntries(Object.entries(timers).map(([name, n]) => [name, budget(n)]));
}

function leadersDo({ nodes, leaders }: ProtocolBounds, count: number): number[] {
  return Array.from({ length: nodes }, (_, id) => (id < leaders ? count : 0));
}

/** `a#1`, `a#2`, … of node 0; in a log, the first slot of a leader is a no-op of its own. */
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
