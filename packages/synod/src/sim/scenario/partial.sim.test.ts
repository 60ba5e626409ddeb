import type { NodeId } from "@synod/core";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { GRAPHS_OF_FIVE, linksOf } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import {
  ELECTION_MS,
  keepOnly,
  LEADING,
  type Played,
  play,
  playOn,
  type StageFactory,
  settle,
  stageOf,
  watch,
} from "./play.ts";
import { SCENARIO_NAMES, type ScenarioName } from "./scenarios.ts";

/** The gate: service is back within so many election time-outs, and then no ballot moves. */
const TIMEOUTS_MAX = 4;
const SEEDS = [1, 2, 3, 4, 5, 6];

function expectService(played: Played, what: unknown): void {
  const { recovered, timeouts, lateBallots } = played;
  const isBack = recovered && timeouts !== null && timeouts <= TIMEOUTS_MAX && lateBallots === 0;
  expect({ what, isBack, timeouts, lateBallots }).toMatchObject({ isBack: true });
}

describe("omnipaxos", () => {
  test.each<ScenarioName>([...SCENARIO_NAMES])("%s: back within four time-outs", (name) => {
    for (const seed of SEEDS) {
      const played = play("omnipaxos", name, seed);
      expectService(played, [name, seed]);
    }
  });

  test("chained: the old leader goes on, the starved node is served by the hub", () => {
    for (const seed of SEEDS) {
      const { leaders, ballots, starved } = play("omnipaxos", "chained", seed);
      expect([leaders[1], ballots, starved]).toEqual([leaders[0], 0, []]);
    }
  });

  test("every graph of five nodes in which a node is linked to a quorum, whoever led", () => {
    let worst = 0;
    for (const [at, graph] of GRAPHS_OF_FIVE.entries())
      for (let turn = 0; turn < 2; turn += 1) {
        const order: NodeId[] = [0, 1, 2, 3, 4].map((node) => (node * 2 + turn + at) % 5);
        const links = linksOf(graph, order);
        if (!order.some((node) => links.filter((link) => link.includes(node)).length >= 2))
          continue;
        const stage = LEADING.omnipaxos(5, at + turn);
        const leader = settle(stage);
        keepOnly(stage, links);
        const played = watch(stage, leader);
        expectService(played, [graph, turn]);
        worst = Math.max(worst, played.timeouts ?? 0);
      }
    expect(worst).toBeGreaterThan(1);
  });

  test("random cuts of single directions that leave a node linked to a quorum", () => {
    let played = 0;
    for (let seed = 1; seed <= 40; seed += 1) {
      const stage = LEADING.omnipaxos(5, seed);
      const leader = settle(stage);
      const cut = new Set<string>();
      for (const a of stage.members)
        for (const b of stage.members)
          if (a !== b && draw(seed, a, b) % 3 === 0) cut.add(`${a}>${b}`);
      const hears = (a: NodeId, b: NodeId): boolean => !cut.has(`${a}>${b}`);
      const isHub = (a: NodeId): boolean =>
        stage.members.filter((b) => b !== a && hears(a, b) && hears(b, a)).length >= 2;
      if (!stage.members.some(isHub)) continue;
      for (const a of stage.members)
        for (const b of stage.members) if (!hears(a, b)) stage.cut(a, b);
      expectService(watch(stage, leader), ["one-way", seed]);
      played += 1;
    }
    expect(played).toBeGreaterThan(20);
  });
});

/** Each with what it adds; a time-out is still what it is without. */
const OPTIONS: Readonly<Record<string, StageFactory>> = {
  "priority that moves the lead": stageOf(
    omnipaxos,
    { electionMs: ELECTION_MS, takeOverRounds: 2 },
    (node) => ({ priority: node }),
  ),
  "a time-out that follows the links": stageOf(omnipaxos, {
    electionMs: ELECTION_MS,
    electionMinMs: 60,
  }),
  both: stageOf(
    omnipaxos,
    { electionMs: ELECTION_MS, electionMinMs: 60, takeOverRounds: 2 },
    (node) => ({ priority: node }),
  ),
};

describe.each(Object.entries(OPTIONS))("omnipaxos with %s", (name, create) => {
  /** Of its own time-outs: over links of a millisecond they are as short as they may be. */
  const timeoutMs = name === Object.keys(OPTIONS)[0] ? ELECTION_MS : 60;

  test("the three scenarios: back within four of its time-outs, and then at rest", () => {
    for (const scenario of SCENARIO_NAMES)
      for (const seed of SEEDS) {
        const played = playOn(create, scenario, seed);
        expectService(played, [scenario, seed]);
        const own = ((played.timeouts ?? 0) * ELECTION_MS) / timeoutMs;
        expect([scenario, seed, own <= TIMEOUTS_MAX]).toEqual([scenario, seed, true]);
      }
  });

  test("chained: nothing moves, though the starved end is preferred to the leader", () => {
    for (const seed of SEEDS) {
      const { leaders, ballots, starved } = playOn(create, "chained", seed);
      expect([leaders[1], ballots, starved]).toEqual([leaders[0], 0, []]);
    }
  });
});

function draw(seed: number, a: NodeId, b: NodeId): number {
  let hash = seed * 2_654_435_761 + a * 40_503 + b * 69_069 + 12_345;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}
