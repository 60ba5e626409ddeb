import type { Ballot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";
import type { Slot } from "../../ids.ts";
import type { PaxosMessage } from "../paxos/index.ts";

/** Everything that members say to each other. Plain data, no methods. */
export type BroadcastMessage =
  | Decree
  | Decided
  | Learn
  | Behind
  | ProgressMessage
  | Offer
  | Ask
  | Told;

/** What one step wants done. */
export type Out = Effect<BroadcastMessage>[];

/**
 * What the roles of single-decree Paxos say in one instance; the rest of their words has no use.
 */
export type InstanceMessage = Extract<
  PaxosMessage,
  { readonly kind: (typeof INSTANCE_KINDS)[number] }
>;

export const INSTANCE_KINDS = [
  "prepare",
  "promise",
  "nack",
  "accept",
  "accepted",
] as const satisfies readonly PaxosMessage["kind"][];

/** A message of one instance of Paxos: without its slot nobody could tell to which it belongs. */
export interface Decree {
  readonly kind: "decree";
  readonly slot: Slot;
  readonly message: InstanceMessage;
}

/** From a proposer to all others: what was accepted in this ballot of the instance is decided. */
export interface Decided {
  readonly kind: "decided";
  readonly slot: Slot;
  readonly ballot: Ballot;
}

/** Decided values of consecutive slots, to one who lacks them. */
export interface Learn {
  readonly kind: "learn";
  readonly first: Slot;
  readonly values: readonly Uint8Array[];
  /** How far the sender has everything. */
  readonly decidedUpTo: Slot;
}

/** To one who lacks slots that are compacted here: only a snapshot can help. */
export interface Behind {
  readonly kind: "behind";
  readonly compactedUpTo: Slot;
  readonly decidedUpTo: Slot;
}

/**
 * How far the sender is. Whoever has more answers with it; whoever has less asks by telling the
 * same of itself. So one message is gossip and question alike.
 */
export interface ProgressMessage {
  readonly kind: "progress";
  readonly decidedUpTo: Slot;
  /** Nothing is accepted above, as far as the sender knows. */
  readonly openUpTo: Slot;
}

/** Encoded commands of a holder that lets another proposer go first: take them along. */
export interface Offer {
  readonly kind: "offer";
  readonly value: Uint8Array;
}

/** A reader asks how far anything is accepted. The two numbers name the question for ever. */
export interface Ask {
  readonly kind: "ask";
  readonly incarnation: number;
  readonly number: number;
}

/** From an acceptor: it has accepted nothing above `openUpTo`. */
export interface Told {
  readonly kind: "told";
  readonly incarnation: number;
  readonly number: number;
  readonly openUpTo: Slot;
}

/** The closed list, in the order of their codes on the wire. */
export const MESSAGE_KINDS = [
  "decree",
  "decided",
  "learn",
  "behind",
  "progress",
  "offer",
  "ask",
  "told",
] as const satisfies readonly BroadcastMessage["kind"][];
