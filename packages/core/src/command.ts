import type { NodeId } from "./ids.ts";

/**
 * - `apply`: a client's operation, for the state machine.
 * - `barrier`: executes nothing; conflicts with everything, so at its position all replicas hold
 *   the
 *   same state. Hosts ask for one to take a snapshot.
 * - `configure`: a barrier that carries something for the protocol itself, like who leads from some
 *   slot on; its payload is in the protocol's own words.
 * - `stop`: the last command of a configuration; its payload is the next one. Nothing follows it.
 */
export type CommandKind = "apply" | "barrier" | "stop" | "configure";

/** What a command touches. Filled in by the host only for protocols that order by conflict. */
export interface Footprint {
  readonly reads: readonly string[];
  /** The host adds the client's session, so that one client's commands always conflict. */
  readonly writes: readonly string[];
}

/** One client operation on its way through consensus. */
export interface Command {
  readonly kind: CommandKind;
  /** The session, at most {@link CLIENT_BYTES_MAX} bytes of UTF-8. */
  readonly client: string;
  /** From 1; with `client` it names the request: executed at most once, however often proposed. */
  readonly sequence: number;
  /** The client holds the answers to all sequences below; their results may be forgotten. */
  readonly acknowledged: number;
  /** The node that took it from the client, and that answers. */
  readonly origin: NodeId;
  /** Opaque to everything but the state machine. */
  readonly payload: Uint8Array;
  readonly footprint: Footprint;
}

/** Longest client name in bytes of UTF-8. */
export const CLIENT_BYTES_MAX = 128;

/** Touches nothing by itself; what total-order protocols carry. */
export const EMPTY_FOOTPRINT: Footprint = Object.freeze({
  reads: Object.freeze([]),
  writes: Object.freeze([]),
});

/**
 * Whether two footprints must be executed in the same order everywhere: one writes what the other
 * touches.
 */
export function conflicts(a: Footprint, b: Footprint): boolean {
  const touched = new Set([...b.reads, ...b.writes]);
  if (a.writes.some((key) => touched.has(key))) return true;
  const written = new Set(b.writes);
  return a.reads.some((key) => written.has(key));
}

/** {@link conflicts} for whole commands: barriers and stops conflict with everything. */
export function commandsConflict(a: Command, b: Command): boolean {
  return a.kind !== "apply" || b.kind !== "apply" || conflicts(a.footprint, b.footprint);
}
