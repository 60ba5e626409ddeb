import type { NodeId } from "@synod/core";
import type { HostTuning } from "@synod/runtime";
import { Draws } from "./addressed.ts";
import type { ClientPlan } from "./client-plan.ts";
import { drawClients } from "./client-plan.ts";
import type { Fault } from "./fault.ts";
import { drawVictims } from "./fault-atlas.ts";
import type { Edge } from "./fault-network.ts";
import { drawFaults } from "./fault-schedule.ts";
import type { NetworkFaults } from "./network-faults.ts";
import type { ClockFaults } from "./virtual-clock.ts";

/** What the disks of a life are like. */
export interface DiskNature {
  /** Times, ms. */
  readonly latencyMs: number;
  readonly syncMs: number;
  /**
   * Share of the unsynced sectors that a power loss turns into garbage, on victims of the fault
   * atlas: a journal cannot tell such a sector from rot, and must assume that.
   */
  readonly garbage: number;
}

/**
 * The end of a life: faults stop in a connected core that holds a quorum of undamaged disks, and
 * go on for ever outside of it. Then they stop there too.
 */
export interface CorePlan {
  /** False: everybody is in the core. */
  readonly small: boolean;
  /** Who is in it, and what becomes of the others. */
  readonly draw: number;
  /** Only these links work meanwhile; null: all. */
  readonly links: readonly Edge[] | null;
}

/**
 * At the `acknowledgement`-th acknowledged write, these nodes' platters alone must still hold
 * everything.
 */
export interface Fork {
  readonly acknowledgement: number;
  /** At this time instead, virtual ms: in a life of which operations are left out. */
  readonly atMs: number | null;
  /** Ranks the nodes: the lowest ranks make the quorum that survives. */
  readonly draw: number;
}

/** Everything that happens to one cluster, as plain data: the seed's whole meaning. */
export interface Life {
  readonly seed: number;
  readonly nodes: readonly NodeId[];
  /** Those of the first configuration, ascending; absent: all of them, for ever. */
  readonly members?: readonly NodeId[];
  /** How long faults go on, virtual ms; then all must come to rest. */
  readonly faultsMs: number;
  readonly network: NetworkFaults;
  readonly clocks: readonly ClockFaults[];
  readonly disk: DiskNature;
  readonly tuning: Partial<HostTuning>;
  readonly clients: readonly ClientPlan[];
  readonly faults: readonly Fault[];
  readonly forks: readonly Fork[];
  readonly core: CorePlan;
  /** The nodes whose disks may lose what was durable (fault-atlas.ts). */
  readonly victims: readonly NodeId[];
}

/** The first members of a life. */
export function membersOf({ nodes, members }: Pick<Life, "nodes" | "members">): readonly NodeId[] {
  return members ?? nodes;
}

/** Draws a life. Each seed leaves some classes of faults out (swarm testing). */
export function drawLife(seed: number): Life {
  const draws = new Draws(seed, "life");
  const count = draws.pick([1, 2, 3, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 7, 7, 7, 7]);
  const nodes = Array.from({ length: count }, (_, node) => node);
  const victims = drawVictims(new Draws(seed, "damage"), nodes);
  const faultsMs = 1000 * draws.between(90, 130);
  return {
    seed,
    nodes,
    faultsMs,
    network: drawNetwork(draws),
    clocks: drawClocks(draws, count),
    disk: {
      latencyMs: draws.pick([0.05, 0.2, 1]),
      syncMs: draws.pick([0.2, 1, 1, 5, 20]),
      garbage: draws.pick([0, 0, 0.1, 0.5]),
    },
    tuning: drawTuning(draws),
    clients: drawClients(new Draws(seed, "life", 1), nodes),
    faults: drawFaults(new Draws(seed, "schedule"), nodes, victims, faultsMs),
    victims,
    forks: drawForks(new Draws(seed, "fork")),
    core: drawCore(new Draws(seed, "core")),
  };
}

function drawNetwork(draws: Draws): NetworkFaults {
  const lossy = draws.chance(0.5);
  return {
    loss: lossy ? draws.pick([0.001, 0.01, 0.05, 0.15]) : 0,
    lossSpread: lossy ? 1 : 0,
    duplication: draws.chance(0.4) ? draws.pick([0.01, 0.1, 0.3]) : 0,
    replay: draws.chance(0.4) ? draws.pick([0.005, 0.02, 0.05]) : 0,
    corruption: draws.chance(0.25) ? draws.pick([0.0005, 0.005, 0.02]) : 0,
    delayMinMs: draws.pick([0.1, 0.5, 2, 5]),
    delayMeanMs: draws.pick([0.1, 1, 5, 5, 15, 30]),
    ordered: draws.chance(0.4),
    bytesPerMs: draws.chance(0.3) ? draws.pick([100, 500, 2_000]) : 50_000,
  };
}

function drawClocks(draws: Draws, count: number): ClockFaults[] {
  const skewed = draws.chance(0.5);
  return Array.from({ length: count }, () => ({
    rate: skewed ? 0.95 + 0.1 * draws.fraction() : 1,
    offsetMs: draws.between(0, 1_000_000),
    lateMs: draws.pick([0, 1, 10]),
  }));
}

/**
 * Small limits, so that every life sees many segments, snapshots and transfers; not so small that a
 * node writes more snapshots than blocks of its journal, which take a kilobyte each at least.
 */
function drawTuning(draws: Draws): Partial<HostTuning> {
  const segmentBytes = draws.pick([8_192, 16_384, 32_768, 65_536]);
  return {
    segmentBytes,
    journalBytesMax: segmentBytes * draws.pick([2, 3, 5, 10]),
    chunkBytes: draws.pick([256, 1_024, 4_096, 16_384]),
    outstandingMax: draws.pick([4, 64, 1_000]),
    resubmitMs: draws.pick([200, 500, 1_000]),
    sessionsMax: draws.chance(0.2) ? 3 : 1_000,
  };
}

function drawForks(draws: Draws): Fork[] {
  const forks = [
    { acknowledgement: draws.between(5, 60), atMs: null, draw: draws.between(0, 0xffff) },
    { acknowledgement: draws.between(60, 300), atMs: null, draw: draws.between(0, 0xffff) },
    { acknowledgement: draws.between(100, 600), atMs: null, draw: draws.between(0, 0xffff) },
  ];
  return forks.sort((a, b) => a.acknowledgement - b.acknowledgement);
}

function drawCore(draws: Draws): CorePlan {
  return { small: draws.chance(0.6), draw: draws.between(0, 0xffff), links: null };
}
