import { describe, expect, test } from "vitest";
import { createCluster } from "./testing/cluster.ts";

/** What the card says that things cost, measured on clusters without faults. */
const SIZES = [1, 2, 3, 4, 5, 6, 7];

/** Nobody asks by itself meanwhile. */
const QUIET = { askMs: 100_000 };

describe.each(SIZES)("of %i members", (n) => {
  const others = n - 1;

  function decided() {
    const cluster = createCluster({ size: n, tuning: QUIET });
    cluster.startAll();
    cluster.propose(0, "a#1", "b#1");
    cluster.run(50);
    expect(cluster.outcome()).toBe("a#1+b#1");
    return cluster;
  }

  test("a decision costs five messages per other member", () => {
    const { counts } = decided();
    for (const kind of ["prepare", "promise", "accept", "accepted", "chosen"] as const)
      expect(counts.get(kind) ?? 0, kind).toBe(others);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(5 * others);
  });

  test("each member writes a promise, an acceptance and the outcome", () => {
    const { trace } = decided();
    for (let id = 0; id < n; id += 1) {
      const kinds = trace.filter((line) => line.startsWith(`  ${id} writes `));
      expect(kinds.map((line) => line.split(" ").at(-1))).toEqual([
        "promised",
        "accepted",
        "chosen",
      ]);
    }
  });

  test("a read before the decision costs a question and an answer per other member", () => {
    const cluster = createCluster({ size: n, tuning: QUIET });
    cluster.startAll();
    cluster.read(0, 1);
    cluster.run(50);
    expect(cluster.node(0).readable.get(1)).toBe(0);
    expect(cluster.counts.get("ask") ?? 0).toBe(others);
    expect(cluster.counts.get("told") ?? 0).toBe(others);
  });

  test("a read after the decision costs nothing", () => {
    const cluster = decided();
    const before = [...cluster.counts];
    cluster.read(n - 1, 1);
    expect(cluster.node(n - 1).readable.get(1)).toBe(1);
    cluster.run(50);
    expect([...cluster.counts]).toEqual(before);
  });
});

describe("delays", () => {
  /** Messages take 1 ms and disks nothing to speak of, so times are delays. */
  test("four at the proposer, five elsewhere", () => {
    const cluster = createCluster({ size: 5, tuning: QUIET });
    cluster.faults.syncMs = 0.001;
    cluster.startAll();
    cluster.propose(0, "a#1");
    cluster.runUntil(() => cluster.node(0).delivered !== null, 50);
    expect(Math.round(cluster.now())).toBe(4);
    cluster.runUntil(() => cluster.outcome() !== null, 50);
    expect(Math.round(cluster.now())).toBe(5);
  });

  test("two for a read before the decision", () => {
    const cluster = createCluster({ size: 5, tuning: QUIET });
    cluster.startAll();
    cluster.read(3, 1);
    cluster.runUntil(() => cluster.node(3).readable.size > 0, 50);
    expect(Math.round(cluster.now())).toBe(2);
  });
});
