import type { Machine, NodeId, Ports, Position, Protocol, ProtocolStatus } from "@synod/core";
import type { Checksum } from "./checksum.ts";
import type { Configuration, Member, Tenure } from "./configuration.ts";
import type { Outcome } from "./outcome.ts";
import type { ReplicaStorage } from "./storage/replica-storage.ts";

/** What a host is made of. `S` and `M` are the protocol's state and messages. */
export interface HostOptions<S, M> {
  readonly ports: Ports;
  /** Where journals and snapshots are kept; default: in files on the disk. */
  readonly storage?: ReplicaStorage;
  readonly protocol: Protocol<S, M>;
  /** Null: a member without state, an acceptor for instance; it serves nothing. */
  readonly machine: Machine | null;
  /**
   * The first configuration, as operators write it. A data directory that remembers a later one
   * goes on in that. Without `self` among the members, these are whom a newcomer asks: it waits
   * until a configuration with its data id is chosen.
   */
  readonly configuration: Configuration;
  readonly self: NodeId;
  readonly listener: HostListener;
  /**
   * A state that is missing here is fetched from these only, so that other members are spared;
   * default: from all who have it, at the same time. When none of these has it, nobody is asked.
   */
  readonly fetchFrom?: readonly NodeId[];
  readonly tuning?: Partial<HostTuning>;
  /** Protocol-specific numbers, see the protocol's card. */
  readonly protocolTuning?: Readonly<Record<string, number>>;
  /** zlib's `crc32` where there is one; else core's. */
  readonly checksum?: Checksum;
}

/** What the host tells. Called from its own turns, never from within a call to the host. */
export interface HostListener {
  /** Exactly once for every `propose` and `read` that was given `token`. */
  answered(token: number, outcome: Outcome): void;
  /** The host has stopped for good; null after `stop()`, else why it had to. */
  stopped(reason: string | null): void;
  /** From now on this configuration is in force here; also told at a start in a later one. */
  configured?(tenure: Tenure): void;
  /** For metrics, logs and probes. */
  observe?(event: string, detail: Readonly<Record<string, number | string | boolean>>): void;
  /** Every command that the state machine executed, in order: for oracles. */
  executed?(position: Position, client: string, sequence: number, repeated: boolean): void;
}

export interface HostTuning {
  /** A barrier for a snapshot is proposed when the journal has grown by this. */
  readonly journalBytesMax: number;
  readonly segmentBytes: number;
  /** Size of the chunks of a snapshot. */
  readonly chunkBytes: number;
  /** Requests outstanding on this node, above which it answers `overload`. */
  readonly outstandingMax: number;
  /** Payload bytes outstanding on this node, above which it answers `overload`. */
  readonly outstandingBytesMax: number;
  /**
   * An unanswered request is proposed again after this long, or after twice the time that answers
   * take here, then with doubled pauses.
   */
  readonly resubmitMs: number;
  /** Sessions kept; beyond, the longest unused ones expire. */
  readonly sessionsMax: number;
  /** Results kept per session above its lowest unacknowledged sequence. */
  readonly sessionResultsMax: number;
  /** Clients of expired sessions remembered, so that they get a definite answer. */
  readonly expiredMax: number;
}

/** What `synod status` and the HTTP API show; plain data. */
export interface HostStatus {
  readonly node: NodeId;
  readonly cluster: string;
  readonly configuration: number;
  readonly membership: MembershipStatus;
  readonly protocol: string;
  readonly replica: ProtocolStatus;
  readonly dataId: string;
  readonly incarnation: number;
  readonly voter: boolean;
  /** Why it does not vote; empty when it does. */
  readonly nonVoterReason: string;
  /** It has caught up with what was chosen when it started, and can answer. */
  readonly ready: boolean;
  readonly notReadyReason: string;
  readonly executedUpTo: Position;
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  readonly snapshotPosition: Position;
  readonly sessions: number;
  readonly outstanding: number;
  readonly diskFull: boolean;
  readonly peers: readonly PeerStatus[];
}

