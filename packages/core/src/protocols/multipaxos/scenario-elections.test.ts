import { describe, expect, test } from "vitest";
import { createCluster } from "./testing/cluster.ts";
import { MULTIPAXOS_TUNING } from "./tuning.ts";

describe("RS5: a candidate that is outbid hands its queue to whoever won", () => {
  test.each([
    ["at once", 0],
    ["after asking", 1],
  ])("three stand for election %s at the same moment: each one's proposal is executed", (_, v) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = createCluster({ size: 3, seed, tuning: { preVote: v } });
      cluster.startAll();
      for (const id of cluster.members) cluster.propose(id, `n${id}#1`);
      for (const id of cluster.members) cluster.input(id, { kind: "timeout", name: "election" });
      cluster.run(100);
      const campaigns = cluster.nodes.flatMap((n) => n.observed.filter((e) => e === "campaign"));
      expect(campaigns).toHaveLength(3);
      cluster.elect();
      cluster.run(500);
      for (const node of cluster.nodes) {
        expect(node.executed.toSorted()).toEqual(["n0#1", "n1#1", "n2#1"]);
        // Nobody had to propose anything again.
        expect(node.released).toEqual([]);
      }
    }
  });
});

describe("RS12: followers do not lapse together", () => {
  const SEEDS = 60;
  const { electionMs } = MULTIPAXOS_TUNING;

  /** A leader of five dies; how long it took to replace it, and how many stood for election. */
  function replaced(seed: number): { ms: number; campaigns: number } {
    const cluster = createCluster({ size: 5, seed });
    cluster.startAll();
    const first = cluster.elect();
    cluster.run(300);
    const campaigns = (): number =>
      cluster.nodes.reduce((sum, n) => sum + n.observed.filter((e) => e === "campaign").length, 0);
    const before = campaigns();
    cluster.crash(first.id);
    const begun = cluster.now();
    cluster.elect();
    return { ms: cluster.now() - begun, campaigns: campaigns() - before };
  }

  test("time-outs are spread over the whole interval from one election time-out to two", () => {
    const drawn: number[] = [];
    for (let seed = 1; seed <= SEEDS; seed += 1) drawn.push(...lapses(seed));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(electionMs);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(2 * electionMs);
    for (const part of [0, 1, 2, 3]) {
      const from = electionMs * (1 + part / 4);
      const within = drawn.filter((ms) => ms >= from && ms < from + electionMs / 4).length;
      expect(within / drawn.length).toBeGreaterThan(0.15);
    }
  });

  /** When each of five members that hear nothing first asks the others. */
  function lapses(seed: number): number[] {
    const cluster = createCluster({ size: 5, seed });
    const first = new Map<number, number>();
    cluster.control.passes = (from, _to, message) => {
      if (message.kind === "probe" && !first.has(from)) first.set(from, cluster.now());
      return false;
    };
    cluster.startAll();
    cluster.run(2 * electionMs + 1);
    expect(first.size).toBe(5);
    expect(new Set(first.values()).size).toBeGreaterThanOrEqual(4);
    return [...first.values()];
  }

  test("a dead leader of five is replaced by the first to lapse, in nearly all of 60 lives", () => {
    const lives = Array.from({ length: SEEDS }, (_, index) => replaced(index + 1));
    expect(lives.filter((life) => life.campaigns === 1).length).toBeGreaterThan(SEEDS * 0.9);
    expect(Math.max(...lives.map((life) => life.ms))).toBeLessThan(3 * electionMs);
  });
});
