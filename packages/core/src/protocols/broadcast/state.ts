import type { NodeId, RequestId, Slot } from "../../ids.ts";
import { createPrng, type PrngState } from "../../prng.ts";
import type { ReplicaSettings } from "../../protocol.ts";
import {
  type AcceptorState,
  createAcceptor,
  createLearner,
  type LearnerState,
  type ProposerState,
} from "../paxos/index.ts";
import { type BroadcastTuning, tuningOf } from "./tuning.ts";

/**
 * All that a replica may change, and what it was made of. Values are never written to once they are
 * here.
 */
export interface BroadcastState {
  readonly settings: ReplicaSettings;
  readonly tuning: BroadcastTuning;
  /** Who holds which role, ascending. */
  readonly roles: { readonly proposers: readonly NodeId[]; readonly acceptors: readonly NodeId[] };
  /** All members but this one, ascending. */
  readonly others: readonly NodeId[];
  phase: "recovering" | "running";
  incarnation: number;
  random: PrngState;

  /** Whether this replica may use ballots, promise and accept; without, it learns and offers. */
  voter: boolean;
  /** Something that it once told others may be lost: it never votes again on this disk. Durable. */
  impaired: boolean;

  // The instances.
  /** Those that are not decided here. */
  instances: Map<Slot, Instance>;
  /** Slots that are decided, but all that was promised and accepted in them is gone. */
  lost: Set<Slot>;
  /** Decided values above `compactedUpTo`. */
  decided: Map<Slot, Uint8Array>;
  /** Every slot up to here is decided. */
  decidedUpTo: Slot;
  deliveredUpTo: Slot;
  /** Slots up to here are decided and no longer held. */
  compactedUpTo: Slot;
  /** Where the configuration ended; 0 while it lives. */
  stoppedAt: Slot;
  /** Highest slot in which anybody is known to have accepted anything. */
  openUpTo: Slot;

  // Catching up.
  /** The longest decided prefix that anybody told of, and who did. */
  known: { decidedUpTo: Slot; from: NodeId };
  catchUp: CatchUpState | null;

  // Proposals of this replica's host, and what others have offered.
  /** In the order in which they came. */
  pending: Pending[];
  /** Keys of all of them. */
  keys: Set<string>;
  pendingBytes: number;

  // Turns.
  /** Another proposer that was heard in an instance which is not decided yet. */
  atWork: { readonly proposer: NodeId; readonly slot: Slot } | null;
  /** Set while this member lets others go first. */
  turn: Turn | null;
  /** Own turns that ended because others outbid it, less those slots that it got decided since. */
  outbid: number;
  /** The timer for saying ballots again is set; those begun later are too young for it. */
  resending: { readonly upTo: Slot } | null;

  reads: Reads;
  /** A record could not be read; looked at by `start`. */
  unreadable: boolean;
}

/** The three roles of single-decree Paxos, as far as this member plays them in one slot. */
export interface Instance {
  readonly acceptor: AcceptorState;
  readonly learner: LearnerState;
  /** Null until this member proposes here. */
  proposer: ProposerState | null;
}

/** A command on its way into the order. */
export interface Pending {
  readonly id: RequestId;
  readonly key: string;
  /** Encoded. */
  readonly bytes: Uint8Array;
  /** Of this replica's host; otherwise another member has offered it. */
  readonly own: boolean;
  /** Where it is being proposed; 0: nowhere. */
  slot: Slot;
  /** Who was asked to take it along. */
  offeredTo: NodeId | null;
  /** A whole turn of others has passed it by. */
  passedOver: boolean;
}

export interface Turn {
  /** `decidedUpTo` when it began. */
  readonly since: Slot;
  /** Another proposer was heard since. */
  busy: boolean;
}

export interface CatchUpState {
  /** How many members were asked without success. */
  tries: number;
  /** `decidedUpTo` when the latest question was asked; null: none yet. */
  asked: Slot | null;
  /** The host fetches a snapshot. */
  transferring: boolean;
}

export interface Reads {
  /** Number of the latest question. */
  number: number;
  /** Reads that it covers, and reads that came later. */
  covered: readonly number[];
  waiting: readonly number[];
  /** Acceptors that have answered it, and what they told. */
  answered: Map<NodeId, Slot>;
  /** Answered, but not delivered that far. */
  cleared: { readonly upTo: Slot; readonly reads: readonly number[] }[];
}

/** A no-op: executes nothing. */
export const NO_OP: Uint8Array = new Uint8Array(0);

export function createState(settings: ReplicaSettings): BroadcastState {
  const { self, members } = settings;
  return {
    settings,
    tuning: tuningOf(settings.tuning),
    roles: {
      proposers: holders(settings, "proposer"),
      acceptors: holders(settings, "acceptor"),
    },
    others: members.filter((member) => member !== self),
    phase: "recovering",
    incarnation: 0,
    random: createPrng(settings.seed),
    voter: false,
    impaired: false,
    instances: new Map(),
    lost: new Set(),
    decided: new Map(),
    decidedUpTo: 0,
    deliveredUpTo: 0,
    compactedUpTo: 0,
    stoppedAt: 0,
    openUpTo: 0,
    known: { decidedUpTo: 0, from: self },
    catchUp: null,
    pending: [],
    keys: new Set(),
    pendingBytes: 0,
    atWork: null,
    turn: null,
    outbid: 0,
    resending: null,
    reads: { number: 0, covered: [], waiting: [], answered: new Map(), cleared: [] },
    unreadable: false,
  };
}

function holders({ members, roles }: ReplicaSettings, role: string): NodeId[] {
  return members.filter((_, index) => {
    const held = roles[index] ?? [];
    return held.length === 0 || held.includes(role);
  });
}

export function mayPropose({ voter, roles, settings }: BroadcastState): boolean {
  return voter && roles.proposers.includes(settings.self);
}

export function mayAccept({ voter, roles, settings }: BroadcastState): boolean {
  return voter && roles.acceptors.includes(settings.self);
}

/**
 * What is compacted is decided, though this member may hold none of it: when its snapshot was lost,
 * `decidedUpTo` begins below. It has forgotten what it promised, accepted and used there.
 */
export function isDecided(
  { decidedUpTo, compactedUpTo, decided }: BroadcastState,
  slot: Slot,
): boolean {
  return slot <= decidedUpTo || slot <= compactedUpTo || decided.has(slot);
}

/** The instance of a slot that is not decided here, from now on. */
export function instanceAt(state: BroadcastState, slot: Slot): Instance {
  const known = state.instances.get(slot);
  if (known !== undefined) return known;
  const instance = { acceptor: createAcceptor(), learner: createLearner(), proposer: null };
  state.instances.set(slot, instance);
  return instance;
}

/** Slots in ascending order: wherever order shows, it is this one. */
export function ascending(slots: Iterable<Slot>): Slot[] {
  return [...slots].sort((a, b) => a - b);
}
