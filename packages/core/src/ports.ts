import type { NodeId } from "./ids.ts";

/**
 * The four doors of a host. All complete by callback, never before the call has returned, each
 * exactly once unless the host has crashed. The simulator implements these and nothing else.
 */
export interface Ports {
  readonly clock: Clock;
  readonly network: Network;
  readonly disk: Disk;
  readonly random: Random;
}

export interface Clock {
  /** Monotonic, ms, with fractions. */
  now(): number;
  /** Runs `callback` once after `ms`; returns a handle. */
  setTimer(ms: number, callback: () => void): number;
  clearTimer(handle: number): void;
  /** Runs `callback` soon, after what the outside has delivered so far: where batches gather. */
  defer(callback: () => void): void;
}

export interface Random {
  /** Uniform, 32 bits, unsigned. */
  next(): number;
}

/** `urgent`: consensus and heartbeats; `bulk`: snapshots and catch-up; bulk never delays urgent. */
export type Lane = "urgent" | "bulk";

/** Who is at the other end, as the first frame of every connection says. */
export interface Hello {
  /** 32 hex digits. */
  readonly cluster: string;
  readonly node: NodeId;
  /** 32 hex digits: the random identity of the data directory, made by `format`. */
  readonly dataId: string;
  /** How often that directory has been started. */
  readonly incarnation: number;
  /** Random per start: tells two starts with the same incarnation (a copied disk) apart. */
  readonly boot: number;
  /** Formatted by an operator (true), or blank: a member that lost its disk and must not vote. */
  readonly formatted: boolean;
  readonly protocol: string;
  /** Version of the runtime's frames and of the protocol's messages. */
  readonly version: number;
  /** Earlier starts of that directory, ascending: what proves that this one comes after them. */
  readonly starts: readonly PastStart[];
  /** Data ids and incarnations of others that this node durably remembers. */
  readonly remembers: readonly Remembered[];
}

/** One start of a data directory. */
export interface PastStart {
  /** Its incarnation, the last one if that rose while it ran. */
  readonly incarnation: number;
  readonly boot: number;
}

export interface Remembered {
  readonly node: NodeId;
  readonly dataId: string;
  readonly incarnation: number;
  readonly boot: number;
}

/** Where a peer is reached; the address is what the configuration says. */
export interface PeerAddress {
  readonly node: NodeId;
  readonly address: string;
}

export interface Network {
  /**
   * Starts to listen and to connect to all peers, with back-off, for ever. `done(error)` once
   * listening.
   */
  open(hello: Hello, listener: NetworkListener, done: (error: PortError | null) => void): void;
  /** Replaces the hello that later connections start with (new things remembered). */
  announce(hello: Hello): void;
  /**
   * From now on these are the peers, instead of those that the network was made with: connects to
   * new ones and under new addresses, and lets go of those that are not named any more. Nodes that
   * are no peers may connect all the same. Called after `open`, and only in a cluster that was ever
   * reconfigured.
   */
  reach(peers: readonly PeerAddress[]): void;
  /**
   * Best effort, unordered, at most once; one encoding for all of `to`. The bytes belong to the
   * network from here on. Dropped without a word when the peer is away or its bounded queue is
   * full.
   */
  send(to: readonly NodeId[], lane: Lane, frame: Uint8Array): void;
  close(done: () => void): void;
}

export interface NetworkListener {
  /**
   * A connection from `hello.node` is ready, both hellos exchanged. Answer with null to accept, or
   * a reason to refuse, which the other side is told through `refused`.
   */
  linkUp(hello: Hello): string | null;
  linkDown(peer: NodeId): void;
  /** `peer` closed the door on us, and why. */
  refused(peer: NodeId, reason: string): void;
  /**
   * One whole frame from a connection that `linkUp` accepted. The bytes are only lent until return.
   * False: the frame is damaged, so what follows on this connection cannot be trusted either; drop
   * it.
   */
  frame(from: NodeId, bytes: Uint8Array): boolean;
}

export type PortErrorCode =
  | "not-found"
  | "exists"
  | "locked"
  | "no-space"
  | "io"
  | "in-use"
  | "denied"
  | "closed";

export interface PortError {
  readonly code: PortErrorCode;
  readonly message: string;
}

export type Done = (error: PortError | null) => void;

/**
 * One flat directory of files. Nothing is durable before `sync` of the file (its bytes and size)
 * and, for its name, `syncDirectory`. Written bytes are readable at once. Operations on one file
 * complete in order.
 */
export interface Disk {
  /** Takes the exclusive lock of the directory; `locked` when another process holds it. */
  lock(done: Done): void;
  unlock(done: Done): void;
  list(done: (error: PortError | null, names: readonly string[]) => void): void;
  /** Creates an empty file; `exists` if there is one. */
  create(name: string, done: Done): void;
  size(name: string, done: (error: PortError | null, bytes: number) => void): void;
  /** Up to `length` bytes from `offset`, fewer only at the end of the file. */
  read(
    name: string,
    offset: number,
    length: number,
    done: (error: PortError | null, bytes: Uint8Array) => void,
  ): void;
  /**
   * Writes all of `bytes` at `offset`, extending the file when needed. The bytes are only lent: the
   * port has taken them when it calls back, not before.
   */
  write(name: string, offset: number, bytes: Uint8Array, done: Done): void;
  /** fdatasync. After an error nothing about the file's unsynced bytes is known; never retry. */
  sync(name: string, done: Done): void;
  rename(from: string, to: string, done: Done): void;
  remove(name: string, done: Done): void;
  syncDirectory(done: Done): void;
}
