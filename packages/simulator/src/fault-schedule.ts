import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";
import type { Fault } from "./fault.ts";
import { drawDownMs, drawTarget, FIRST_FAULT_MS } from "./fault-draws.ts";
import { drawDiskTrouble, drawLoss } from "./fault-schedule-disk.ts";
import { drawNetworkFault, NETWORK_CLASSES } from "./fault-schedule-network.ts";

/** Fewest faults of a life; below, a clean run would say little. */
export const FAULTS_MIN = 5;

/** One class of faults: in which share of lives it occurs, at which paces, and how one is drawn. */
interface FaultClass {
  readonly share: number;
  readonly pacesMs: readonly number[];
  readonly draw: (atMs: number) => Fault;
}

/**
 * The faults of a life, in order of time. Every class is left out of most lives and has its own
 * pace in the others (swarm testing); where too many classes come together, some faults fall away,
 * for a cluster that never works shows little. What damages disks falls on the victims of the fault
 * atlas alone.
 */
export function drawFaults(
  draws: Draws,
  nodes: readonly NodeId[],
  victims: readonly NodeId[],
  untilMs: number,
): Fault[] {
  const faults: Fault[] = [];
  for (const { share, pacesMs, draw } of classesFor(draws, nodes)) {
    if (!draws.chance(share)) continue;
    const everyMs = draws.pick(pacesMs);
    let atMs = FIRST_FAULT_MS + Math.floor(draws.fraction() * everyMs);
    while (atMs < untilMs) {
      faults.push(draw(atMs));
      atMs += Math.floor(everyMs * (0.2 + 1.6 * draws.fraction()));
    }
  }
  const kept = draws.some(faults, Math.floor(untilMs / (nodes.length < 3 ? 8_000 : 2_500)));
  faults.splice(0, faults.length, ...kept);
  for (const victim of victims)
    for (let loss = draws.between(0, 2); loss > 0; loss -= 1)
      faults.push(...drawLoss(draws, victim, untilMs));
  while (faults.length < FAULTS_MIN)
    faults.push(drawCrash(draws, nodes, draws.between(FIRST_FAULT_MS, untilMs)));
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function classesFor(draws: Draws, nodes: readonly NodeId[]): FaultClass[] {
  const process: FaultClass[] = [
    {
      share: 0.7,
      pacesMs: [4_000, 8_000, 15_000],
      draw: (atMs) => drawCrash(draws, nodes, atMs),
    },
    { share: 0.3, pacesMs: [10_000, 25_000], draw: (atMs) => drawPowerLoss(draws, nodes, atMs) },
    { share: 0.35, pacesMs: [6_000, 15_000], draw: (atMs) => drawPause(draws, nodes, atMs) },
    { share: 0.2, pacesMs: [10_000, 25_000], draw: (atMs) => drawClock(draws, nodes, atMs) },
    { share: 0.35, pacesMs: [8_000, 16_000], draw: (atMs) => drawUsurp(draws, atMs) },
    { share: 0.35, pacesMs: [6_000, 12_000], draw: (atMs) => drawMuffle(draws, atMs) },
  ];
  const network = NETWORK_CLASSES.map(({ kind, share, pacesMs }) => ({
    share,
    pacesMs,
    draw: (atMs: number) => drawNetworkFault(draws, kind, nodes, atMs),
  }));
  const disk: FaultClass = {
    share: 0.35,
    pacesMs: [8_000, 16_000],
    draw: (atMs) => drawDiskTrouble(draws, nodes, atMs),
  };
  return [...process, ...network, disk];
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
  const forMs = draws.pick([1, 20, 300, 1_500, 1_500, 5_000, 12_000, 60_000]);
  return { kind: "pause", atMs, target: drawTarget(draws, nodes), forMs };
}

function drawClock(draws: Draws, nodes: readonly NodeId[], atMs: number): Fault {
  const target = drawTarget(draws, nodes);
  if (draws.chance(0.5))
    return { kind: "stall", atMs, target, forMs: draws.pick([300, 3_000, 10_000]) };
  return { kind: "jump", atMs, target, byMs: draws.pick([100, 5_000, 3_600_000]) };
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
