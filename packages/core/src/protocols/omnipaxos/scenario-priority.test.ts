import type { NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type Cluster, createCluster } from "./testing/cluster.ts";
import { OMNIPAXOS_TUNING } from "./tuning.ts";

/** Priority that moves leadership, in whole configurations. */
const { electionMs } = OMNIPAXOS_TUNING;
const ROUNDS = 3;
/** The wait, a round under way, and the two round trips of a take-over. */
const MOVED_MS = (ROUNDS + 1) * electionMs + 20;

/** Five nodes, the highest ids preferred; those in `late` start when somebody leads. */
function settled(late: readonly NodeId[]): { cluster: Cluster; leader: NodeId } {
  const ownTuning = Object.fromEntries([0, 1, 2, 3, 4].map((id) => [id, { priority: id }]));
  const cluster = createCluster({ size: 5, tuning: { takeOverRounds: ROUNDS }, ownTuning });
  cluster.startAll();
  cluster.run(3 * electionMs);
  for (const node of late) cluster.crash(node, 0);
  cluster.run(5 * electionMs);
  const leader = cluster.elect().id;
  for (const node of late) cluster.start(node);
  return { cluster, leader };
}

function cut(cluster: Cluster, links: readonly (readonly [NodeId, NodeId])[]): void {
  cluster.control.passes = (from, to) =>
    !links.some(([a, b]) => (a === from && b === to) || (a === to && b === from));
}

/** Leads that were taken over by priority so far. */
function moves(cluster: Cluster): number {
  const observed = cluster.nodes.flatMap((node) => node.observed);
  return observed.filter((event) => event === "preferred").length;
}

describe("a member of higher priority", () => {
  test("that comes back takes the lead over, once, and keeps it", () => {
    const { cluster, leader } = settled([4]);
    expect(leader).toBe(3);
    expect(cluster.runUntil(() => cluster.leader()?.id === 4, MOVED_MS)).toBe(true);
    const ballot = cluster.elect().state.sequence.promised;
    cluster.run(50 * electionMs);
    expect(cluster.elect().state.sequence.promised).toEqual(ballot);
    expect(moves(cluster)).toBe(1);
  });

  test("does so under load: nothing is lost, and decisions pause for four messages' time", () => {
    const { cluster } = settled([4]);
    const names: string[] = [];
    let lastMs = cluster.now();
    let pauseMs = 0;
    cluster.control.onExecuted = (node) => {
      if (node !== 0) return;
      pauseMs = Math.max(pauseMs, cluster.now() - lastMs);
      lastMs = cluster.now();
    };
    cluster.control.onReleased = (node, outcome, requests) => {
      const mine = names.filter((name) => name.startsWith(`c${node}#`));
      const lost = mine.filter((name) => !cluster.node(node).executed.includes(name));
      if (outcome === "unknown" && requests === "all") cluster.propose(node, ...lost);
    };
    for (let at = 1; at <= 300; at += 1) {
      const name = `c${at % 3}#${at}`;
      names.push(name);
      cluster.propose(at % 3, name);
      cluster.run(8);
    }
    cluster.run(50);
    expect([cluster.elect().id, moves(cluster)]).toEqual([4, 1]);
    for (const { executed } of cluster.nodes) expect([...executed].sort()).toEqual(names.sort());
    expect(pauseMs).toBeLessThan(10);
  });

  test("waits until it has caught up with what was decided without it", () => {
    const { cluster, leader } = settled([4]);
    cluster.control.passes = (from, to, { kind }) =>
      (from !== 4 && to !== 4) || kind.startsWith("heartbeat");
    cluster.propose(leader, "a#1");
    cluster.run(20 * electionMs);
    expect([cluster.elect().id, moves(cluster)]).toEqual([leader, 0]);
    cluster.heal();
    expect(cluster.runUntil(() => cluster.leader()?.id === 4, MOVED_MS)).toBe(true);
  });

  test("of several the most preferred moves it, and nobody before that", () => {
    const { cluster, leader } = settled([3, 4]);
    expect(leader).toBe(2);
    cluster.run(50 * electionMs);
    expect([cluster.elect().id, moves(cluster)]).toEqual([4, 1]);
  });

  test("the next one moves it if the most preferred has no link to the leader", () => {
    const { cluster, leader } = settled([3, 4]);
    cut(cluster, [[4, leader]]);
    cluster.run(3 * ROUNDS * electionMs);
    expect(cluster.leader()?.id).toBe(3);
    // Now it is linked to the leader: to 3.
    cluster.run(3 * ROUNDS * electionMs);
    expect([cluster.elect().id, moves(cluster)]).toEqual([4, 2]);
  });
});

describe("a member of higher priority that is partially connected disturbs nobody", () => {
  const alone = (kept: readonly NodeId[]) =>
    [0, 1, 2, 3].filter((node) => !kept.includes(node)).map((node) => [4, node] as const);

  test.each([
    ["to all but the leader", [0, 1, 2]],
    ["to the leader only", [3]],
    ["to nobody", []],
  ] as const)("linked %s", (_name, kept) => {
    const { cluster, leader } = settled([4]);
    expect(leader).toBe(3);
    cut(cluster, alone(kept));
    const { promised } = cluster.elect().state.sequence;
    for (let round = 1; round <= 40; round += 1) {
      cluster.propose(0, `a#${round}`);
      cluster.run(electionMs);
    }
    expect(cluster.elect().state.sequence.promised).toEqual(promised);
    expect([moves(cluster), cluster.node(0).executed.length]).toEqual([0, 40]);
  });

  test("heard but deaf, or hearing and mute", () => {
    for (const direction of ["deaf", "mute"]) {
      const { cluster, leader } = settled([4]);
      cluster.control.passes = (from, to) => (direction === "deaf" ? to !== 4 : from !== 4);
      const { promised } = cluster.elect().state.sequence;
      cluster.run(40 * electionMs);
      expect([cluster.elect().id, moves(cluster)]).toEqual([leader, 0]);
      expect(cluster.elect().state.sequence.promised).toEqual(promised);
    }
  });

  test("with a link to the leader that fails every other round", () => {
    const { cluster, leader } = settled([4]);
    for (let round = 0; round < 40; round += 1) {
      if (round % 2 === 0) cluster.partition([0, 1, 2, 3]);
      else cluster.heal();
      cluster.run(electionMs);
    }
    expect([cluster.elect().id, moves(cluster)]).toEqual([leader, 0]);
  });
});

test("links that fail time and again move the lead less and less often", () => {
  const { cluster } = settled([4]);
  const times: number[] = [];
  for (let period = 0; period < 6; period += 1) {
    const from = cluster.now();
    expect(cluster.runUntil(() => cluster.leader()?.id === 4, 60 * electionMs)).toBe(true);
    times.push(Math.round((cluster.now() - from) / electionMs));
    cluster.run(2 * electionMs);
    cluster.partition([0, 1, 2, 3], [4]);
    cluster.run(6 * electionMs);
    cluster.heal();
  }
  expect(moves(cluster)).toBe(6);
  expect(times).toEqual([3, 6, 12, 24, 24, 24]);
});
