import { BALLOT_NONE, type Ballot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { createPrng, type PrngState } from "../../prng.ts";
import type { ReplicaSettings } from "../../protocol.ts";
import type { Epoch } from "./messages.ts";
import { type PmmcTuning, tuningOf } from "./tuning.ts";

/**
 * All that a member may change, and what it was made of. Every member holds the state of all roles;
 * the configuration says who is a replica, the epochs say who leads and who accepts.
 */
export interface PmmcState {
  readonly settings: ReplicaSettings;
  readonly tuning: PmmcTuning;
  readonly others: readonly NodeId[];
  /** Members that execute, ascending. */
  readonly replicas: readonly NodeId[];
  phase: "recovering" | "running";
  incarnation: number;
  random: PrngState;
  /** Whether this member may lead and accept; others propose, learn and serve. */
  voter: boolean;
  /** Something that it once told others may be lost: it never votes again on this disk. Durable. */
  impaired: boolean;
  /** Those that still govern a slot which somebody may ask for, ascending; never empty. */
  epochs: Epoch[];
  /** Up to where each replica holds the state in a durable snapshot, by its own word. */
  stable: Map<NodeId, Slot>;
  acceptor: AcceptorState;
  leader: LeaderState;
  /** Null where the configuration asks for no replica. */
  replica: ReplicaState | null;
  recovery: Recovery | null;
}

export interface Accepted {
  readonly ballot: Ballot;
  readonly epoch: number;
  readonly value: Uint8Array;
}

export interface AcceptorState {
  /** `ballot_num` of the paper: durable. */
  ballot: Ballot;
  /** Of each slot the pvalue with the highest ballot (state reduction): durable. */
  accepted: Map<Slot, Accepted>;
  /** Everything up to here is decided, and collected. */
  gcSlot: Slot;
  /** Highest slot that anything was ever accepted in. */
  highest: Slot;
  /** No ballot but that of `ballot`'s owner is adopted before this time of the host's clock. */
  leaseUntil: number;
  /** Bytes written since the last checkpoint. */
  written: number;
}

export interface LeaderState {
  /** The own one: durable before anybody hears of it. */
  ballot: Ballot;
  /** The highest one of all; its owner is waited for while it is not this member. */
  seen: Ballot;
  /** Epochs, by number, whose acceptors have adopted `ballot`; null while passive. */
  active: { readonly from: number; readonly upTo: number } | null;
  scout: Scout | null;
  /** At most one command for each slot. */
  proposals: Map<Slot, Uint8Array>;
  commanders: Map<Slot, Commander>;
  /** Adopted slots that still wait for a commander, ascending. */
  recovering: Slot[];
  /** Known as decided without a gap up to here: never commanded again. */
  floor: Slot;
  /** Highest slot that was reported or commanded in this ballot. */
  highest: Slot;
  /** AIMD: how long a silent leader is waited for, ms. */
  timeoutMs: number;
  /** The scout or a commander has waited a whole time-out for a quorum. */
  stalled: boolean;
  lease: Lease;
}

export interface Scout {
  readonly ballot: Ballot;
  /** Numbers of the epochs whose acceptors it asks. */
  readonly from: number;
  readonly upTo: number;
  readonly first: Slot;
  /** Of each acceptor, from where on it has not told yet. */
  readonly next: Map<NodeId, Slot>;
  /** Acceptors that have told everything. */
  readonly done: Set<NodeId>;
  /** Highest pvalue by slot: `pmax`. */
  readonly pvalues: Map<Slot, Accepted>;
  /** Rounds of asking again. */
  age: number;
}

export interface Commander {
  readonly ballot: Ballot;
  readonly slot: Slot;
  readonly epoch: number;
  readonly value: Uint8Array;
  readonly votes: Set<NodeId>;
  age: number;
}

export interface Lease {
  round: number;
  /** When the rounds under way were asked for, on the host's clock. */
  sent: Map<number, number>;
  granted: Map<NodeId, number>;
  /** The latest round that a quorum granted, or in which it began to ask. */
  heard: number;
  /** The own acceptors let nobody else lead before this time of the host's clock. */
  until: number;
}

export interface ReplicaState {
  /** The next slot to propose in. */
  slotIn: Slot;
  /** The next slot to execute. */
  slotOut: Slot;
  /** Batches of commands that have no slot yet. */
  requests: Request[];
  requestBytes: number;
  /** Commands among `requests` and `proposals`, as `client#sequence`: each is there once. */
  pending: Set<string>;
  /** Own proposals that are not decided, by slot. */
  proposals: Map<Slot, OwnProposal>;
  /** Decided commands above `compactedUpTo`, those of executed slots too. */
  decisions: Map<Slot, Uint8Array>;
  compactedUpTo: Slot;
  /** In a durable snapshot here. */
  stableUpTo: Slot;
  /** Where the configuration ended; 0 while it lives. */
  stoppedAt: Slot;
  /** The furthest that any replica said it is, and who. */
  known: { slot: Slot; from: NodeId };
  /** `slotOut` when it was last looked whether this replica gets on. */
  checkedAt: Slot;
  /** Replicas that were asked without success, in turn. */
  askedInVain: number;
  /** The slot that a state was last requested for, and in how many looks it may be again. */
  stateWait: number;
  /** Slots up to here are waited for by reads. */
  readTarget: Slot;
  readNumber: number;
  /** Reads that no attempt covers yet. */
  waiting: number[];
  attempts: Map<number, ReadAttempt>;
}

export interface Request {
  /** Encoded commands. */
  readonly value: Uint8Array;
  /** The same commands, as `client#sequence`. */
  readonly names: readonly string[];
}

export interface OwnProposal extends Request {
  /** Looks that it has gone undecided through. */
  age: number;
}

export interface ReadAttempt {
  readonly reads: readonly number[];
  /** The last epoch known when it began. */
  readonly epoch: number;
  readonly answers: Map<NodeId, Slot>;
  /** Once a quorum has answered: to be executed before it is served. */
  position: Slot | null;
  /** Served under the lease that ends then; null: cleared by a quorum. */
  readonly validUntil: number | null;
}

/** What the records said, until `start` makes sense of it. */
export interface Recovery {
  unreadable: boolean;
  /** Slots decided with the command that was accepted in the ballot or a higher one. */
  readonly marks: Map<Slot, Ballot>;
}

/** A no-op: executes nothing. */
export const NO_OP: Uint8Array = new Uint8Array(0);

/** Members that hold `role`; an empty list of roles means all. */
function having(settings: ReplicaSettings, role: string): NodeId[] {
  return settings.members.filter((_, index) => {
    const roles = settings.roles[index] ?? [];
    return roles.length === 0 || roles.includes(role);
  });
}

export function createState(settings: ReplicaSettings): PmmcState {
  const tuning = tuningOf(settings.tuning);
  const replicas = having(settings, "replica");
  const first: Epoch = {
    number: 0,
    first: 1,
    leaders: having(settings, "leader"),
    acceptors: settings.quorums.members,
  };
  return {
    settings,
    tuning,
    others: settings.members.filter((member) => member !== settings.self),
    replicas,
    phase: "recovering",
    incarnation: 0,
    random: createPrng(settings.seed),
    voter: false,
    impaired: false,
    epochs: [first],
    stable: new Map(),
    acceptor: {
      ballot: BALLOT_NONE,
      accepted: new Map(),
      gcSlot: 0,
      highest: 0,
      leaseUntil: 0,
      written: 0,
    },
    leader: createLeader(tuning),
    replica: replicas.includes(settings.self) ? createReplica(settings.self) : null,
    recovery: { unreadable: false, marks: new Map() },
  };
}

function createLeader(tuning: PmmcTuning): LeaderState {
  return {
    ballot: BALLOT_NONE,
    seen: BALLOT_NONE,
    active: null,
    scout: null,
    proposals: new Map(),
    commanders: new Map(),
    recovering: [],
    floor: 0,
    highest: 0,
    timeoutMs: tuning.timeoutMs,
    stalled: false,
    lease: { round: 0, sent: new Map(), granted: new Map(), heard: 0, until: 0 },
  };
}

function createReplica(self: NodeId): ReplicaState {
  return {
    slotIn: 1,
    slotOut: 1,
    requests: [],
    requestBytes: 0,
    pending: new Set(),
    proposals: new Map(),
    decisions: new Map(),
    compactedUpTo: 0,
    stableUpTo: 0,
    stoppedAt: 0,
    known: { slot: 0, from: self },
    checkedAt: 0,
    askedInVain: 0,
    stateWait: 0,
    readTarget: 0,
    readNumber: 0,
    waiting: [],
    attempts: new Map(),
  };
}
