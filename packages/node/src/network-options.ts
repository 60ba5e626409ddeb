import type { NodeId, Random } from "@synod/core";
import type { Address } from "./address.ts";

export interface NetworkOptions {
  readonly self: NodeId;
  /** Where this node listens for its peers. */
  readonly listen: Address;
  /** Where the others are reached; without `self`. */
  readonly peers: ReadonlyMap<NodeId, Address>;
  /**
   * Frames are neither encrypted nor authenticated: without this, only loopback addresses are
   * listened on.
   */
  readonly insecure?: boolean;
  readonly random: Random;
  readonly tuning?: Partial<NetworkTuning>;
}

export interface NetworkTuning {
  /** From dialing to an accepted greeting, and from a connection to its greeting. */
  readonly greetingMs: number;
  /** How often every connection is pinged and looked at. */
  readonly pingMs: number;
  /** A connection on which nothing was heard for this long is dropped. */
  readonly silenceMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A connection that lived this long makes the next attempt quick again. */
  readonly livedMs: number;
  /** Bytes that may wait per peer and lane; beyond, frames are dropped. */
  readonly urgentBytesMax: number;
  readonly bulkBytesMax: number;
  /** Connections that have not greeted yet. */
  readonly strangersMax: number;
}

export const NETWORK_TUNING: NetworkTuning = Object.freeze({
  greetingMs: 3_000,
  pingMs: 500,
  silenceMs: 4_000,
  backoffMinMs: 50,
  backoffMaxMs: 2_000,
  livedMs: 2_000,
  urgentBytesMax: 16 * 1_048_576,
  bulkBytesMax: 32 * 1_048_576,
  strangersMax: 64,
});

/** For the metrics; all of them only rise. */
export interface NetworkCounters {
  /** Frames dropped because their peer was away or its queue full. */
  framesDropped: number;
  /** Connections dropped for damage, silence or a broken wire. */
  linksLost: number;
  /** Greetings refused, by this node or by a peer. */
  linksRefused: number;
}
