import type { Ballot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { Slot } from "../../ids.ts";

/**
 * Everything that members of an OmniPaxos configuration say to each other. Two cores speak: ballot
 * leader election about links, Sequence Paxos about the log.
 */
export type OmniPaxosMessage = ElectionMessage | SequenceMessage;

export type ElectionMessage = Heartbeat | HeartbeatReply;

export type SequenceMessage =
  | PrepareRequest
  | Prepare
  | PromiseMessage
  | Nack
  | AcceptSync
  | Accept
  | Accepted
  | Decide
  | CatchUp
  | Learn
  | Behind
  | Forward
  | Confirm
  | Confirmed
  | ReadIndex
  | ReadAt;

export type Out = Effect<OmniPaxosMessage>[];

/** Do you hear me? `chosenUpTo` rides along for the log; the election never looks at it. */
export interface Heartbeat {
  readonly kind: "heartbeat";
  readonly round: number;
  readonly chosenUpTo: Slot;
}

/** From voters only. Counts in the round of the asker that it answers, and in no other. */
export interface HeartbeatReply {
  readonly kind: "heartbeatReply";
  readonly round: number;
  /** In which the sender leads, or would. */
  readonly ballot: Ballot;
  /** The ballot that the sender takes for the leader's. */
  readonly leader: Ballot;
  /** The sender hears a quorum as leader, or a happy leader. */
  readonly happy: boolean;
  readonly chosenUpTo: Slot;
}

/**
 * A member that started again, or missed a prepare: whoever leads in `ballot` or above, prepare me.
 */
export interface PrepareRequest {
  readonly kind: "prepareRequest";
  readonly ballot: Ballot;
  readonly chosenUpTo: Slot;
}

/** Phase 1a, with what the candidate's own log is, so that promises carry what it lacks only. */
export interface Prepare {
  readonly kind: "prepare";
  readonly ballot: Ballot;
  readonly acceptedIn: Ballot;
  readonly length: Slot;
  readonly chosenUpTo: Slot;
}

/**
 * How good a log is: the ballot in which all of it was last accepted, then its length. Of two logs
 * accepted in one ballot the shorter is a prefix of the longer.
 */
export interface Claim {
  readonly acceptedIn: Ballot;
  readonly length: Slot;
}

/**
 * Phase 1b. `values` are those of slots from `first`: what is decided beyond the candidate's own
 * prefix, and the rest of a log that is better than the candidate's.
 */
export interface PromiseMessage extends Claim {
  readonly kind: "promise";
  readonly ballot: Ballot;
  /** Never used before; the sync that answers this promise names it. */
  readonly nonce: number;
  readonly chosenUpTo: Slot;
  /**
   * The sender may have accepted up to this claim, and can no longer show it; null: it shows all.
   */
  readonly lost: Claim | null;
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
}

/** Your ballot is too low: I have promised `promised`. */
export interface Nack {
  readonly kind: "nack";
  readonly refused: Ballot;
  readonly promised: Ballot;
  readonly chosenUpTo: Slot;
}

/**
 * Makes the receiver's log the leader's: whatever it holds from `first` on is replaced, all at
 * once, and from then on the whole log counts as accepted in `ballot`.
 */
export interface AcceptSync {
  readonly kind: "acceptSync";
  readonly ballot: Ballot;
  /** Of the promise that this answers. */
  readonly nonce: number;
  /** What that promise said the log before `first` was accepted in. */
  readonly previous: Ballot;
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
  readonly chosenUpTo: Slot;
}

/**
 * Phase 2a: these values follow, from slot `first`, in a log that was accepted in `previous`. With
 * none, it only asks how far the log reaches.
 */
export interface Accept {
  readonly kind: "accept";
  readonly ballot: Ballot;
  readonly previous: Ballot;
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
  /** All slots of the leader's log up to here are decided. */
  readonly chosenUpTo: Slot;
}

/** Phase 2b: the whole log up to `length` is durably accepted here in `ballot`. */
export interface Accepted {
  readonly kind: "accepted";
  readonly ballot: Ballot;
  readonly length: Slot;
  readonly chosenUpTo: Slot;
}

/** What an accept would have carried, when none is about to leave. */
export interface Decide {
  readonly kind: "decide";
  readonly ballot: Ballot;
  readonly chosenUpTo: Slot;
}

/** Tell me the decided values of these slots, as many as fit into one chunk. */
export interface CatchUp {
  readonly kind: "catchUp";
  readonly first: Slot;
  readonly last: Slot;
}

/** Decided values of consecutive slots. */
export interface Learn {
  readonly kind: "learn";
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
  readonly chosenUpTo: Slot;
}

/** Slots that you ask for are decided and compacted here: you need a snapshot. */
export interface Behind {
  readonly kind: "behind";
  readonly compactedUpTo: Slot;
  readonly chosenUpTo: Slot;
}

/** Encoded commands on their way to the leader. */
export interface Forward {
  readonly kind: "forward";
  /** Handed on by a member between; nobody hands it on twice. */
  readonly relayed: boolean;
  readonly value: Uint8Array;
}

/** Do you still know of no ballot above this one? `round` never repeats within a ballot. */
export interface Confirm {
  readonly kind: "confirm";
  readonly ballot: Ballot;
  readonly round: number;
}

/** From voters only: when this left, nothing above `ballot` was promised here. */
export interface Confirmed {
  readonly kind: "confirmed";
  readonly ballot: Ballot;
  readonly round: number;
}

/** Where must a read that has begun wait? `incarnation` and `number` name the attempt for ever. */
export interface ReadIndex {
  readonly kind: "readIndex";
  readonly incarnation: number;
  readonly number: number;
  /** Handed on by a member between; nobody hands it on twice. */
  readonly relayed: boolean;
}

export interface ReadAt {
  readonly kind: "readAt";
  readonly incarnation: number;
  readonly number: number;
  readonly index: Slot;
}

/** The closed list, in the order of their codes on the wire. */
export const MESSAGE_KINDS = [
  "heartbeat",
  "heartbeatReply",
  "prepareRequest",
  "prepare",
  "promise",
  "nack",
  "acceptSync",
  "accept",
  "accepted",
  "decide",
  "catchUp",
  "learn",
  "behind",
  "forward",
  "confirm",
  "confirmed",
  "readIndex",
  "readAt",
] as const satisfies readonly OmniPaxosMessage["kind"][];
