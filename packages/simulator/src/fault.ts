import type { NodeId } from "@synod/core";
import { type DiskTrouble, describeDiskTrouble } from "./fault-disk.ts";
import { describeNetworkFault, type NetworkFault, type Target } from "./fault-network.ts";

export type { DiskTrouble } from "./fault-disk.ts";
export type { Edge, NetworkFault, Target } from "./fault-network.ts";

/**
 * One thing that goes wrong, as plain data: a life's faults are a list that can be printed, written
 * to a file, replayed and shortened. Times are virtual ms since the beginning.
 */
export type Fault = ProcessFault | NetworkFault | DiskTrouble;

export type ProcessFault = Crash | PowerLoss | Pause | Stall | Jump | Usurp | Muffle | Reconfigure;

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

/** The process stands still (stopped, or collecting garbage), the world goes on. */
export interface Pause {
  readonly kind: "pause";
  readonly atMs: number;
  readonly target: Target;
  readonly forMs: number;
}

/** The machine stands still, and its monotonic clock with it, as of a suspended virtual machine. */
export interface Stall {
  readonly kind: "stall";
  readonly atMs: number;
  readonly target: Target;
  readonly forMs: number;
}

/** The clock of the node leaps ahead. */
export interface Jump {
  readonly kind: "jump";
  readonly atMs: number;
  readonly target: Target;
  readonly byMs: number;
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

/** No fault at all: an operator asks for other members, in the middle of whatever goes on. */
export interface Reconfigure {
  readonly kind: "reconfigure";
  readonly atMs: number;
  /** Picks what changes, who is asked and who comes and goes. */
  readonly draw: number;
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
    case "pause":
      return `pause ${fault.target} for ${fault.forMs} ms`;
    case "stall":
      return `suspend ${fault.target} with its clock for ${fault.forMs} ms`;
    case "jump":
      return `clock of ${fault.target} leaps ahead by ${fault.byMs} ms`;
    case "usurp":
      return `let another usurp the leader's place, cut for ${fault.forMs} ms`;
    case "muffle":
      return `muffle the leader until another stands for election`;
    case "reconfigure":
      return `have an operator ask for other members, draw ${fault.draw}`;
    case "cut":
    case "flap":
    case "wave":
    case "clog":
    case "graph":
      return describeNetworkFault(fault);
    default:
      return describeDiskTrouble(fault);
  }
}
