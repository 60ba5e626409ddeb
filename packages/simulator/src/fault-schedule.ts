import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";
import type { Fault, Target } from "./fault.ts";

/** Faults before this are none: the cluster first comes up, ms. */
const FIRST_FAULT_MS = 1_500;

/** Fewest faults of a life; below, a clean run would say little. */
export const FAULTS_MIN = 3;

/**
 * The faults of a life, in order of time. Every class is left out of some lives and has its own
 * pace in the others. Wipes stay below what a quorum can lose (the fault atlas): whatever is lost
 * then is our fault.
 */
export function drawFaults(draws: Draws, nodes: readonly NodeId[], untilMs: number): Fault[] {
  const faults: Fault[] = [];
  const paces: readonly [number, number, (atMs: number) => Fault][] = [
    [0.75, draws.pick([4_000, 8_000, 15_000]), (atMs) => drawCrash(draws, nodes, atMs)],
    [0.3, draws.pick([10_000, 25_000]), (atMs) => drawPowerLoss(draws, nodes, atMs)],
    [0.4, draws.pick([6_000, 15_000]), (atMs) => drawPause(draws, nodes, atMs)],
    [0.65, draws.pick([5_000, 10_000, 20_000]), (atMs) => drawCut(draws, nodes, atMs)],
    [0.4, draws.pick([2_000, 6_000]), (atMs) => drawFlap(draws, nodes, atMs)],
    [0.35, draws.pick([8_000, 16_000]), (atMs) => drawUsurp(draws, atMs)],
    [0.35, draws.pick([6_000, 12_000]), (atMs) => drawMuffle(draws, atMs)],
  ];
  for (const [share, everyMs, make] of paces) {
    if (!draws.chance(share)) continue;
    let atMs = FIRST_FAULT_MS + Math.floor(draws.fraction() * everyMs);
    while (atMs < untilMs) {
      faults.push(make(atMs));
      atMs += Math.floor(everyMs * (0.2 + 1.6 * draws.fraction()));
    }
  }
  while (faults.length < FAULTS_MIN)
    faults.push(drawCrash(draws, nodes, draws.between(FIRST_FAULT_MS, untilMs)));
  faults.push(...drawWipes(draws, nodes, untilMs));
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function drawTarget(draws: Draws, nodes: readonly NodeId[]): Target {
  return draws.chance(0.4) ? "leader" : draws.pick(nodes);
}

function drawDownMs(draws: Draws): number {
  return draws.pick([10, 200, 800, 2_000, 6_000]) + draws.between(0, 200);
}

function drawCrash(draws: Draws, nodes: readonly NodeId[], atMs: number): Fault {
  const calls = draws.between(1, draws.pick([3, 30, 300]));
  const target = drawTarget(draws, nodes);
  return { kind: "crash", atMs, target, calls, downMs: drawDownMs(draws), fin: draws.chance(0.6) };
}

function drawPowerLoss(draws: Draws, nodes: readonly NodeId[], atMs: number): Fault {
  const hit = draws.chance(0.5) ? nodes : draws.some(nodes, draws.between(1, nodes.length));
  return { kind: "power-loss", atMs, nodes: hit, downMs: drawDownMs(draws) };
}

function drawPause(draws: Draws, nodes: readonly NodeId[], atMs: number): Fault {
  const forMs = draws.pick([20, 300, 1_500, 5_000, 12_000]);
  return { kind: "pause", atMs, target: drawTarget(draws, nodes), forMs };
}

function drawCut(draws: Draws, nodes: readonly NodeId[], atMs: number): Fault {
  const isolate = draws.chance(0.6);
  const side = isolate
    ? [drawTarget(draws, nodes)]
    : draws.some(nodes, draws.between(1, Math.max(1, nodes.length - 1)));
  const direction = draws.pick(["both", "both", "out", "in"] as const);
  return {
    kind: "cut",
    atMs,
    side,
    direction,
    forMs: draws.pick([100, 600, 2_000, 5_000, 12_000]),
  };
}

function drawFlap(draws: Draws, nodes: readonly NodeId[], atMs: number): Fault {
  return { kind: "flap", atMs, target: drawTarget(draws, nodes) };
}

function drawUsurp(draws: Draws, atMs: number): Fault {
  const draw = draws.between(0, 0xffff);
  const wakeMs = draws.pick([200, 500, 1_000]);
  return { kind: "usurp", atMs, draw, wakeMs, forMs: wakeMs + draws.pick([500, 2_000, 5_000]) };
}

function drawMuffle(draws: Draws, atMs: number): Fault {
  const draw = draws.between(0, 0xffff);
  return { kind: "muffle", atMs, draw, forMs: draws.pick([50, 200, 1_000]) };
}

/** In a third of the lives of three or more nodes; fewer than half of the nodes in all. */
function drawWipes(draws: Draws, nodes: readonly NodeId[], untilMs: number): Fault[] {
  const most = Math.floor((nodes.length - 1) / 2);
  if (most === 0 || !draws.chance(0.35)) return [];
  const targets = draws.some(nodes, draws.chance(0.8) ? 1 : most);
  return targets.map((target) => {
    const atMs = draws.between(FIRST_FAULT_MS, Math.floor(untilMs * 0.8));
    return { kind: "wipe", atMs, target, downMs: drawDownMs(draws) } as const;
  });
}
