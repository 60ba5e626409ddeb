import { describe, expect, test } from "vitest";
import { bytes } from "../paxos/testing/values.ts";
import { atRest } from "./invariants.ts";
import { type Cluster, createCluster } from "./testing/cluster.ts";
import { createSolo } from "./testing/solo.ts";

/**
 * The reduction of total-order broadcast to consensus (Chandra and Toueg 1996, §6.4), and the four
 * properties that it gives (Défago, Schiper and Urbán 2004, §2.3).
 */
function started(size: number, tuning: Readonly<Record<string, number>> = {}): Cluster {
  const cluster = createCluster({ size, tuning });
  cluster.startAll();
  return cluster;
}

function states(cluster: Cluster) {
  return cluster.nodes.filter(({ alive }) => alive).map(({ state }) => state);
}

describe("the reduction", () => {
  test("the k-th batch delivered is what the k-th instance decides", () => {
    const cluster = started(3, { window: 1 });
    for (const name of ["a#1", "a#2", "a#3"]) {
      cluster.propose(0, name);
      cluster.run(20);
    }
    const order = [...cluster.history.delivered].map(([slot, { commands }]) => [slot, commands]);
    expect(order).toEqual([
      [1, "1 a"],
      [2, "2 a"],
      [3, "3 a"],
    ]);
  });

  test("an instance decides on a batch: what gathered while another one was under way", () => {
    const cluster = started(3, { window: 1 });
    cluster.propose(0, "a#1");
    cluster.run(1);
    for (let n = 2; n <= 50; n += 1) cluster.propose(0, `a#${n}`);
    cluster.run(50);
    expect(cluster.history.delivered.size).toBe(2);
    expect(cluster.order()?.split(" ")).toHaveLength(50);
  });

  test("a slot that is decided early waits for those before it", () => {
    const solo = createSolo();
    const learn = { kind: "learn", values: [bytes("")], decidedUpTo: 0 } as const;
    solo.hear(1, { ...learn, first: 3 });
    solo.hear(1, { ...learn, first: 2 });
    expect(solo.delivered).toEqual([]);
    solo.hear(1, { ...learn, first: 1 });
    expect(solo.delivered).toEqual(["1: ", "2: ", "3: "]);
  });

  test("a member alone is its own quorum", () => {
    const cluster = started(1);
    cluster.propose(0, "a#1");
    cluster.run(50);
    expect(cluster.order()).toBe("a#1");
  });
});

describe("the properties, with three members that broadcast m1, m2 and m3 at once", () => {
  function run(seed: number): Cluster {
    const cluster = createCluster({ size: 3, seed });
    cluster.startAll();
    Object.assign(cluster.faults, { loss: 0.2, duplicate: 0.3, delayMs: 15 });
    cluster.propose(0, "m#1", "m#3");
    cluster.propose(1, "m#2");
    cluster.run(200);
    if (seed % 2 === 0) cluster.crash(2);
    cluster.run(10_000);
    return cluster;
  }

  test.each([1, 2, 3, 4, 5, 6])("seed %i", (seed) => {
    const cluster = run(seed);
    // Validity and agreement; no creation, no duplication and order are checked at every step.
    expect(atRest(states(cluster))).toBeNull();
    expect(cluster.order()?.split(" ").sort()).toEqual(["m#1", "m#2", "m#3"]);
    for (const { delivered } of cluster.nodes.filter(({ alive }) => !alive))
      expect(cluster.order()?.startsWith(delivered.join(" "))).toBe(true);
  });
});

describe("faults that the paper allows", () => {
  test("a minority may be gone for good", () => {
    const cluster = started(5);
    cluster.crash(0);
    cluster.crash(3);
    for (const id of [1, 2, 4]) cluster.propose(id, `m${id}#1`);
    cluster.run(5_000);
    expect(cluster.order()?.split(" ")).toHaveLength(3);
  });

  test("without a majority nothing is delivered, and nothing is lost", () => {
    const cluster = started(5);
    cluster.partition([0, 1]);
    cluster.propose(0, "a#1");
    cluster.run(5_000);
    expect(cluster.node(0).delivered).toEqual([]);
    cluster.heal();
    cluster.run(2_000);
    expect(cluster.order()).toBe("a#1");
  });

  test("whoever was delivered to before it fell, was delivered to in the one order", () => {
    const cluster = started(3);
    cluster.propose(0, "a#1");
    cluster.runUntil(() => cluster.node(0).delivered.length > 0, 50);
    cluster.crash(0);
    cluster.propose(1, "b#1");
    cluster.run(2_000);
    expect(cluster.order()).toBe("a#1 b#1");
  });
});
