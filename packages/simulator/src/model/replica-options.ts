import type { Command, JournalRecord, NodeId, Protocol, ReplicaSettings, Slot } from "@synod/core";

/** A small configuration of real replicas, and how much may happen to it. */
export interface ReplicaModelOptions<S, M, H> {
  readonly protocol: Protocol<S, M>;
  /** Node ids count from 0. */
  readonly size: number;
  settings(self: NodeId): ReplicaSettings;
  /** Properties of a state that never change, or decide about time alone. */
  readonly irrelevant: readonly string[];
  decode(bytes: Uint8Array): M | null;
  describe(message: M): string;
  /** Messages that never arrive, by this: what only helps progress. */
  isLost(message: M): boolean;
  /**
   * Whether a message that changes nothing when it arrives now never will, so that it may as well
   * be gone: answers to a candidate that is one no more. After a crash too, if `mayCrash`.
   */
  isStale(state: S, message: M, mayCrash: boolean): boolean;
  /** How often a timer of each node may fire, by the timer's name; others never do. */
  readonly timeouts: Readonly<Record<string, readonly number[]>>;
  /** How often any node may lose its memory and what it had not synced, and start again. */
  readonly crashes: number;
  /**
   * How often any node may lose its disk, too: it starts again without a vote, and what it had told
   * others stays told.
   */
  readonly wipes: number;
  /** How often a message may arrive a second time. */
  readonly duplicates: number;
  /** How often a message may be lost before the eyes of the model; it may stay away in any case. */
  readonly losses: number;
  /** What a node has been asked for before it knew of a leader. */
  readonly requests: Readonly<Record<NodeId, readonly Command[]>>;
  /** What it is asked for whenever it has started again; absent: nothing. */
  readonly requestsAfterCrash?: Readonly<Record<NodeId, readonly Command[]>>;
  readonly invariants: ModelInvariants<S, M, H>;
}

/**
 * What must hold, as the protocol's own folder says it. Each function returns what is wrong, in
 * words, or null.
 */
export interface ModelInvariants<S, M, H> {
  history(): H;
  /** A record has become durable. */
  onDurable(history: H, node: NodeId, record: JournalRecord): string | null;
  /** A message leaves for others. */
  onSent(history: H, node: NodeId, message: M): string | null;
  /** A replica in a configuration with this history. */
  afterStep(history: H, state: S): string | null;
  /** Commands that the history says are chosen in a slot, as `client#sequence`; null when none. */
  chosenIn(history: H, slot: Slot): string | null;
}
