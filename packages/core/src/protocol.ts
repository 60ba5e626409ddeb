import type { Reader, Writer } from "./codec.ts";
import type { Command } from "./command.ts";
import type { About, Effect, JournalRecord } from "./effect.ts";
import type { NodeId, Position, Slot } from "./ids.ts";
import type { QuorumSystem } from "./quorum.ts";

/**
 * The contract between a protocol and its host. A replica is a deterministic state machine: no
 * clock, network, disk or randomness of its own. Everything it may change hangs off one plain state
 * object (numbers, strings, byte arrays, arrays, Maps; the random generator's state too), so that
 * it can be cloned, hashed, compared and printed. Why it is so: docs/decisions/0001-contract.md.
 */
export interface Protocol<S, M> {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly messages: MessageCodec<M>;
  /** A blank replica. The host then feeds `recover` for every record it holds and one `start`. */
  create(settings: ReplicaSettings): S;
  /**
   * One transition: mutates `state` only, returns what is to be done, in order. `now` is the host's
   * monotonic clock in ms, for round-trip estimates and leases only; time-outs come by name.
   */
  step(state: S, input: Input<M>, now: number): Effect<M>[];
  /** Pure; cheap enough to ask after every step. */
  status(state: S): ProtocolStatus;
  /**
   * Those numbers of the tuning that all members must have in common, in a few words. They are part
   * of every hello, so a member with other ones is refused, and told why. Absent: there are none.
   */
  agreed?(tuning: Readonly<Record<string, number>>): string;
}

export interface Capabilities {
  /**
   * `total`: everything in one order. `conflict`: only what conflicts; hosts fill in footprints.
   */
  readonly order: "total" | "conflict";
  readonly logs: "one" | "many";
  /** Who ends a configuration: the host through a `stop` command, or the protocol on its own. */
  readonly stop: "host" | "own";
  readonly reads: "quorum" | "none";
  /** One member orders for all: a replica that knows of none is not ready to serve. */
  readonly leader: boolean;
  /** Roles that a member can hold in this protocol, in the protocol's own words. */
  readonly roles: readonly string[];
  /**
   * The one of them whose holder, with no other role, executes and serves, and neither votes nor
   * leads.
   */
  readonly learner: string;
}

export interface ReplicaSettings {
  readonly self: NodeId;
  /** All members of the configuration in ascending order, `self` included. */
  readonly members: readonly NodeId[];
  readonly quorums: QuorumSystem;
  /** Seeds the generator in the state; a different one per node and incarnation. 32 bits. */
  readonly seed: number;
  /**
   * Roles of every member, in the order of `members`; an empty or absent list means all of the
   * protocol's. Whoever votes holds the role `acceptor`, in every protocol, and `quorums` is about
   * these.
   */
  readonly roles: readonly (readonly string[])[];
  /**
   * Protocol-specific numbers (time-outs in ms, windows, byte limits); absent ones get defaults.
   */
  readonly tuning: Readonly<Record<string, number>>;
}

/** Whether this member's vote counts. One without a vote is told all, and serves. */
export function isAcceptor({ quorums, self }: ReplicaSettings): boolean {
  return quorums.members.includes(self);
}

export type Input<M> =
  | { readonly kind: "message"; readonly from: NodeId; readonly message: M }
  | { readonly kind: "timeout"; readonly name: string }
  | { readonly kind: "propose"; readonly commands: readonly Command[] }
  /**
   * Each id names a batch of reads of the host; answered by `readable`, whenever that is possible.
   */
  | { readonly kind: "read"; readonly reads: readonly number[] }
  /** End this configuration with this command (kind `stop`), chosen like any other. */
  | { readonly kind: "stop"; readonly command: Command }
  /** A new connection: earlier messages to and from `peer` may be lost. */
  | { readonly kind: "linkUp"; readonly peer: NodeId }
  /** A snapshot through `position` is durable here: answer with a `checkpoint` when it suits. */
  | { readonly kind: "compact"; readonly position: Position }
  /** A transferred state through `position` is durable and in place here. */
  | { readonly kind: "installed"; readonly position: Position; readonly image: Uint8Array }
  /** Durable records, in the order they were appended, any number of times, only before `start`. */
  | { readonly kind: "recover"; readonly records: readonly JournalRecord[] }
  | Start
  /** From now on this replica may vote (promise, accept); before, `start` said that it must not. */
  | { readonly kind: "admit" };

/**
 * Ends recovery. The host has raised `incarnation` durably before; the first effects come from
 * here.
 */
export interface Start {
  readonly kind: "start";
  /** Damaged records by name; `unnamed`: something is gone and nobody can say what. */
  readonly missing: readonly About[] | "unnamed";
  /** What the state here already holds, from a snapshot; the first `deliver` comes after it. */
  readonly delivered: Position;
  /** Of the snapshot that `delivered` stands for; empty without one. */
  readonly image: Uint8Array;
  readonly incarnation: number;
  /** False: learn, serve, forward, but never promise or accept (wiped or foreign disk). */
  readonly voter: boolean;
  /**
   * This node led the configuration before to its end. Nobody leads this one yet, so it may stand
   * at once, while all others wait for their time-outs. A hint; absent: it did not, or nobody did.
   */
  readonly led?: boolean;
}

/** What every protocol tells about itself; protocols may add more numbers in `detail`. */
export interface ProtocolStatus {
  readonly role: string;
  /** Whom this replica takes for the leader; null: nobody, or the protocol has none. */
  readonly leader: NodeId | null;
  readonly ballot: string;
  readonly chosenUpTo: Slot;
  readonly compactedUpTo: Slot;
  readonly voter: boolean;
  readonly detail: Readonly<Record<string, number>>;
}

/** Versioned, fixed-layout encoding of a protocol's messages, written beside their types. */
export interface MessageCodec<M> {
  /** Raised with every change of layout; told in the hello and checked there. */
  readonly version: number;
  encode(writer: Writer, message: M): void;
  /**
   * Null when the bytes are not a whole, valid message; nothing is allocated on the word of a
   * length alone.
   */
  decode(reader: Reader): M | null;
}
