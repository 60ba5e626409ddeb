import type { NodeId } from "@synod/core";

/**
 * A node by id, or whoever leads when the fault happens (the lowest node that says so; else node
 * 0).
 */
export type Target = NodeId | "leader";

/**
 * One thing that goes wrong, as plain data: a life's faults are a list that can be printed, written
 * to a file, replayed and shortened. Times are virtual ms since the beginning.
 */
export type Fault = Crash | PowerLoss | Wipe | Pause | Cut | Flap | Usurp | Muffle;

/**
 * The node dies instead of making its `calls`-th port call after `atMs` (or a second later, if it
 * makes fewer): between any two effects. What was not synced is lost as the disk draws it.
 */
export interface Crash {
  readonly kind: "crash";
  readonly atMs: number;
  readonly target: Target;
  readonly calls: number;
  readonly downMs: number;
  /** Its kernel still closes its connections (a killed process) or not (a dead machine). */
  readonly fin: boolean;
}

/** All these nodes lose power at the same instant. */
export interface PowerLoss {
  readonly kind: "power-loss";
  readonly atMs: number;
  readonly nodes: readonly NodeId[];
  readonly downMs: number;
}

/** The node dies and comes back with an empty disk. */
export interface Wipe {
  readonly kind: "wipe";
  readonly atMs: number;
  readonly target: Target;
  readonly downMs: number;
}

/** The process stands still (stopped, or collecting garbage), the world goes on. */
export interface Pause {
  readonly kind: "pause";
  readonly atMs: number;
  readonly target: Target;
  readonly forMs: number;
}

/** Nothing passes between `side` and the others; one way only, if so drawn. */
export interface Cut {
  readonly kind: "cut";
  readonly atMs: number;
  readonly side: readonly Target[];
  readonly direction: "both" | "out" | "in";
  readonly forMs: number;
}

/** All connections of the node break and are made anew. */
export interface Flap {
  readonly kind: "flap";
  readonly atMs: number;
  readonly target: Target;
}

/**
 * The leader stands still until another node is elected. At that instant all of a quorum around the
 * old leader, but not the new one, lose power and come back, cut off from the rest; then the old
 * leader wakes. What those had promised is all that keeps it from leading on.
 */
export interface Usurp {
  readonly kind: "usurp";
  readonly atMs: number;
  /** Picks who is around the old leader. */
  readonly draw: number;
  /** From the election to the awakening. */
  readonly wakeMs: number;
  /** From the election to the end of the cut. */
  readonly forMs: number;
}

/**
 * Nobody hears the leader any more, until another node stands for election: then all can hear it
 * again, and the election is decided by a quorum of the two and as few others as it takes; the rest
 * stand still.
 */
export interface Muffle {
  readonly kind: "muffle";
  readonly atMs: number;
  readonly draw: number;
  /** How long the rest stand still. */
  readonly forMs: number;
}

export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "crash":
      return (
        `crash ${fault.target} at call ${fault.calls}, down ${fault.downMs} ms` +
        (fault.fin ? "" : ", silently")
      );
    case "power-loss":
      return `power loss on ${fault.nodes.join(",")}, down ${fault.downMs} ms`;
    case "wipe":
      return `wipe ${fault.target}, down ${fault.downMs} ms`;
    case "pause":
      return `pause ${fault.target} for ${fault.forMs} ms`;
    case "cut":
      return `cut ${fault.side.join(",")} (${fault.direction}) for ${fault.forMs} ms`;
    case "usurp":
      return `let another usurp the leader's place, cut for ${fault.forMs} ms`;
    case "muffle":
      return `muffle the leader until another stands for election`;
    case "flap":
      return `flap ${fault.target}`;
  }
}
