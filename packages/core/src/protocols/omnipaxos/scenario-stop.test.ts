import type { NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { OmniPaxosMessage } from "./messages.ts";
import { type Cluster, type ClusterOptions, createCluster } from "./testing/cluster.ts";
import { OMNIPAXOS_TUNING } from "./tuning.ts";

/**
 * What the library's own tests ask of the command that ends a configuration, and of members that
 * have to catch up with more than messages: UPSTREAM.md.
 */
const { electionMs, resendMs } = OMNIPAXOS_TUNING;

function settled(options: Partial<ClusterOptions> = {}): { cluster: Cluster; leader: NodeId } {
  const cluster = createCluster({ size: 3, ...options });
  cluster.startAll();
  const leader = cluster.elect().id;
  cluster.run(electionMs);
  return { cluster, leader };
}

function stop(cluster: Cluster, at: NodeId): void {
  cluster.input(at, { kind: "stop", command: cluster.command("stop", 1, "stop") });
}

/** Loses messages of one kind on their way to one node. */
function lose(cluster: Cluster, to: NodeId, lost: OmniPaxosMessage["kind"]): void {
  cluster.control.passes = (_from, target, { kind }) => target !== to || kind !== lost;
}

function stoppedAt(cluster: Cluster, id: NodeId): number {
  return cluster.node(id).state.sequence.stoppedAt;
}

describe("a stop", () => {
  test("resync_after_dropped_acceptstopsign: whoever missed it leads, and it is decided", () => {
    const { cluster, leader } = settled();
    const [missed, other] = [(leader + 1) % 3, (leader + 2) % 3];
    cluster.control.passes = (from, to, { kind }) =>
      (to !== missed || kind !== "accept") && (from !== other || kind !== "accepted");
    stop(cluster, leader);
    cluster.run(10);
    expect([leader, other, missed].map((id) => stoppedAt(cluster, id))).toEqual([0, 0, 0]);
    expect(cluster.node(other).state.sequence.length).toBe(1);
    cluster.crash(leader, 0);
    // The other one has the better log, but nobody that answers it: it may not stand.
    lose(cluster, other, "heartbeatReply");
    cluster.run(4 * electionMs);
    expect(cluster.elect().id).toBe(missed);
    expect([missed, other].map((id) => stoppedAt(cluster, id))).toEqual([1, 1]);
    expect(cluster.node(missed).executed).toEqual(["stop#1"]);
  });

  test("reconnect_after_dropped_acceptstopsign: it is said again until it is accepted", () => {
    const { cluster, leader } = settled();
    const away = (leader + 1) % 3;
    lose(cluster, away, "accept");
    cluster.crash((leader + 2) % 3, 0);
    stop(cluster, leader);
    cluster.run(20);
    expect(stoppedAt(cluster, leader)).toBe(0);
    cluster.heal();
    cluster.run(2 * resendMs);
    expect([leader, away].map((id) => stoppedAt(cluster, id))).toEqual([1, 1]);
  });

  test("reconnect_after_dropped_decidestopsign: whoever missed the decision learns it", () => {
    const { cluster, leader } = settled();
    const away = (leader + 1) % 3;
    lose(cluster, away, "decide");
    stop(cluster, leader);
    cluster.run(20);
    expect([leader, away].map((id) => stoppedAt(cluster, id))).toEqual([1, 0]);
    cluster.heal();
    cluster.run(2 * electionMs);
    expect(stoppedAt(cluster, away)).toBe(1);
  });

  test("sync_decided_ss_test: a decided one replaces what an old leader had undecided", () => {
    const { cluster, leader } = settled();
    cluster.propose(leader, "a#1");
    cluster.run(20);
    cluster.partition([0, 1, 2].filter((id) => id !== leader));
    for (const name of ["x#1", "x#2", "x#3"]) cluster.propose(leader, name);
    cluster.run(4 * electionMs);
    stop(cluster, cluster.elect().id);
    cluster.run(20);
    cluster.heal();
    cluster.run(3 * electionMs);
    for (const { executed } of cluster.nodes) expect(executed).toEqual(["a#1", "stop#1"]);
    expect(stoppedAt(cluster, leader)).toBe(2);
  });

  test("sync_only_stopsign_test: it is all there is, and whoever was away gets it", () => {
    const { cluster, leader } = settled();
    const away = (leader + 1) % 3;
    cluster.crash(away, 0);
    stop(cluster, leader);
    cluster.run(20);
    cluster.start(away);
    cluster.run(3 * electionMs);
    expect(cluster.node(away).executed).toEqual(["stop#1"]);
  });

  test("#96: is decided by a quorum of acceptances, not by who tells of it", () => {
    const { cluster, leader } = settled();
    const others = [0, 1, 2].filter((id) => id !== leader);
    cluster.partition(others);
    stop(cluster, leader);
    cluster.run(20);
    // Alone it stands in the log of the old leader; a new one that never heard of it goes on.
    expect(cluster.node(leader).state.sequence.length).toBe(1);
    cluster.run(4 * electionMs);
    cluster.propose(cluster.elect().id, "b#1");
    cluster.run(20);
    cluster.heal();
    cluster.run(3 * electionMs);
    for (const { id, executed } of cluster.nodes) {
      expect(executed).toEqual(["b#1"]);
      expect(stoppedAt(cluster, id)).toBe(0);
    }
  });

  test("#96: adopted from a promise, is accepted anew before it counts", () => {
    const { cluster, leader } = settled();
    const [next, third] = [0, 1, 2].filter((id) => id !== leader) as [NodeId, NodeId];
    cluster.control.passes = (_from, to, { kind }) =>
      kind !== "accepted" && (kind !== "accept" || to === next);
    stop(cluster, leader);
    cluster.run(20);
    cluster.crash(leader, 0);
    cluster.run(6 * electionMs);
    // Whoever leads has the stop in its log, but no acceptance by another comes through.
    expect(cluster.leader()?.state.sequence.length).toBe(1);
    expect([next, third].map((id) => stoppedAt(cluster, id))).toEqual([0, 0]);
    cluster.heal();
    cluster.run(3 * electionMs);
    expect([next, third].map((id) => stoppedAt(cluster, id))).toEqual([1, 1]);
  });
});

describe("members that have to catch up", () => {
  test("sync_only_snapshot_test: a log that is all snapshot, and a member without anything", () => {
    const { cluster, leader } = settled({ tuning: { retainBytes: 0 } });
    const away = (leader + 1) % 3;
    cluster.crash(away, 0);
    for (const name of ["a#1", "a#2", "a#3"]) cluster.propose(leader, name);
    cluster.run(20);
    for (const { id, alive } of cluster.nodes) if (alive) cluster.compact(id);
    cluster.start(away);
    cluster.run(3 * electionMs);
    expect(cluster.node(away).executed).toEqual(["a#1", "a#2", "a#3"]);
    expect(cluster.node(away).snapshot).toBe(cluster.node(leader).snapshot);
  });

  test("sync_follower_snapshot_test: one value beyond its own snapshot comes by message", () => {
    const { cluster, leader } = settled({ tuning: { retainBytes: 0 } });
    const away = (leader + 1) % 3;
    for (const name of ["a#1", "a#2", "a#3"]) cluster.propose(leader, name);
    cluster.run(20);
    for (const { id } of cluster.nodes) cluster.compact(id);
    cluster.crash(away, 0);
    cluster.propose(leader, "a#4");
    cluster.run(20);
    cluster.start(away);
    cluster.run(3 * electionMs);
    expect(cluster.node(away).stateRequests).toEqual([]);
    expect(cluster.node(away).executed).toEqual(["a#1", "a#2", "a#3", "a#4"]);
  });
});

test("preparable_peers_test, #156, X3: members have any ids, and trim with one dead", () => {
  const members = [2, 40, 65_535];
  const { cluster, leader } = settled({ members, tuning: { retainBytes: 0 } });
  const dead = members.find((id) => id !== leader) as NodeId;
  const other = members.find((id) => id !== leader && id !== dead) as NodeId;
  cluster.crash(dead, 0);
  for (let count = 1; count <= 10; count += 1) cluster.propose(other, `a#${count}`);
  cluster.run(50);
  cluster.compact(leader);
  const { compactedUpTo, decidedUpTo } = cluster.node(leader).state.sequence;
  expect(compactedUpTo).toBeGreaterThan(0);
  expect(compactedUpTo).toBe(decidedUpTo);
  cluster.start(dead);
  cluster.run(3 * electionMs);
  expect(cluster.node(dead).executed).toHaveLength(10);
});

describe("the configuration after it", () => {
  const leaders = ({ nodes }: Cluster): NodeId[] =>
    nodes.filter(({ state }) => state.sequence.role.kind === "leader").map(({ id }) => id);

  test("who led before leads again at once; without it nobody does before a round is over", () => {
    const usual = createCluster({ size: 3 });
    usual.startAll();
    usual.run(electionMs / 2);
    expect(leaders(usual)).toEqual([]);
    const cluster = createCluster({ size: 3, led: 0 });
    cluster.startAll();
    cluster.run(electionMs / 2);
    expect(leaders(cluster)).toEqual([0]);
    // Nobody outbids it when the rounds begin to be judged.
    cluster.run(6 * electionMs);
    expect(leaders(cluster)).toEqual([0]);
    const campaigns = cluster.nodes.flatMap((n) => n.observed.filter((e) => e === "campaign"));
    expect(campaigns).toHaveLength(1);
  });

  test("who may not vote does not lead on, though it led before", () => {
    const cluster = createCluster({ size: 3, led: 0, nonVoters: [0] });
    cluster.startAll();
    cluster.run(electionMs / 2);
    expect(leaders(cluster)).toEqual([]);
    cluster.run(6 * electionMs);
    expect(leaders(cluster)).toHaveLength(1);
  });
});
