import type { NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { MultipaxosMessage } from "./messages.ts";
import { type Cluster, createCluster, type TestNode } from "./testing/cluster.ts";
import { MULTIPAXOS_TUNING } from "./tuning.ts";

const { resendMs, heartbeatMs, electionMs } = MULTIPAXOS_TUNING;

type Kind = MultipaxosMessage["kind"];

/** Three members, the leader settled, nothing under way. */
function settled(): { cluster: Cluster; leader: TestNode; followers: TestNode[] } {
  const cluster = createCluster({ size: 3 });
  cluster.startAll();
  const leader = cluster.elect();
  cluster.run(heartbeatMs);
  return { cluster, leader, followers: cluster.nodes.filter((node) => node !== leader) };
}

/** From now on these kinds of messages are lost, all or those to one node; says how many were. */
function lose(cluster: Cluster, kinds: readonly Kind[], to?: NodeId): { count: number } {
  const lost = { count: 0 };
  const before = cluster.control.passes;
  cluster.control.passes = (from, target, message) => {
    const isMeant = kinds.includes(message.kind) && (to === undefined || to === target);
    if (isMeant) lost.count += 1;
    return !isMeant && before(from, target, message);
  };
  return lost;
}

describe("RS3: an accept that is lost once does not block what follows", () => {
  test("lost to all followers: it is sent again, and later slots wait no longer", () => {
    const { cluster, leader } = settled();
    const lost = lose(cluster, ["accept"]);
    cluster.propose(leader.id, "a#1");
    expect(lost.count).toBe(2);
    cluster.heal();
    cluster.propose(leader.id, "b#1");
    cluster.propose(leader.id, "c#1");
    cluster.run(10);
    expect(leader.executed).toEqual([]);
    cluster.run(2 * resendMs + heartbeatMs);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1", "b#1", "c#1"]);
  });

  test("lost with every resend but the fifth: nothing gives up", () => {
    const { cluster, leader } = settled();
    const lost = lose(cluster, ["accept"]);
    cluster.propose(leader.id, "a#1");
    cluster.run(4.5 * resendMs);
    // Twice at first, then to both followers once in an interval, from the second check on.
    expect(lost.count).toBeGreaterThanOrEqual(2 + 2 * 3);
    expect(lost.count).toBeLessThanOrEqual(2 + 2 * 5);
    cluster.heal();
    cluster.run(resendMs + heartbeatMs);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1"]);
  });

  test("an answer that is lost is asked for again", () => {
    const { cluster, leader } = settled();
    const lost = lose(cluster, ["accepted"]);
    cluster.propose(leader.id, "a#1");
    cluster.run(10);
    expect(lost.count).toBe(2);
    cluster.heal();
    cluster.run(2 * resendMs + heartbeatMs);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1"]);
  });
});

describe("RS4: a candidate whose first messages are lost does not wait for ever", () => {
  const KINDS: readonly (readonly [Kind, Kind])[] = [
    ["prepare", "prepare"],
    ["promise", "prepare"],
  ];

  test.each(KINDS)("a lost %s: the %s is sent again, in the same ballot", (kind) => {
    const cluster = createCluster({ size: 3, tuning: { electionMs: 1_000_000 } });
    cluster.startAll();
    const lost = lose(cluster, [kind]);
    cluster.input(0, { kind: "timeout", name: "election" });
    cluster.propose(0, "a#1");
    cluster.run(resendMs / 2);
    expect(lost.count).toBe(2);
    expect(cluster.node(0).state.role.kind).toBe("candidate");
    cluster.heal();
    cluster.run(resendMs);
    expect(cluster.node(0).state.role).toMatchObject({
      kind: "leader",
      ballot: { round: 1, proposer: 0 },
    });
    expect(cluster.node(2).executed).toEqual(["a#1"]);
  });

  test.each<Kind>(["probe", "probed", "prepare", "promise"])(
    "every %s is lost for a while: somebody tries again as soon as they arrive",
    (kind) => {
      const cluster = createCluster({ size: 3 });
      cluster.startAll();
      cluster.propose(1, "a#1");
      lose(cluster, [kind]);
      cluster.run(10 * electionMs);
      expect(cluster.leader()).toBe(undefined);
      cluster.heal();
      cluster.run(4 * electionMs);
      for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1"]);
    },
  );
});

describe("RS7: a follower that missed that a slot is chosen hears it while all is idle", () => {
  test("by the next heartbeat, when it holds the value", () => {
    const { cluster, leader, followers } = settled();
    const [idle] = followers as [TestNode];
    const lost = lose(cluster, ["commit"], idle.id);
    cluster.propose(leader.id, "a#1");
    cluster.run(20);
    expect(lost.count).toBe(1);
    expect(leader.executed).toEqual(["a#1"]);
    expect(idle.executed).toEqual([]);
    // A heartbeat, and no question to anybody.
    lose(cluster, ["catchUp"]);
    cluster.run(heartbeatMs + 10);
    expect(idle.executed).toEqual(["a#1"]);
  });

  test("by asking, when it missed the value too", () => {
    const { cluster, leader, followers } = settled();
    const [idle] = followers as [TestNode];
    lose(cluster, ["accept", "commit"], idle.id);
    cluster.propose(leader.id, "a#1");
    cluster.run(20);
    expect(idle.state.log.has(2)).toBe(false);
    cluster.run(heartbeatMs + MULTIPAXOS_TUNING.catchUpMs + 10);
    expect(idle.executed).toEqual(["a#1"]);
  });

  test("from any other member, when the leader does not answer", () => {
    const { cluster, leader, followers } = settled();
    const [idle, other] = followers as [TestNode, TestNode];
    lose(cluster, ["accept", "commit"], idle.id);
    const { passes } = cluster.control;
    const teachers: NodeId[] = [];
    cluster.control.passes = (from, to, message) => {
      if (message.kind === "learn") teachers.push(from);
      return passes(from, to, message) && (message.kind !== "learn" || from !== leader.id);
    };
    cluster.propose(leader.id, "a#1");
    cluster.run(heartbeatMs + MULTIPAXOS_TUNING.catchUpMs + resendMs + 20);
    expect(teachers).toEqual([leader.id, other.id]);
    expect(idle.executed).toEqual(["a#1"]);
  });
});
