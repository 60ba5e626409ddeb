/**
 * Names one member of a cluster for ever: a whole number from 0; never given to another machine.
 */
export type NodeId = number;

/** Index of an instance in a log, from 1; 0 means "none". At most 2^53 - 1. */
export type Slot = number;

/** A place in the order of execution. All protocols but the per-object ones use log 0. */
export interface Position {
  readonly log: number;
  /** Inclusive: a replica "at" index 7 has executed what index 7 holds. */
  readonly index: Slot;
}

/** Names a request for ever: whoever asks, and the number that this client gave it. */
export interface RequestId {
  readonly client: string;
  readonly sequence: number;
}
