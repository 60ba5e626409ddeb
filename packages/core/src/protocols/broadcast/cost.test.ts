import { describe, expect, test } from "vitest";
import { type Cluster, createCluster } from "./testing/cluster.ts";

/** What the card says that things cost, measured on clusters without faults. */
const SIZES = [1, 2, 3, 4, 5, 6, 7];

/** Nobody speaks without need meanwhile. */
const QUIET = { gossipMs: 1_000_000 };

function settled(size: number, tuning: Readonly<Record<string, number>> = QUIET): Cluster {
  const cluster = createCluster({ size, tuning });
  cluster.startAll();
  cluster.run(5);
  cluster.counts.clear();
  cluster.trace.length = 0;
  return cluster;
}

function total({ counts }: Cluster): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

describe.each(SIZES)("of %i members", (n) => {
  const others = n - 1;

  test("a batch costs five messages per other member", () => {
    const cluster = settled(n);
    for (let k = 1; k <= 10; k += 1) {
      cluster.propose(0, `a#${2 * k}`, `a#${2 * k + 1}`);
      cluster.run(20);
    }
    expect(cluster.order()?.split(" ")).toHaveLength(20);
    for (const kind of ["prepare", "promise", "accept", "accepted", "decided"])
      expect(cluster.counts.get(kind) ?? 0, kind).toBe(10 * others);
    expect(total(cluster)).toBe(50 * others);
  });

  test("each member writes a promise, an acceptance and a mark", () => {
    const cluster = settled(n);
    cluster.propose(0, "a#1");
    cluster.run(20);
    for (const { id } of cluster.nodes) {
      const written = cluster.trace.filter((line) => line.startsWith(`  ${id} writes `));
      expect(written.map((line) => line.split(" ").at(-1))).toEqual([
        "promised",
        "accepted",
        "decided",
      ]);
    }
  });

  test("reads cost a question and an answer per other member, whatever they cover", () => {
    const cluster = settled(n);
    cluster.propose(0, "a#1");
    cluster.run(20);
    cluster.counts.clear();
    cluster.input(n - 1, { kind: "read", reads: [1, 2, 3] });
    cluster.run(20);
    expect([...cluster.node(n - 1).readable]).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(cluster.counts.get("ask") ?? 0).toBe(others);
    expect(total(cluster)).toBe(2 * others);
  });
});

test("a member that lets another go first sends one offer", () => {
  const cluster = settled(5);
  cluster.propose(0, "a#1");
  cluster.run(2.5);
  cluster.propose(4, "b#1");
  cluster.run(50);
  expect(cluster.order()).toBe("a#1 b#1");
  expect(cluster.counts.get("offer")).toBe(1);
  expect(total(cluster)).toBe(2 * 5 * 4 + 1);
});

test("with nothing to do each member tells one other how far it is", () => {
  const cluster = settled(5, { gossipMs: 100 });
  cluster.run(1_000);
  expect(cluster.counts.get("progress")).toBe(5 * 10);
  expect(total(cluster)).toBe(50);
});

test("a member without a vote asks for each value", () => {
  const cluster = createCluster({ size: 4, tuning: QUIET });
  cluster.node(3).voter = false;
  cluster.startAll();
  cluster.run(5);
  cluster.counts.clear();
  cluster.propose(0, "a#1");
  cluster.run(100);
  expect(cluster.order()).toBe("a#1");
  expect(cluster.counts.get("progress")).toBe(1);
  expect(cluster.counts.get("learn")).toBe(1);
});

describe("delays", () => {
  /** Messages take 1 ms and disks nothing to speak of, so times are delays. */
  function delivered(at: number): number {
    const cluster = settled(5);
    cluster.faults.syncMs = 0.001;
    const begun = cluster.now();
    cluster.propose(0, "a#1");
    cluster.runUntil(() => cluster.node(at).delivered.length > 0, 50);
    return Math.round(cluster.now() - begun);
  }

  test("four at the proposer, five elsewhere", () => {
    expect(delivered(0)).toBe(4);
    expect(delivered(3)).toBe(5);
  });

  test("two for a read when nothing is open", () => {
    const cluster = settled(5);
    const begun = cluster.now();
    cluster.read(3, 1);
    cluster.runUntil(() => cluster.node(3).readable.has(1), 50);
    expect(Math.round(cluster.now() - begun)).toBe(2);
  });
});
