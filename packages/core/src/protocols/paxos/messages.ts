import type { Ballot } from "../../ballot.ts";
import type { Effect } from "../../effect.ts";

/** A value in a ballot: what a proposer proposes and an acceptor accepts. */
export interface Proposal {
  readonly ballot: Ballot;
  /** Any bytes, none at all included. Never written to once it is here. */
  readonly value: Uint8Array;
}

/** Everything that the roles of one decree say to each other. Plain data, no methods. */
export type PaxosMessage =
  | Prepare
  | PromiseMessage
  | Nack
  | Accept
  | Accepted
  | Chosen
  | Ask
  | Told
  | Forward;

/** What one step of a whole replica wants done. */
export type Out = Effect<PaxosMessage>[];

/** Phase 1a, from a proposer to every acceptor. */
export interface Prepare {
  readonly kind: "prepare";
  readonly ballot: Ballot;
}

/**
 * Phase 1b, from an acceptor: it accepts nothing below `ballot` any more, and this is the highest
 * ballot that it has accepted anything in so far; null for nothing.
 */
export interface PromiseMessage {
  readonly kind: "promise";
  readonly ballot: Ballot;
  readonly accepted: Proposal | null;
}

/** From an acceptor: `refused` is too low, `promised` is what it has promised. */
export interface Nack {
  readonly kind: "nack";
  readonly refused: Ballot;
  readonly promised: Ballot;
}

/** Phase 2a, from a proposer to every acceptor. */
export interface Accept {
  readonly kind: "accept";
  readonly ballot: Ballot;
  readonly value: Uint8Array;
}

/** Phase 2b, from an acceptor to the proposer of `ballot`, which is the learner that counts. */
export interface Accepted {
  readonly kind: "accepted";
  readonly ballot: Ballot;
}

/** The outcome: from whoever knows it, to those who wait for it or act as if it was open. */
export interface Chosen {
  readonly kind: "chosen";
  readonly value: Uint8Array;
}

/** From a learner: what have you accepted? The two numbers name the question for ever. */
export interface Ask {
  readonly kind: "ask";
  readonly incarnation: number;
  readonly number: number;
}

/** From an acceptor, to a question: the highest ballot that it has accepted anything in. */
export interface Told {
  readonly kind: "told";
  readonly incarnation: number;
  readonly number: number;
  readonly accepted: Proposal | null;
}

/** To a proposer, from a member that may not propose itself: try to have this chosen. */
export interface Forward {
  readonly kind: "forward";
  readonly value: Uint8Array;
}

/** The closed list, in the order of their codes on the wire. */
export const MESSAGE_KINDS = [
  "prepare",
  "promise",
  "nack",
  "accept",
  "accepted",
  "chosen",
  "ask",
  "told",
  "forward",
] as const satisfies readonly PaxosMessage["kind"][];
