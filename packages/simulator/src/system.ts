import type { Machine, NodeId, Protocol, ProtocolStatus } from "@synod/core";
import type { Checksum } from "@synod/runtime";
import type { Life } from "./life.ts";
import type { ProbeKind } from "./probes.ts";
import type { ProtocolWatch, WatchTools } from "./protocol-watch.ts";

/**
 * What is simulated: a protocol, a machine and how clients speak with it. The simulator itself
 * knows neither; whoever calls it (the command, a test) brings them.
 */
export interface SimulatedSystem<S, M> {
  readonly protocol: Protocol<S, M>;
  readonly operations: OperationCodec;
  /** A faster way to the same checksum than core's own, where there is one. */
  readonly checksum?: Checksum;
  createMachine(): Machine;
  /** Protocol numbers of a node that suit this life's delays. */
  protocolTuning(life: Life, node: NodeId): Readonly<Record<string, number>>;
  /**
   * Time-out after which a follower starts an election at the latest, ms: liveness is measured in
   * it.
   */
  electionTimeoutMs(life: Life): number;
  /**
   * Names of the events that the protocol observes when a replica stands for election, and when it
   * wins.
   */
  readonly electionEvents: { readonly begun: string; readonly won: string } | null;
  /**
   * Of a protocol with a leader, whose nodes each wait before they stand for election: whether a
   * core at rest keeps its leader, whatever nodes outside do that hear nothing. Absent: it has
   * none.
   */
  readonly leaders?: {
    readonly keptAtRest: boolean;
    /**
     * Why a core with these members is not at rest: another one should lead; null: it should not.
     */
    readonly dueIn?: (life: Life, members: readonly MemberStatus[]) => string | null;
  };
  /** Operations that a life should have completed; with fewer it would be an empty one. */
  readonly operationsMin: number;
  /** A life drawn for a cluster that works for minutes, as this system needs it. */
  adapt(life: Life): Life;
  /** Whether this message is a vote that a node without voting rights must never send. */
  isVote(message: M): boolean;
  /** One message in words; null: not worth telling. */
  describe(message: M): string | null;
  /** Looks into the replicas of one life on behalf of the oracles. */
  createWatch(tools: WatchTools): ProtocolWatch<S, M>;
  /** Situations of this protocol that lives should reach. */
  readonly probes: readonly ProbeKind[];
  /** Common situations that its lives come to too seldom to insist, or never; absent: none. */
  readonly notExpected?: readonly string[];
}

/** What a member that runs says of its replica. */
export interface MemberStatus {
  readonly node: NodeId;
  readonly status: ProtocolStatus;
}

/** What a key-value machine understands, seen by a client and by the oracles. */
export interface OperationCodec {
  put(key: string, value: string): Uint8Array;
  remove(key: string): Uint8Array;
  /** A query. */
  get(key: string): Uint8Array;
  /** What executing a payload does: the key and what it holds then, null for nothing. */
  effect(payload: Uint8Array): { readonly key: string; readonly value: string | null } | null;
  /** The value in the answer to a `get`; null: there is none. Undefined: this is no such answer. */
  answer(result: Uint8Array): string | null | undefined;
}
