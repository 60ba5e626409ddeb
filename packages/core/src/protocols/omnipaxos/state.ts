import { BALLOT_NONE, type Ballot } from "../../ballot.ts";
import type { NodeId, Slot } from "../../ids.ts";
import type { ReplicaSettings } from "../../protocol.ts";
import { createElection, type ElectionState } from "./election.ts";
import type { Claim, PromiseMessage } from "./messages.ts";
import { createPace, type Pace } from "./pace.ts";
import { type OmniPaxosTuning, tuningOf } from "./tuning.ts";

/** Two cores side by side. Neither reads the other's state: `index.ts` carries what they share. */
export interface OmniPaxosState {
  readonly election: ElectionState;
  /** Parts of the present election round that have passed. */
  ticks: number;
  readonly pace: Pace;
  readonly sequence: SequenceState;
}

/** All that Sequence Paxos may change, and what it was made of. Values are never written to. */
export interface SequenceState {
  readonly settings: ReplicaSettings;
  readonly tuning: OmniPaxosTuning;
  /** All members but this one, ascending. */
  readonly others: readonly NodeId[];
  phase: "recovering" | "running";
  incarnation: number;

  // The acceptor: durable.
  /** Nothing below is promised to or accepted from anybody. */
  promised: Ballot;
  /** The ballot in which the whole log was last accepted; `BALLOT_NONE`: it is learned only. */
  acceptedIn: Ballot;
  /** Values of slots `compactedUpTo + 1` to `length`, without a gap. */
  log: Map<Slot, Uint8Array>;
  length: Slot;
  /** What was accepted here at most, as long as damage keeps this replica from showing it. */
  lost: Claim | null;
  /** Whether this replica may promise and accept; a non-voter learns, serves and forwards. */
  voter: boolean;
  /** Something that it once told others may be lost: it never votes again on this disk. Durable. */
  impaired: boolean;

  // The learner.
  /** Every slot up to here is decided. */
  decidedUpTo: Slot;
  deliveredUpTo: Slot;
  /** Slots up to here are decided and no longer in the log. */
  compactedUpTo: Slot;
  /** Where the configuration ended; 0 while it lives. */
  stoppedAt: Slot;
  /** What the leader of a ballot last said about its own log. */
  decision: { ballot: Ballot; chosenUpTo: Slot };
  /** The longest decided prefix that anybody told of, and who did. */
  known: { chosenUpTo: Slot; from: NodeId };
  catchUp: CatchUpState | null;

  // Leadership.
  role: Role;
  /** Whose ballot is followed. */
  leader: NodeId | null;
  /** Who brings messages to the leader when that is not the leader itself. */
  via: NodeId | null;
  /** Promises so far, in all incarnations. */
  nonces: number;

  // Proposals and reads of this replica's host.
  /** Encoded batches that wait for a leader, or, on a leader, for a free slot. */
  queue: Uint8Array[];
  queueBytes: number;
  /** Something was handed to a leader, and nobody knows what became of it. */
  forwarded: boolean;
  /** Whom it was handed to last. */
  lastHop: NodeId | null;
  /** Reads asked of the leader, by the number of the attempt. */
  reads: Map<number, ReadToken>;
  readNumber: number;

  recovery: Recovery | null;
}

export interface CatchUpState {
  /** How many members were asked without success. */
  tries: number;
  /** First slot asked for, 0 before the first question. */
  asked: Slot;
  /** That question has been answered. */
  answered: boolean;
  /** `decidedUpTo` when the timer was set: whoever advances meanwhile need not ask. */
  since: Slot;
}

export type Role = Follower | Candidate | Leader;

