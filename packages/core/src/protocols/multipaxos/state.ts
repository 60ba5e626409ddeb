import { BALLOT_NONE, type Ballot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import { createPrng, type PrngState } from "../../prng.ts";
import type { ReplicaSettings } from "../../protocol.ts";
import type { UnknownRun } from "./messages.ts";
import { type MultipaxosTuning, tuningOf } from "./tuning.ts";

/**
 * All that a replica may change, and what it was made of. Values are never written to once they are
 * here.
 */
export interface MultipaxosState {
  readonly settings: ReplicaSettings;
  readonly tuning: MultipaxosTuning;
  /** All members but this one, ascending. */
  readonly others: readonly NodeId[];
  phase: "recovering" | "running";
  incarnation: number;
  random: PrngState;

  // The acceptor: durable.
  /** Nothing below is promised to or accepted from anybody. */
  promised: Ballot;
  /** Accepted and learned values of slots above `compactedUpTo`. */
  log: Map<Slot, Entry>;
  /**
   * Slots that something may have been accepted in here which is damaged: not in the log, all above
   * `chosenUpTo`. By slot, the ballot that it was accepted in at most.
   */
  faulty: Map<Slot, Ballot>;
  /** Whether this replica may promise and accept; a non-voter learns, serves and forwards. */
  voter: boolean;
  /** Something that it once told others may be lost: it never votes again on this disk. Durable. */
  impaired: boolean;

  // The learner.
  /** Every slot up to here is known as chosen. */
  chosenUpTo: Slot;
  deliveredUpTo: Slot;
  /**
   * Slots up to here are chosen and no longer in the log. Above `chosenUpTo` only if a snapshot was
   * lost.
   */
  compactedUpTo: Slot;
  /** Where the configuration ended; 0 while it lives. */
  stoppedAt: Slot;
  /** What the leader of a ballot last said about its own proposals. */
  claim: { ballot: Ballot; chosenUpTo: Slot };
  /** The longest chosen prefix that anybody told of, and who did. */
  known: { chosenUpTo: Slot; from: NodeId };
  catchUp: CatchUpState | null;

  // Leadership.
  role: Role;
  /** Highest ballot in any message. */
  seen: Ballot;
  leader: NodeId | null;
  leaderBallot: Ballot;
  /** A leader was heard within the shortest election time-out. */
  leaderAlive: boolean;
  /** Probes so far. */
  attempts: number;

  // Proposals and reads of this replica's host.
  /** Encoded batches that wait for a leader, or, on a leader, for a free slot. */
  queue: Uint8Array[];
  queueBytes: number;
  /** Something was handed to the present leader, and nobody knows what became of it. */
  forwarded: boolean;
  /** Reads asked of the leader, by the number of the attempt. */
  reads: Map<number, readonly number[]>;
  readNumber: number;

  recovery: Recovery | null;
}

export interface Entry {
  /** In which the value was accepted here; `BALLOT_NONE` when it was only learned. */
  readonly ballot: Ballot;
  /** Encoded commands; empty is a no-op. */
  readonly value: Uint8Array;
  chosen: boolean;
}

export interface CatchUpState {
  /** How many members were asked without success. */
  tries: number;
  /** First slot asked for, 0 before the first question. */
  asked: Slot;
  /** That question has been answered. */
  answered: boolean;
  /** `chosenUpTo` when the timer was set: whoever advances meanwhile need not ask. */
  since: Slot;
}

export type Role = Follower | Prober | Candidate | Leader;

export interface Follower {
  readonly kind: "follower";
}

export interface Prober {
  readonly kind: "prober";
  readonly attempt: number;
  readonly grants: Set<NodeId>;
}

export interface Candidate {
  readonly kind: "candidate";
  readonly ballot: Ballot;
  /** `chosenUpTo` as the prepare told it: promises speak of the slots above. */
  readonly floor: Slot;
  readonly promises: Map<NodeId, PromiseParts>;
  /** Accepted, not known as chosen: per slot the value of the highest ballot. */
  readonly reported: Map<Slot, { readonly ballot: Ballot; readonly value: Uint8Array }>;
  /** Highest slot in any promise, known or unknown. */
  highest: Slot;
}

export interface PromiseParts {
  omittedUpTo: Slot;
  /** Stretches of which everything was told: last slot by first slot. */
  readonly covered: Map<Slot, Slot>;
  /** Stretches that were unknown there when it answered, by first slot. */
  readonly unknown: Map<Slot, UnknownRun>;
}

export interface Leader {
  readonly kind: "leader";
  readonly ballot: Ballot;
  nextSlot: Slot;
  /** What phase 1 found in slots up to `recoverUpTo`; other slots up to there get a no-op. */
  readonly recovered: Map<Slot, Uint8Array>;
  readonly recoverUpTo: Slot;
  /** All that was chosen before this ballot lies at or below; reads wait until it is known. */
  readonly barrier: Slot;
  /** Votes by slot, until it is chosen. */
  readonly open: Map<Slot, Set<NodeId>>;
  /** Slots below were sent at least one resend interval ago. */
  resendBelow: Slot;
  /** `chosenUpTo` as the others were last told. */
  announced: Slot;
  /** Voters heard since the last check. */
  heard: Set<NodeId>;
  /** `chosenUpTo` at the last check, and how many checks passed without an advance while behind. */
  checkedAt: Slot;
  stalledChecks: number;
  round: number;
  /** Latest round that each voter confirmed. */
  readonly acked: Map<NodeId, number>;
  /** Reads that no round covers yet. */
  waiting: ReadToken[];
  /** Rounds that cover reads, oldest first. */
  rounds: ReadRound[];
}

export interface ReadRound {
  readonly round: number;
  readonly index: Slot;
  readonly tokens: readonly ReadToken[];
}

export type ReadToken =
  | { readonly kind: "local"; readonly reads: readonly number[] }
  | {
      readonly kind: "remote";
      readonly from: NodeId;
      readonly incarnation: number;
      readonly number: number;
    };

/** What the records said, until `start` makes sense of it. */
export interface Recovery {
  chosenUpTo: Slot;
  unreadable: boolean;
}

export const FOLLOWER: Follower = Object.freeze({ kind: "follower" });

/** A no-op: executes nothing. */
export const NO_OP: Uint8Array = new Uint8Array(0);

export function createState(settings: ReplicaSettings): MultipaxosState {
  return {
    settings,
    tuning: tuningOf(settings.tuning),
    others: settings.members.filter((member) => member !== settings.self),
    phase: "recovering",
    incarnation: 0,
    random: createPrng(settings.seed),
    promised: BALLOT_NONE,
    log: new Map(),
    faulty: new Map(),
    voter: false,
    impaired: false,
    chosenUpTo: 0,
    deliveredUpTo: 0,
    compactedUpTo: 0,
    stoppedAt: 0,
    claim: { ballot: BALLOT_NONE, chosenUpTo: 0 },
    known: { chosenUpTo: 0, from: settings.self },
    catchUp: null,
    role: FOLLOWER,
    seen: BALLOT_NONE,
    leader: null,
    leaderBallot: BALLOT_NONE,
    leaderAlive: false,
    attempts: 0,
    queue: [],
    queueBytes: 0,
    forwarded: false,
    reads: new Map(),
    readNumber: 0,
    recovery: { chosenUpTo: 0, unreadable: false },
  };
}
