import { describe, expect, test } from "vitest";
import { type Cluster, createCluster } from "./testing/cluster.ts";
import { OMNIPAXOS_TUNING } from "./tuning.ts";

/** What the card says that things cost, measured on clusters without faults. */
const SIZES = [1, 2, 3, 4, 5, 6, 7];
const { electionMs } = OMNIPAXOS_TUNING;

/** A cluster at rest behind its leader, and messages by kind from now on. */
function settled(size: number, tuning: Readonly<Record<string, number>> = {}) {
  const cluster = createCluster({ size, seed: size, tuning });
  cluster.startAll();
  const leader = cluster.elect().id;
  cluster.run(3 * electionMs);
  const counts = new Map<string, number>();
  cluster.control.passes = (_from, _to, { kind }) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return true;
  };
  return { cluster, leader, count: (kind: string) => counts.get(kind) ?? 0, counts };
}

/** All that is not the election's. */
function total(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [kind, count] of counts) if (!kind.startsWith("heartbeat")) sum += count;
  return sum;
}

function everywhere(cluster: Cluster, slot: number): boolean {
  return cluster.nodes.every((node) => node.executedUpTo >= slot);
}

describe.each(SIZES)("of %i members", (n) => {
  const others = n - 1;

  test("a batch at an idle leader costs an accept, an accepted and a decide per other", () => {
    const { cluster, leader, count, counts } = settled(n);
    for (let k = 1; k <= 10; k += 1) {
      cluster.propose(leader, `a#${2 * k}`, `a#${2 * k + 1}`);
      expect(cluster.runUntil(() => everywhere(cluster, k), 50)).toBe(true);
      cluster.run(5);
    }
    for (const kind of ["accept", "accepted", "decide"]) expect(count(kind)).toBe(10 * others);
    expect(total(counts)).toBe(30 * others);
  });

  test("under load the next accept carries the news", () => {
    const { cluster, leader, count, counts } = settled(n, { window: 1, batchBytesMax: 1 });
    for (let k = 1; k <= 20; k += 1) cluster.propose(leader, `a#${k}`);
    expect(cluster.runUntil(() => everywhere(cluster, 20), 500)).toBe(true);
    cluster.run(5);
    expect(count("decide")).toBe(others);
    expect(total(counts)).toBe(41 * others);
  });

  test("a follower's batch costs one message more", () => {
    const { cluster, leader, count, counts } = settled(n);
    cluster.propose((leader + 1) % n, "a#1");
    expect(cluster.runUntil(() => everywhere(cluster, 1), 50)).toBe(true);
    cluster.run(5);
    expect(count("forward")).toBe(n === 1 ? 0 : 1);
    expect(total(counts)).toBe(3 * others + (n === 1 ? 0 : 1));
  });

  test("a round of reads costs a question and an answer per other, and no write", () => {
    const { cluster, leader, counts } = settled(n);
    for (let read = 1; read <= 5; read += 1) cluster.read(leader, read);
    cluster.run(20);
    expect(cluster.node(leader).readable.size).toBe(5);
    // The first read at once, the others together in the two rounds that follow at most.
    expect(total(counts) % Math.max(1, 2 * others)).toBe(0);
    expect(total(counts)).toBeLessThanOrEqual(3 * 2 * others);
  });

  test("an idle election round costs 2n(n - 1) messages, and nobody changes its mind", () => {
    const { cluster, counts } = settled(n);
    cluster.run(10 * 501);
    const perRound = 2 * n * others;
    const sum = [...counts.values()].reduce((all, count) => all + count, 0);
    expect(total(counts)).toBe(0);
    expect(sum / 10).toBeGreaterThanOrEqual(0.9 * perRound);
    expect(sum / 10).toBeLessThanOrEqual(1.1 * perRound);
  });
});

test.each(SIZES.slice(2))("a lead of %i members that priority moves costs 5(n - 1)", (n) => {
  const ownTuning = { 0: { priority: 1, takeOverRounds: 4 } };
  const cluster = createCluster({ size: n, seed: n, ownTuning });
  cluster.startAll();
  expect(cluster.elect().id).toBe(0);
  cluster.propose(0, "a#1");
  cluster.run(50);
  cluster.crash(0, 0);
  cluster.run(4 * electionMs);
  expect(cluster.elect().id).not.toBe(0);
  cluster.start(0);
  cluster.run(2 * electionMs);
  const counts = new Map<string, number>();
  cluster.control.passes = (_from, _to, { kind }) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return true;
  };
  cluster.run(4 * electionMs);
  expect(cluster.elect().id).toBe(0);
  for (const kind of ["prepare", "promise", "acceptSync", "accepted", "decide"])
    expect([kind, counts.get(kind)]).toEqual([kind, n - 1]);
  expect(total(counts)).toBe(5 * (n - 1));
});
