import type { NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import { createCluster } from "./testing/cluster.ts";

/** Long enough for ten elections. */
const LONG_MS = 10_000;

describe("RS2: of an even number of members, half is no quorum", () => {
  test.each([2, 4, 6])("%i members in two halves: neither executes anything", (size) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const cluster = createCluster({ size, seed });
      cluster.startAll();
      const first = cluster.elect();
      cluster.run(200);
      const before = cluster.sequence.size;
      const half = cluster.members.length / 2;
      const left: NodeId[] = cluster.members.slice(0, half);
      const right: NodeId[] = cluster.members.slice(half);
      cluster.partition(left, right);
      for (const id of cluster.members) cluster.propose(id, `n${id}#1`);
      cluster.run(LONG_MS);
      expect(cluster.sequence.size).toBe(before);
      expect(cluster.nodes.map((node) => node.executed)).toEqual(cluster.members.map(() => []));
      // The leader of before has noticed, and nobody on the other side has taken its place.
      expect(first.state.role.kind).not.toBe("leader");
      expect(cluster.leader()).toBe(undefined);

      cluster.heal();
      cluster.elect();
      for (const id of cluster.members) cluster.propose(id, `m${id}#1`);
      cluster.run(1000);
      const [one, ...others] = cluster.nodes.map((node) => node.executed);
      for (const executed of others) expect(executed).toEqual(one);
      for (const id of cluster.members) expect(one).toContain(`m${id}#1`);
    }
  });

  test("3 of 4 go on without the fourth", () => {
    const cluster = createCluster({ size: 4 });
    cluster.startAll();
    cluster.elect();
    cluster.partition([0, 1, 2], [3]);
    cluster.run(2000);
    cluster.propose(0, "a#1");
    cluster.run(2000);
    expect(cluster.nodes.map((node) => node.executed)).toEqual([["a#1"], ["a#1"], ["a#1"], []]);
  });

  test.each([1, 2])("%i members work, as long as all of them do", (size) => {
    const cluster = createCluster({ size });
    cluster.startAll();
    cluster.elect();
    cluster.propose(0, "a#1");
    cluster.run(500);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1"]);
  });
});
