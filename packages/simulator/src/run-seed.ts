import { drawLife, type Life } from "./life.ts";
import type { Violation } from "./oracles/verdict.ts";
import type { Story } from "./story.ts";
import type { SimulatedSystem } from "./system.ts";
import { World } from "./world.ts";

/** Fewer would make a clean life an empty one. */
const FAULTS_MIN = 5;
/** So much later is after everything that happens at a moment, ms. */
const A_MOMENT_MS = 0.001;

export interface RunOptions {
  readonly story?: Story;
  /** The story tells protocol messages, too; default false. */
  readonly messages?: boolean;
  /** Plants a violation that must be reported. */
  readonly canary?: boolean;
  /** Another life than the seed's own, shortened for instance. */
  readonly life?: Life;
  /** False leaves out the check that a quorum of platters suffices; default true. */
  readonly forks?: boolean;
}

/** What became of one seed; plain data. */
export interface SeedReport {
  readonly seed: number;
  readonly violation: Violation | null;
  /** Over every event: the same seed gives the same hash, or something is not deterministic. */
  readonly hash: string;
  readonly nodes: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly completed: number;
  readonly reads: number;
  readonly writes: number;
  readonly unknown: number;
  readonly faults: number;
  readonly crashes: number;
  readonly forks: number;
  /** How often each probe was hit. */
  readonly probes: Readonly<Record<string, number>>;
}

/** What `seed` means for `system`. */
export function lifeOf<S, M>(system: SimulatedSystem<S, M>, seed: number): Life {
  return system.adapt(drawLife(seed));
}

/** The same life with every operation of its clients at the time at which it began. */
export function scriptLife<S, M>(system: SimulatedSystem<S, M>, life: Life): Life {
  const world = new World(system, life, {
    story: null,
    canary: false,
    forks: true,
    messages: false,
  });
  world.run();
  const { operations, forkTimes } = world.tally;
  const clients = life.clients.map((plan) => ({
    ...plan,
    script: operations
      .filter(({ client }) => client === plan.index)
      .map(({ atMs, number }) => ({ atMs, number })),
  }));
  // Right after the acknowledgement that it was made at.
  const forks = life.forks
    .slice(0, forkTimes.length)
    .map((fork, at) => ({ ...fork, atMs: (forkTimes[at] as number) + A_MOMENT_MS }));
  return { ...life, clients, forks };
}

/** Lives one cluster life and judges it. */
export function runSeed<S, M>(
  system: SimulatedSystem<S, M>,
  seed: number,
  options: RunOptions = {},
): SeedReport {
  const { story = null, canary = false, forks = true, messages = false } = options;
  const life = options.life ?? lifeOf(system, seed);
  const world = new World(system, life, { story, canary, forks, messages });
  const hash = world.run();
  const { tally, panel, scheduler, faults } = world;
  if (tally.completed < system.operationsMin && options.life === undefined)
    panel.accuse("vacuous", `only ${tally.completed} operations were completed`);
  if (faults < FAULTS_MIN && options.life === undefined)
    panel.accuse("vacuous", `only ${faults} faults happened`);
  const { violation } = panel;
  if (violation !== null)
    story?.(
      violation.atMs,
      `VIOLATION ${violation.oracle}: ${violation.message}`,
      "violation",
      null,
    );
  return {
    seed,
    violation,
    hash,
    nodes: life.nodes.length,
    events: tally.events,
    virtualMs: scheduler.now,
    completed: tally.completed,
    reads: tally.reads,
    writes: tally.writes,
    unknown: tally.unknown,
    faults,
    crashes: tally.crashes,
    forks: tally.forks,
    probes: world.probes.counts(),
  };
}
