import type { NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import { roundMs } from "./pace.ts";
import { type Cluster, createCluster } from "./testing/cluster.ts";

/** A time-out that follows the links, in whole configurations. */
const TUNING = { electionMs: 500, electionMinMs: 60, electionMaxMs: 4000 };

function started(delayMs: number): Cluster {
  const cluster = createCluster({ size: 5, tuning: TUNING });
  cluster.faults.delayMs = delayMs;
  cluster.startAll();
  cluster.elect();
  cluster.run(60 * TUNING.electionMs);
  return cluster;
}

/** The longest round of anybody that runs. */
function longestMs({ nodes }: Cluster): number {
  const alive = nodes.filter((node) => node.alive);
  return Math.max(...alive.map(({ state }) => roundMs(state.pace, state.sequence.tuning)));
}

/** How long after the leader's crash somebody else has been elected. */
function failOver(cluster: Cluster): number {
  const before = cluster.now();
  cluster.crash(cluster.elect().id, 0);
  cluster.elect(60_000);
  return cluster.now() - before;
}

describe("the election time-out", () => {
  test.each([
    ["2 ms", 2, 60, 60],
    ["100 ms", 100, 400, 1300],
    ["400 ms", 400, 1600, 4000],
  ] as const)("with messages that take up to %s", (_name, delayMs, least, most) => {
    const cluster = started(delayMs);
    const longest = longestMs(cluster);
    expect(longest).toBeGreaterThanOrEqual(least);
    expect(longest).toBeLessThanOrEqual(most);
    expect(failOver(cluster)).toBeLessThanOrEqual(4 * longest);
  });

  test("over quick links the next leader is there five times as soon as by the fixed one", () => {
    const fixed = createCluster({ size: 5, tuning: { electionMs: 500 } });
    fixed.startAll();
    fixed.elect();
    fixed.run(5000);
    expect(failOver(started(1)) * 5).toBeLessThan(failOver(fixed));
  });

  test("follows links that become slow, and comes back with them; nobody is deposed twice", () => {
    const cluster = started(1);
    const { round } = cluster.elect().state.sequence.promised;
    cluster.faults.delayMs = 300;
    cluster.run(20_000);
    expect(longestMs(cluster)).toBeGreaterThan(900);
    const slow = cluster.elect().state.sequence.promised.round;
    expect(slow - round).toBeLessThanOrEqual(200);
    cluster.run(60_000);
    expect(cluster.elect().state.sequence.promised.round).toBe(slow);
    cluster.faults.delayMs = 1;
    cluster.run(60_000);
    expect(longestMs(cluster)).toBe(TUNING.electionMinMs);
    expect(cluster.elect().state.sequence.promised.round).toBe(slow);
  });

  test("is each member's own: one behind a slow link takes its time, and does not lead", () => {
    const cluster = started(1);
    const far: NodeId = (cluster.elect().id + 1) % 5;
    cluster.crash(far, 0);
    cluster.start(far);
    // What passes to and from it is held back by hand.
    cluster.control.passes = (from, to, message) => {
      if (from !== far && to !== far) return true;
      cluster.at(150, () => {
        if (cluster.node(to).alive) cluster.input(to, { kind: "message", from, message });
      });
      return false;
    };
    cluster.run(60_000);
    expect(longestMs(cluster)).toBeGreaterThanOrEqual(900);
    expect(cluster.elect().id).not.toBe(far);
    expect(cluster.node(far).state.election.happy).toBe(true);
  });
});
