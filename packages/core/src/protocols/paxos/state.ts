import type { NodeId, RequestId } from "../../ids.ts";
import { createPrng, type PrngState } from "../../prng.ts";
import type { ReplicaSettings } from "../../protocol.ts";
import { type AcceptorState, createAcceptor } from "./acceptor.ts";
import { createLearner, type LearnerState } from "./learner.ts";
import { createProposer, type ProposerState } from "./proposer.ts";
import { type PaxosTuning, tuningOf } from "./tuning.ts";

/** The three roles of one member, and what ties them to its host. */
export interface PaxosState {
  readonly settings: ReplicaSettings;
  readonly tuning: PaxosTuning;
  /** Who holds which role, ascending. */
  readonly roles: Roles;
  phase: "recovering" | "running";
  incarnation: number;
  random: PrngState;

  readonly acceptor: AcceptorState;
  /** Its `value` is encoded commands; on a member that may not propose, they are for others. */
  readonly proposer: ProposerState;
  readonly learner: LearnerState;

  /** Whether this replica may use ballots, promise and accept; without, it only learns. */
  voter: boolean;
  /** Something that it once told others may be lost: it never votes again on this disk. Durable. */
  impaired: boolean;
  delivered: boolean;

  /** Requests of this host, all in the proposer's value. */
  requests: RequestId[];
  /** The timer for the next ballot, or the next forward, is set. */
  retrying: boolean;
  /** Questions asked so far in this incarnation, and how many of them in a row were in vain. */
  questions: number;
  fruitless: number;
  /** Reads that the inquiry under way covers, and reads that came later. */
  reads: { covered: readonly number[]; waiting: readonly number[] };
  /** Records since the journal was last written anew. */
  journalLength: number;
  /** A record could not be read; looked at by `start`. */
  unreadable: boolean;
}

/** Members by role. One may hold several; in most configurations all hold all. */
export interface Roles {
  readonly proposers: readonly NodeId[];
  readonly acceptors: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export function createState(settings: ReplicaSettings): PaxosState {
  return {
    settings,
    tuning: tuningOf(settings.tuning),
    roles: {
      proposers: holders(settings, "proposer"),
      acceptors: holders(settings, "acceptor"),
      learners: holders(settings, "learner"),
    },
    phase: "recovering",
    incarnation: 0,
    random: createPrng(settings.seed),
    acceptor: createAcceptor(),
    proposer: createProposer(settings.self),
    learner: createLearner(),
    voter: false,
    impaired: false,
    delivered: false,
    requests: [],
    retrying: false,
    questions: 0,
    fruitless: 0,
    reads: { covered: [], waiting: [] },
    journalLength: 0,
    unreadable: false,
  };
}

function holders({ members, roles }: ReplicaSettings, role: string): NodeId[] {
  return members.filter((_, index) => {
    const held = roles[index] ?? [];
    return held.length === 0 || held.includes(role);
  });
}

export function mayPropose({ voter, roles, settings }: PaxosState): boolean {
  return voter && roles.proposers.includes(settings.self);
}

export function mayAccept({ voter, roles, settings }: PaxosState): boolean {
  return voter && roles.acceptors.includes(settings.self);
}