export interface Follower {
  readonly kind: "follower";
  /**
   * - `idle`: nothing was ever promised here.
   * - `recover`: restarted, admitted or overtaken: takes nothing before it is prepared again.
   * - `promised`: waits for the sync that answers `nonce`.
   * - `accepting`: its log is the leader's, as far as it goes.
   */
  stage: "idle" | "recover" | "promised" | "accepting";
  nonce: number;
  /** What the prepare said that was promised last: what to promise again. */
  asked: Asked | null;
  /** `decidedUpTo` when it was promised. */
  told: Slot;
  /** How often the same was promised again. */
  repeats: number;
  /** Values of the leader's ballot that came before those in front of them. */
  readonly ahead: Map<Slot, Uint8Array>;
}

/** What a candidate holds, as its prepare told it. */
export interface Asked extends Claim {
  readonly chosenUpTo: Slot;
}

export interface Candidate {
  readonly kind: "candidate";
  readonly ballot: Ballot;
  readonly promises: Map<NodeId, PromiseMessage>;
}

export interface Leader {
  readonly kind: "leader";
  readonly ballot: Ballot;
  /** The best claim of phase 1: the leader's log goes on from there. */
  readonly adopted: Claim;
  /** All that was decided before this ballot lies at or below; reads wait until it is. */
  readonly barrier: Slot;
  /** What is known of members that have promised, without the own. */
  readonly followers: Map<NodeId, Progress>;
  /** Length of the log that each member has durably accepted in this ballot. */
  readonly accepted: Map<NodeId, Slot>;
  /** The log at the last resend: what was sent since then may be under way. */
  resendUpTo: Slot;
  /** `decidedUpTo` as the others were last told. */
  announced: Slot;
  round: number;
  /** Latest round that each voter confirmed. */
  readonly confirmed: Map<NodeId, number>;
  /** Reads that no round covers yet. */
  waiting: ReadToken[];
  /** Rounds that cover reads, oldest first. */
  rounds: ReadRound[];
}

export interface Progress {
  /**
   * - `promised`: to be synced.
   * - `syncing`: a sync is under way.
   * - `accepting`: gets accepts.
   * - `higher`: has promised a higher ballot.
   */
  stage: "promised" | "syncing" | "accepting" | "higher";
  readonly nonce: number;
  readonly claim: Asked;
  /** Everything up to here is under way or has arrived. */
  sentUpTo: Slot;
  /** Intervals of resending in which it did not get further. */
  waited: number;
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
  /** The ballot of the record that each slot's value came with. */
  readonly written: Map<Slot, Ballot>;
}

export function follower(stage: Follower["stage"]): Follower {
  return { kind: "follower", stage, nonce: 0, asked: null, told: 0, repeats: 0, ahead: new Map() };
}

export function createState(settings: ReplicaSettings): OmniPaxosState {
  const sequence = createSequence(settings);
  const election = createElection(settings.self, sequence.tuning.priority);
  return { election, ticks: 0, pace: createPace(), sequence };
}

export function createSequence(settings: ReplicaSettings): SequenceState {
  return {
    settings,
    tuning: tuningOf(settings.tuning),
    others: settings.members.filter((member) => member !== settings.self),
    phase: "recovering",
    incarnation: 0,
    promised: BALLOT_NONE,
    acceptedIn: BALLOT_NONE,
    log: new Map(),
    length: 0,
    lost: null,
    voter: false,
    impaired: false,
    decidedUpTo: 0,
    deliveredUpTo: 0,
    compactedUpTo: 0,
    stoppedAt: 0,
    decision: { ballot: BALLOT_NONE, chosenUpTo: 0 },
    known: { chosenUpTo: 0, from: settings.self },
    catchUp: null,
    role: follower("idle"),
    leader: null,
    via: null,
    nonces: 0,
    queue: [],
    queueBytes: 0,
    forwarded: false,
    lastHop: null,
    reads: new Map(),
    readNumber: 0,
    recovery: { chosenUpTo: 0, unreadable: false, written: new Map() },
  };
}

/** Decided for sure, though a lost snapshot may keep it from being delivered here. */
export function chosenUpTo(state: SequenceState): Slot {
  return Math.max(state.decidedUpTo, state.compactedUpTo);
}
