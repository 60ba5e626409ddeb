import type { Ballot } from "./ballot.ts";
import type { Command } from "./command.ts";
import type { NodeId, Position, RequestId } from "./ids.ts";

/**
 * What a journal record speaks of, stored apart from the record itself, so that a damaged record
 * can still be named. `meta`: a promise or a ballot; `slots`: instances `first..last` of `log`;
 * `instance`: instance `first..last` of the row of node `log`; `object`: per-object logs. Abouts
 * may be merged: neighbours of one kind and log that both have a ballot, or both have none, become
 * one with the highest of their ballots.
 */
export interface About {
  readonly kind: "meta" | "slots" | "instance" | "object";
  readonly log: number;
  readonly first: number;
  readonly last: number;
  /**
   * The highest ballot that the record promised or accepted in, for protocols that want to know it
   * when the record itself is damaged. Absent when it did neither, or when that is not all it said.
   */
  readonly ballot?: Ballot;
}

export const ABOUT_META: About = Object.freeze({ kind: "meta", log: 0, first: 0, last: 0 });

export interface JournalRecord {
  readonly record: Uint8Array;
  readonly about: About;
}

/** Append durably. One record is atomic; the records of a step together are not. */
export interface Persist extends JournalRecord {
  readonly kind: "persist";
}

/** Append in order, but nothing waits for it and a crash may lose it (with all notes after it). */
export interface Note extends JournalRecord {
  readonly kind: "note";
}

/**
 * Leaves only when every `persist` before it, in this or an earlier step, is durable. To oneself it
 * is how a protocol learns that something of its own is durable: it comes back as a message, once
 * in this incarnation, in order, without codec or faults.
 */
export interface Send<M> {
  readonly kind: "send";
  readonly to: readonly NodeId[];
  readonly message: M;
}

/**
 * Leaves at once: the protocol stays true to it even if it then loses everything not yet durable.
 */
export interface SendNow<M> {
  readonly kind: "sendNow";
  /** Never oneself. */
  readonly to: readonly NodeId[];
  readonly message: M;
}

/**
 * Chosen by durable votes, and next in order; waits for no disk. One per instance: positions rise,
 * and jump where there is nothing to execute. The host executes all commands (none after a `stop`)
 * and acts on a barrier or stop among them then. `image`: what a replica that installs a snapshot
 * taken exactly here must be told, the same bytes on every replica; only read where there is a
 * barrier or a stop.
 */
export interface Deliver {
  readonly kind: "deliver";
  readonly position: Position;
  readonly commands: readonly Command[];
  readonly image: Uint8Array;
}

/**
 * I no longer pursue these (`all`: nothing that was proposed to me so far). `never`: they will not
 * be executed through this proposal; `unknown`: they may be; `closed`: the protocol has decided all
 * that it ever will, so these will not be executed through any proposal, unless they have been
 * already. Executing a request ends it without a release.
 */
export interface Release {
  readonly kind: "release";
  readonly requests: readonly RequestId[] | "all";
  readonly outcome: "never" | "unknown" | "closed";
}

/**
 * Serve these reads once executed to `position`. With `validUntil` (the host's monotonic clock,
 * ms): evaluate, then check the clock, then answer; when it is too late, ask again.
 */
export interface Readable {
  readonly kind: "readable";
  readonly reads: readonly number[];
  readonly position: Position;
  readonly validUntil?: number;
}

/**
 * Too far behind for messages: the host transfers a snapshot of at least `position` from one of
 * these.
 */
export interface RequestState {
  readonly kind: "requestState";
  readonly position: Position;
  readonly from: readonly NodeId[];
}

/**
 * These replace all records so far (new segment, sync, remove the old). Durable like a `persist`.
 */
export interface Checkpoint {
  readonly kind: "checkpoint";
  readonly records: readonly JournalRecord[];
}

/** Set, move or clear (`ms: null`) a named timer. Fires once as `timeout(name)`. */
export interface Timer {
  readonly kind: "timer";
  readonly name: string;
  readonly ms: number | null;
}

/** For metrics, probes and traces; nothing ever acts on it. */
export interface Observe {
  readonly kind: "observe";
  readonly event: string;
  readonly detail: Readonly<Record<string, number | string | boolean>>;
}

/** What a protocol wants done, in order. Handed over only after the step has returned. */
export type Effect<M> =
  | Persist
  | Note
  | Send<M>
  | SendNow<M>
  | Deliver
  | Release
  | Readable
  | RequestState
  | Checkpoint
  | Timer
  | Observe;

/** The closed list, for tables and tests. */
export const EFFECT_KINDS = [
  "persist",
  "note",
  "send",
  "sendNow",
  "deliver",
  "release",
  "readable",
  "requestState",
  "checkpoint",
  "timer",
  "observe",
] as const satisfies readonly Effect<unknown>["kind"][];
