import type { Ballot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { NodeId, Slot } from "../../ids.ts";

/** What replicas, leaders, scouts, commanders and acceptors say to each other. */
export type PmmcMessage =
  | P1a
  | P1b
  | P2a
  | P2b
  | Propose
  | Decision
  | Ping
  | Pong
  | Report
  | Ask
  | Decisions
  | Behind
  | ReadQuery
  | ReadReply
  | Renew
  | Grant;

/** A command proposed in a slot by a ballot; what an acceptor has accepted. */
export interface Pvalue {
  readonly ballot: Ballot;
  readonly slot: Slot;
  /** Number of the epoch that the slot belongs to: who reads it must know that epoch. */
  readonly epoch: number;
  readonly value: Uint8Array;
}

/**
 * Who leads and who accepts, from a slot on; what the paper calls a configuration. Numbered from 0
 * without gaps.
 */
export interface Epoch {
  readonly number: number;
  readonly first: Slot;
  readonly leaders: readonly NodeId[];
  readonly acceptors: readonly NodeId[];
}

/** Scout to acceptors: adopt this ballot, and tell what you accepted in slots from `first` on. */
export interface P1a {
  readonly kind: "p1a";
  readonly ballot: Ballot;
  readonly first: Slot;
}

/**
 * The ballot that the acceptor is at, and all pvalues that it holds in slots `first..last`. Below
 * and at `gcSlot` everything is decided and forgotten here.
 */
export interface P1b {
  readonly kind: "p1b";
  readonly ballot: Ballot;
  readonly first: Slot;
  /** {@link SLOT_MAX} in the last part. */
  readonly last: Slot;
  readonly gcSlot: Slot;
  /** Ascending by slot, one for each. */
  readonly pvalues: readonly Pvalue[];
}

/** Commander to acceptors. */
export interface P2a {
  readonly kind: "p2a";
  readonly ballot: Ballot;
  readonly slot: Slot;
  readonly epoch: number;
  readonly value: Uint8Array;
}

/**
 * The ballot that the acceptor is at: the commander's own, when it has accepted. A slot at or below
 * `gcSlot` is decided and forgotten, and was not accepted again.
 */
export interface P2b {
  readonly kind: "p2b";
  /** Which commander of the slot is answered: an old one's answer says nothing to a new one. */
  readonly commander: Ballot;
  readonly ballot: Ballot;
  readonly slot: Slot;
  readonly gcSlot: Slot;
}

/** Replica to leaders: this command for this slot. */
export interface Propose {
  readonly kind: "propose";
  readonly slot: Slot;
  readonly value: Uint8Array;
  /** A leader that waits for another one passes it on, but once only. */
  readonly passedOn: boolean;
  /** Epochs from that of `slot` on that the replica knows; empty while there is only the first. */
  readonly epochs: readonly Epoch[];
}

/** This command is chosen for this slot. */
export interface Decision {
  readonly kind: "decision";
  readonly slot: Slot;
  readonly ballot: Ballot;
  /** Null: the command that you accepted in this slot, in this ballot or a higher one. */
  readonly value: Uint8Array | null;
}

/** A leader that was preempted by `ballot` asks its owner whether it is still there. */
export interface Ping {
  readonly kind: "ping";
  readonly ballot: Ballot;
}

/** I am there, and the highest ballot that I know is this one. */
export interface Pong {
  readonly kind: "pong";
  readonly ballot: Ballot;
}

/** How far a replica is: `stableUpTo` is in a durable snapshot, `decidedUpTo` executed. */
export interface Report {
  readonly kind: "report";
  readonly stableUpTo: Slot;
  readonly decidedUpTo: Slot;
}

/** Replica to replica: what was decided from this slot on? */
export interface Ask {
  readonly kind: "ask";
  readonly first: Slot;
}

/** Decided commands of consecutive slots. */
export interface Decisions {
  readonly kind: "decisions";
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
}

/** What you ask for is only in my snapshot. */
export interface Behind {
  readonly kind: "behind";
  readonly compactedUpTo: Slot;
}

/** Replica to acceptors: which is the highest slot that you have accepted anything in? */
export interface ReadQuery {
  readonly kind: "readQuery";
  readonly incarnation: number;
  readonly number: number;
}

export interface ReadReply {
  readonly kind: "readReply";
  readonly incarnation: number;
  readonly number: number;
  readonly slot: Slot;
}

/** Leader to acceptors: adopt nobody else's ballot for the length of a lease from now on. */
export interface Renew {
  readonly kind: "renew";
  readonly ballot: Ballot;
  readonly round: number;
}

export interface Grant {
  readonly kind: "grant";
  readonly ballot: Ballot;
  readonly round: number;
}

/** The closed list, in the order of their codes on the wire. */
export const MESSAGE_KINDS = [
  "p1a",
  "p1b",
  "p2a",
  "p2b",
  "propose",
  "decision",
  "ping",
  "pong",
  "report",
  "ask",
  "decisions",
  "behind",
  "readQuery",
  "readReply",
  "renew",
  "grant",
] as const satisfies readonly PmmcMessage["kind"][];

/** Above every slot. */
export const SLOT_MAX: Slot = Number.MAX_SAFE_INTEGER;

/** What one step wants done, and what its roles say to each other on the same node. */
export interface Out {
  readonly effects: Effect<PmmcMessage>[];
  /** Heard by the other roles of this node before the step ends. */
  readonly local: PmmcMessage[];
}