/** What this node is to the configuration that is in force here. */
export interface MembershipStatus {
  /**
   * `joining`: named by a configuration whose state it does not hold yet, so it does not vote;
   * `waiting`: of no configuration so far; `retiring`: not of this one, and still needed by those
   * who are, for the state; `retired`: can be switched off.
   */
  readonly state: "member" | "joining" | "waiting" | "retiring" | "retired";
  readonly members: readonly Member[];
  readonly quorums: Configuration["quorums"];
  /** Where this configuration began; 0 for the first. */
  readonly began: Position;
  /** This one is stopped, and the next one is about to begin here. */
  readonly stopping: boolean;
  /** Members of this one that durably hold the state through its beginning, as far as known. */
  readonly holders: readonly NodeId[];
  /** Enough of them do: what the members of the one before hold is not needed any more. */
  readonly settled: boolean;
  /** What a change that was asked of this node waits for, in words; empty when none waits. */
  readonly waitsFor: string;
  /** Nodes that knocked and are no members: what `reconfigure` needs to know of them. */
  readonly applicants: readonly Applicant[];
}

/** A node of this cluster that is no member, or under another data id than its member has. */
export interface Applicant {
  readonly node: NodeId;
  readonly dataId: string;
}

export interface PeerStatus {
  readonly node: NodeId;
  readonly connected: boolean;
  readonly dataId: string;
  readonly incarnation: number;
  /** Why its votes are not taken; empty when they are. */
  readonly refused: string;
}

export interface ProposeRequest {
  /** Chosen by the caller, comes back in `answered`. Never reused while outstanding. */
  readonly token: number;
  readonly payload: Uint8Array;
  /** Null: the node's own session. */
  readonly session: SessionRequest | null;
  /** `configure`: for the protocol, not for the state machine. Default `apply`. */
  readonly kind?: "apply" | "configure";
  /** Ms from now. */
  readonly deadlineMs: number;
}

export interface SessionRequest {
  readonly client: string;
  readonly sequence: number;
  /** The client holds the answers to all below. */
  readonly acknowledged: number;
}

/** Replaces the configuration in force by another one, for good, at a chosen position. */
export interface ReconfigureRequest {
  /** Chosen by the caller, comes back in `answered`. Never reused while outstanding. */
  readonly token: number;
  /**
   * Number of the configuration that the caller has seen: another one in force by then means
   * `configuration-changed`, and nothing was done.
   */
  readonly replaces: number;
  /**
   * All members of the next configuration, in any order. A data id that is absent or empty is
   * filled in with what this node knows: of a member that stays its own, of a newcomer the one
   * that it knocked with. A member that is to be replaced under its id must be given the new one.
   */
  readonly members: readonly Member[];
  readonly quorums: Configuration["quorums"];
  /** Ms from now. */
  readonly deadlineMs: number;
}

export interface ReadRequest {
  readonly token: number;
  readonly query: Uint8Array;
  readonly consistency: "linearizable" | "stale";
  readonly deadlineMs: number;
}

/** The running host of one replica. */
export interface Host {
  /**
   * Locks, reads identity, snapshot and journal, joins. `done(problem)` once; then requests are
   * taken.
   */
  start(done: (problem: HostProblem | null) => void): void;
  propose(request: ProposeRequest): void;
  read(request: ReadRequest): void;
  /**
   * Has the next configuration chosen as the last command of this one. Done: at `position` this
   * one ended; the members hand over by themselves from there. Several may ask at once, of any
   * member: one of them is done, the others fail with `configuration-changed`.
   */
  reconfigure(request: ReconfigureRequest): void;
  status(): HostStatus;
  /**
   * Answers what is outstanding (`stopped`), syncs, closes all ports. Then
   * `listener.stopped(null)`.
   */
  stop(): void;
}

export interface HostProblem {
  readonly code: "locked" | "foreign" | "damaged" | "in-use" | "disk";
  readonly message: string;
}
