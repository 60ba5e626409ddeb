import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";
import type { Fault } from "./fault.ts";

/**
 * The fault atlas keeps the sum of all faults survivable, so that every failure of a life is ours.
 * What it counts is the only thing that no protocol can do without: disks that still hold what was
 * made durable on them. Fewer than half of the nodes may ever lose any of it (by a wipe, an old
 * copy, rot, a misdirected write, a lost file or a sync that lies); the others may crash, stand
 * still, fill up, fail their syncs and be cut off as they like, all at once, as that ends. A node
 * whose memory has gone never votes again, so the rest must be a quorum.
 */
export function drawVictims(draws: Draws, nodes: readonly NodeId[]): NodeId[] {
  const most = victimsMax(nodes.length);
  if (most === 0 || !draws.chance(0.65)) return [];
  return draws.some(nodes, draws.chance(0.7) ? 1 : most);
}

/** Nodes of so many that may lose what was durable. */
export function victimsMax(count: number): number {
  return Math.floor((count - 1) / 2);
}

/** Nodes whose disks these faults damage. */
export function victimsOf(faults: readonly Fault[]): ReadonlySet<NodeId> {
  const victims = new Set<NodeId>();
  for (const fault of faults) {
    switch (fault.kind) {
      case "wipe":
      case "stale":
      case "rot":
      case "misdirect":
      case "lost-file":
      case "lie":
        victims.add(fault.target);
    }
  }
  return victims;
}
