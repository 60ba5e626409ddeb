import type { Ballot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { Slot } from "../../ids.ts";

/**
 * Everything that members of a Multi-Paxos configuration say to each other. Plain data, no methods.
 */
export type MultipaxosMessage =
  | Probe
  | Probed
  | Prepare
  | PromiseMessage
  | Nack
  | Accept
  | Accepted
  | Commit
  | Heartbeat
  | HeartbeatAck
  | CatchUp
  | Learn
  | Behind
  | Forward
  | ReadIndex
  | ReadAt;

/** What one step wants done; role functions append to it. */
export type Out = Effect<MultipaxosMessage>[];

/** Would you promise if I prepared? Changes nothing; asked before every election. */
export interface Probe {
  readonly kind: "probe";
  /** Tells the answers to this probe from those to earlier ones. */
  readonly attempt: number;
  readonly chosenUpTo: Slot;
}

export interface Probed {
  readonly kind: "probed";
  readonly attempt: number;
  readonly granted: boolean;
  /** Highest ballot known here, so that the prepare that follows can outbid it at once. */
  readonly promised: Ballot;
  readonly chosenUpTo: Slot;
}

/** Phase 1a for every slot above `chosenUpTo`, the sender's own prefix. */
export interface Prepare {
  readonly kind: "prepare";
  readonly ballot: Ballot;
  readonly chosenUpTo: Slot;
}

/**
 * Phase 1b, or a part of it: everything accepted here in slots `first..last` (`SLOT_MAX` in the
 * last part: there is nothing beyond), but for the slots in `unknown`: there something may have
 * been accepted, and nobody here knows any more what. All slots up to `omittedUpTo` are chosen, and
 * not told here.
 * Each part is true by itself, so parts of different answers to the same ballot may be put
 * together.
 */
export interface PromiseMessage {
  readonly kind: "promise";
  readonly ballot: Ballot;
  readonly chosenUpTo: Slot;
  readonly omittedUpTo: Slot;
  readonly first: Slot;
  readonly last: Slot;
  /** Ascending by slot. */
  readonly entries: readonly Reported[];
  /** Ascending and disjoint, none of a slot in `entries`. */
  readonly unknown: readonly UnknownRun[];
}

export interface Reported {
  readonly slot: Slot;
  /** Of the acceptance; `BALLOT_NONE` for a value that was only learned. */
  readonly ballot: Ballot;
  readonly chosen: boolean;
  readonly value: Uint8Array;
}

/** Slots whose acceptance here is damaged; it was in no higher ballot than this one. */
export interface UnknownRun {
  readonly first: Slot;
  readonly last: Slot;
  readonly ballot: Ballot;
}

/** Your ballot is too low: I know of `promised`. */
export interface Nack {
  readonly kind: "nack";
  readonly refused: Ballot;
  readonly promised: Ballot;
  readonly chosenUpTo: Slot;
}

/** Phase 2a for consecutive slots from `first`. */
export interface Accept {
  readonly kind: "accept";
  readonly ballot: Ballot;
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
  /**
   * All slots up to here are chosen, with what this ballot proposed wherever it proposed anything.
   */
  readonly chosenUpTo: Slot;
}

export interface Run {
  readonly first: Slot;
  readonly last: Slot;
}

/** Phase 2b: these slots are durably accepted here in `ballot`. */
export interface Accepted {
  readonly kind: "accepted";
  readonly ballot: Ballot;
  readonly runs: readonly Run[];
  readonly chosenUpTo: Slot;
}

/** What an accept would have carried, when none is about to leave. */
export interface Commit {
  readonly kind: "commit";
  readonly ballot: Ballot;
  readonly chosenUpTo: Slot;
}

/** The leader lives. `round` rises with each one and never repeats within a ballot. */
export interface Heartbeat {
  readonly kind: "heartbeat";
  readonly ballot: Ballot;
  readonly round: number;
  readonly chosenUpTo: Slot;
}

/** From voters only: when this left, nothing above `ballot` was promised here. */
export interface HeartbeatAck {
  readonly kind: "heartbeatAck";
  readonly ballot: Ballot;
  readonly round: number;
  readonly chosenUpTo: Slot;
}

/** Tell me the chosen values of these slots, as many as fit into one chunk. */
export interface CatchUp {
  readonly kind: "catchUp";
  readonly first: Slot;
  readonly last: Slot;
}

/** Chosen values of consecutive slots. */
export interface Learn {
  readonly kind: "learn";
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
  readonly chosenUpTo: Slot;
}

/** Slots that you ask for, or propose in, are chosen and compacted here: you need a snapshot. */
export interface Behind {
  readonly kind: "behind";
  readonly compactedUpTo: Slot;
  readonly chosenUpTo: Slot;
}

/** Encoded commands on their way to the leader. */
export interface Forward {
  readonly kind: "forward";
  /** A replica that was wrong about the leader passes it on once, not more. */
  readonly passedOn: boolean;
  readonly value: Uint8Array;
}

/** Where must a read that has begun wait? `incarnation` and `number` name the attempt for ever. */
export interface ReadIndex {
  readonly kind: "readIndex";
  readonly incarnation: number;
  readonly number: number;
}

export interface ReadAt {
  readonly kind: "readAt";
  readonly incarnation: number;
  readonly number: number;
  readonly index: Slot;
}

/** Above every slot. */
export const SLOT_MAX: Slot = Number.MAX_SAFE_INTEGER;

/** The closed list, in the order of their codes on the wire. */
export const MESSAGE_KINDS = [
  "probe",
  "probed",
  "prepare",
  "promise",
  "nack",
  "accept",
  "accepted",
  "commit",
  "heartbeat",
  "heartbeatAck",
  "catchUp",
  "learn",
  "behind",
  "forward",
  "readIndex",
  "readAt",
] as const satisfies readonly MultipaxosMessage["kind"][];
