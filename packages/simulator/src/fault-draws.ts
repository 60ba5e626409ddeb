import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";
import type { Target } from "./fault-network.ts";

/** Faults before this are none: the cluster first comes up, ms. */
export const FIRST_FAULT_MS = 1_500;

export function drawTarget(draws: Draws, nodes: readonly NodeId[]): Target {
  return draws.chance(0.4) ? "leader" : draws.pick(nodes);
}

export function drawDownMs(draws: Draws): number {
  return draws.pick([10, 200, 800, 2_000, 6_000]) + draws.between(0, 200);
}
