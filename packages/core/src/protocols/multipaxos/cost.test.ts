import { describe, expect, test } from "vitest";
import { type Cluster, createCluster } from "./testing/cluster.ts";

/** What the card says that things cost, measured on clusters without faults. */
const SIZES = [1, 2, 3, 4, 5, 6, 7];

/** A cluster with a leader that everybody follows, and messages by kind from now on. */
function settled(size: number, tuning: Readonly<Record<string, number>> = {}) {
  const cluster = createCluster({ size, seed: size, trace: true, tuning });
  cluster.startAll();
  const leader = cluster.elect().id;
  cluster.run(2 * 100);
  const counts = new Map<string, number>();
  cluster.control.passes = (_from, _to, { kind }) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return true;
  };
  return { cluster, leader, count: (kind: string) => counts.get(kind) ?? 0, counts };
}

/** All that is not the pulse of the leader. */
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

  test("a batch at an idle leader costs an accept, an accepted and a commit per other", () => {
    const { cluster, leader, count, counts } = settled(n);
    const before = cluster.node(leader).executedUpTo;
    for (let k = 1; k <= 10; k += 1) {
      cluster.propose(leader, `a#${2 * k}`, `a#${2 * k + 1}`);
      expect(cluster.runUntil(() => everywhere(cluster, before + k), 50)).toBe(true);
      cluster.run(5);
    }
    expect(count("accept")).toBe(10 * others);
    expect(count("accepted")).toBe(10 * others);
    expect(count("commit")).toBe(10 * others);
    expect(total(counts)).toBe(30 * others);
  });

  test("under load the next accept carries the news, and commits are few", () => {
    const { cluster, leader, count, counts } = settled(n, { window: 1, batchBytesMax: 1 });
    const before = cluster.node(leader).executedUpTo;
    for (let k = 1; k <= 20; k += 1) cluster.propose(leader, `a#${k}`);
    expect(cluster.runUntil(() => everywhere(cluster, before + 20), 500)).toBe(true);
    cluster.run(5);
    expect(count("accept")).toBe(20 * others);
    expect(count("accepted")).toBe(20 * others);
    // Only the last batch has no accept behind it.
    expect(count("commit")).toBe(others);
    expect(total(counts)).toBe(41 * others);
  });

  test("a batch at a follower costs one forward more, and nobody else hears of it", () => {
    const { cluster, leader, count, counts } = settled(n);
    const before = cluster.node(leader).executedUpTo;
    const follower = (leader + 1) % n;
    cluster.propose(follower, "a#1", "a#2");
    expect(cluster.runUntil(() => everywhere(cluster, before + 1), 50)).toBe(true);
    cluster.run(5);
    const forwards = n === 1 ? 0 : 1;
    expect(count("forward")).toBe(forwards);
    expect(total(counts)).toBe(3 * others + forwards);
  });

  test("each member writes a batch once", () => {
    const { cluster, leader } = settled(n);
    const before = cluster.node(leader).executedUpTo;
    const start = cluster.trace.length;
    for (let k = 1; k <= 3; k += 1) {
      cluster.propose(leader, `a#${k}`);
      cluster.runUntil(() => everywhere(cluster, before + k), 50);
    }
    const trace = cluster.trace.slice(start);
    for (const { id } of cluster.nodes)
      expect(trace.filter((line) => line === `  ${id} writes accepted`)).toHaveLength(3);
  });

  test("a round of reads costs a heartbeat and an answer per other, whatever it covers", () => {
    const { cluster, leader, count } = settled(n, { heartbeatMs: 10_000 });
    for (const read of [1, 2, 3]) cluster.input(leader, { kind: "read", reads: [read] });
    cluster.runUntil(() => cluster.node(leader).readable.size === 3, 50);
    cluster.run(5);
    // Two rounds may be under way; the third read shares the next one.
    const rounds = n === 1 ? 0 : 3;
    expect(count("heartbeat")).toBe(rounds * others);
    expect(count("heartbeatAck")).toBe(rounds * others);
    expect(count("readIndex")).toBe(0);
  });

  test("an election costs a probe, a grant, a prepare and a promise per other", () => {
    const cluster = createCluster({ size: n, seed: n });
    const counts = new Map<string, number>();
    cluster.control.passes = (_from, _to, { kind }) => {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      return true;
    };
    cluster.startAll();
    cluster.elect();
    cluster.run(5);
    for (const kind of ["probe", "probed", "prepare", "promise"])
      expect(counts.get(kind) ?? 0, kind).toBe(others);
  });
});

test("an idle cluster hears from its leader, and from nobody else", () => {
  const { cluster, count, counts } = settled(5);
  cluster.run(1000);
  expect(count("heartbeat")).toBe(10 * 4);
  expect(total(counts)).toBe(0);
});

describe("delays", () => {
  /** Messages take 1 ms and disks nothing to speak of, so times are delays. */
  function measure(at: "leader" | "follower", what: "command" | "read"): number {
    const { cluster, leader } = settled(5);
    cluster.faults.syncMs = 0.1;
    const node = at === "leader" ? leader : (leader + 1) % 5;
    const begun = cluster.now();
    const done = (): boolean =>
      what === "read"
        ? cluster.node(node).readable.size > 0
        : cluster.node(node).executed.includes("a#1");
    if (what === "read") cluster.read(node, 1);
    else cluster.propose(node, "a#1");
    expect(cluster.runUntil(done, 50)).toBe(true);
    return Math.round(cluster.now() - begun);
  }

  test("two for a command at the leader, four at a follower", () => {
    expect(measure("leader", "command")).toBe(2);
    expect(measure("follower", "command")).toBe(4);
  });

  test("two for a read at the leader, four at a follower", () => {
    expect(measure("leader", "read")).toBe(2);
    expect(measure("follower", "read")).toBe(4);
  });
});
