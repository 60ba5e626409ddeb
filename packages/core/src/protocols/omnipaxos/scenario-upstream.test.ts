import { flexible, type NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { OmniPaxosMessage } from "./messages.ts";
import { type Cluster, type ClusterOptions, createCluster } from "./testing/cluster.ts";
import { OMNIPAXOS_TUNING } from "./tuning.ts";

/** What the library's own tests ask for, as behaviours of a configuration. */
const { electionMs, resendMs } = OMNIPAXOS_TUNING;

type Kind = OmniPaxosMessage["kind"];

function settled(options: Partial<ClusterOptions> = {}): { cluster: Cluster; leader: NodeId } {
  const cluster = createCluster({ size: 3, ...options });
  cluster.startAll();
  const leader = cluster.elect().id;
  cluster.run(electionMs);
  return { cluster, leader };
}

/** Loses these kinds to or from one node, in addition to what is lost already. */
function lose(cluster: Cluster, node: NodeId, kinds: readonly Kind[]): void {
  const before = cluster.control.passes;
  cluster.control.passes = (from, to, message) =>
    !((from === node || to === node) && kinds.includes(message.kind)) && before(from, to, message);
}

function requests(client: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${client}#${index + 1}`);
}

function executedEverywhere(cluster: Cluster, names: readonly string[]): boolean {
  const running = cluster.nodes.filter((node) => node.alive);
  return running.every((node) => names.every((name) => node.executed.includes(name)));
}

describe("elections", () => {
  test("ble_test: seven members lose their leader three times, another one leads each time", () => {
    const { cluster } = settled({ size: 7 });
    const leaders = new Set<NodeId>();
    for (let kill = 0; kill < 3; kill += 1) {
      const leader = cluster.elect().id;
      expect(leaders.has(leader)).toBe(false);
      leaders.add(leader);
      cluster.crash(leader, 0);
      cluster.run(4 * electionMs);
    }
    expect(cluster.elect()).toBeDefined();
  });

  test("X6: priority decides among those that take over, and moves nothing alone", () => {
    const { cluster } = settled({ size: 5, ownTuning: { 1: { priority: 9 } } });
    expect(cluster.elect().id).toBe(1);
    cluster.crash(1, 0);
    cluster.run(4 * electionMs);
    const { id: leader } = cluster.elect();
    cluster.start(1);
    cluster.run(10 * electionMs);
    expect(cluster.elect().id).toBe(leader);
    cluster.crash(leader, 0);
    cluster.run(3 * electionMs);
    expect(cluster.elect().id).toBe(1);
  });
});

describe("the log", () => {
  test("consensus_test: what was proposed before anybody led is decided everywhere", () => {
    const cluster = createCluster({ size: 3 });
    cluster.startAll();
    const names = requests("a", 200);
    for (const name of names) cluster.propose(1, name);
    expect(cluster.runUntil(() => executedEverywhere(cluster, names), 3000)).toBe(true);
    for (const node of cluster.nodes) expect(node.executed).toEqual(names);
  });

  test("X10: so is a stop, and nothing comes after it", () => {
    const cluster = createCluster({ size: 3 });
    cluster.startAll();
    cluster.input(1, { kind: "stop", command: cluster.command("stop", 1, "stop") });
    const stopped = (): boolean => cluster.nodes.every(({ state }) => state.sequence.stoppedAt > 0);
    expect(cluster.runUntil(stopped, 3000)).toBe(true);
    cluster.propose(0, "a#1");
    cluster.run(1000);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["stop#1"]);
    expect(cluster.node(0).released.at(-1)).toEqual({ outcome: "never", requests: ["a#1"] });
  });

  test("forward_proposal_test: appended at any of seven, decided there", () => {
    const { cluster, leader } = settled({ size: 7 });
    cluster.propose((leader + 3) % 7, "a#1");
    cluster.run(20);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1"]);
  });

  test("batching_test: what waits for the window becomes one value", () => {
    const { cluster, leader } = settled({ tuning: { window: 1 } });
    const names = requests("a", 31);
    for (const name of names) cluster.propose(leader, name);
    expect(cluster.runUntil(() => executedEverywhere(cluster, names), 100)).toBe(true);
    expect(cluster.node(leader).executedUpTo).toBe(2);
  });

  test("increasing_accept_seq_num_test: each accept goes on where the one before ended", () => {
    const { cluster, leader } = settled();
    const firsts: number[] = [];
    cluster.control.passes = (_from, to, message) => {
      if (message.kind === "accept" && to === (leader + 1) % 3) firsts.push(message.first);
      return true;
    };
    for (const name of requests("a", 10)) cluster.propose(leader, name);
    cluster.run(50);
    const { length } = cluster.node(leader).state.sequence;
    expect(firsts).toEqual(Array.from({ length }, (_, index) => index + 1));
  });
});

describe("flexible quorums of eight, 6 to promise and 3 to accept", () => {
  const members = Array.from({ length: 7 }, (_, id) => id);
  const quorums = flexible(members, { phase1: 5, phase2: 3 });

  test("flexible_quorum_prepare_phase_test: two die, both halves are decided", () => {
    const { cluster, leader } = settled({ size: 7, quorums });
    cluster.propose(leader, "a#1");
    cluster.run(20);
    cluster.crash(leader, 0);
    cluster.crash((leader + 1) % 7, 0);
    cluster.run(3 * electionMs);
    cluster.propose(cluster.elect().id, "b#1");
    cluster.run(20);
    expect(executedEverywhere(cluster, ["a#1", "b#1"])).toBe(true);
  });

  test("flexible_quorum_accept_phase_test: four followers die, the leader goes on", () => {
    const { cluster, leader } = settled({ size: 7, quorums });
    const { round } = cluster.node(leader).state.sequence.promised;
    for (let other = 1; other <= 4; other += 1) cluster.crash((leader + other) % 7, 0);
    cluster.run(5 * electionMs);
    cluster.propose(leader, "a#1");
    cluster.run(20);
    expect(executedEverywhere(cluster, ["a#1"])).toBe(true);
    expect(cluster.elect().state.sequence.promised).toMatchObject({ round, proposer: leader });
  });
});

describe("a follower that missed something", () => {
  test.each<[string, readonly Kind[]]>([
    ["dropped_accepts", ["accept"]],
    ["dropped decides (X5)", ["decide"]],
    ["dropped accepteds (X5)", ["accepted"]],
  ])("reconnect_after_%s: it is said again with nothing proposed after it", (_, kinds) => {
    const { cluster, leader } = settled();
    const away = (leader + 1) % 3;
    lose(cluster, away, kinds);
    cluster.crash((leader + 2) % 3, 0);
    cluster.propose(leader, "a#1", "a#2");
    cluster.run(20);
    cluster.heal();
    cluster.run(2 * resendMs + electionMs);
    expect(executedEverywhere(cluster, ["a#1", "a#2"])).toBe(true);
  });

  test.each<[string, readonly Kind[]]>([
    ["prepare", ["prepare"]],
    ["promise", ["promise"]],
    ["sync", ["acceptSync"]],
  ])("reconnect_after_dropped_%s: it gets the log of the new leader", (_, kinds) => {
    const { cluster, leader } = settled({ size: 5 });
    const away = (leader + 1) % 5;
    cluster.crash(leader, 0);
    lose(cluster, away, kinds);
    cluster.run(4 * electionMs);
    const next = cluster.elect().id;
    cluster.propose(next, "a#1");
    cluster.run(20);
    cluster.heal();
    cluster.run(2 * resendMs);
    const { role, acceptedIn } = cluster.node(away).state.sequence;
    expect(role.kind === "follower" ? role.stage : role.kind).toBe("accepting");
    expect(acceptedIn).toEqual(cluster.node(next).state.sequence.promised);
    expect(executedEverywhere(cluster, ["a#1"])).toBe(true);
  });

  test("values are said again ever more rarely, so that no slow link is filled with them", () => {
    const { cluster, leader } = settled({ size: 5 });
    const away = (leader + 1) % 5;
    cluster.crash(leader, 0);
    let syncs = 0;
    cluster.control.passes = (_from, to, message) => {
      if (message.kind !== "acceptSync" || to !== away) return true;
      syncs += 1;
      return false;
    };
    cluster.run(4 * electionMs + 20 * resendMs);
    expect(syncs).toBeGreaterThanOrEqual(3);
    expect(syncs).toBeLessThanOrEqual(9);
  });

  test("reconnect_after_dropped_preparereq: asks to be prepared until it is", () => {
    const { cluster, leader } = settled();
    const away = (leader + 1) % 3;
    cluster.crash(away);
    lose(cluster, away, ["prepareRequest"]);
    cluster.start(away);
    cluster.run(3 * resendMs);
    expect(cluster.node(away).state.sequence.role).toMatchObject({ stage: "recover" });
    cluster.heal();
    cluster.run(2 * resendMs);
    expect(cluster.node(away).state.sequence.role).toMatchObject({ stage: "accepting" });
  });

  test("sync_full_test: undecided values of an old leader give way to what was decided", () => {
    const { cluster, leader } = settled();
    cluster.propose(leader, "a#1");
    cluster.run(20);
    cluster.partition([0, 1, 2].filter((id) => id !== leader));
    cluster.propose(leader, "x#1");
    cluster.propose(leader, "x#2");
    cluster.run(4 * electionMs);
    const next = cluster.elect().id;
    expect(next).not.toBe(leader);
    cluster.propose(next, "b#1");
    cluster.run(20);
    cluster.heal();
    cluster.run(3 * electionMs);
    for (const node of cluster.nodes) expect(node.executed).toEqual(["a#1", "b#1"]);
  });
});

describe("the recovery tests that are ignored upstream", () => {
  test.each([
    ["leader", "leader"],
    ["leader", "follower"],
    ["follower", "leader"],
    ["follower", "follower"],
  ])(
    "%s_fail_%s_propose_test: the recovered node ends with the complete log",
    (fails, proposes) => {
      const { cluster, leader } = settled();
      const failing = fails === "leader" ? leader : (leader + 1) % 3;
      const first = requests("a", 20);
      for (const name of first) cluster.propose(leader, name);
      cluster.run(3);
      cluster.crash(failing);
      cluster.run(4 * electionMs);
      cluster.start(failing);
      cluster.run(3 * electionMs);
      const next = cluster.elect().id;
      const second = requests("b", 20);
      const proposer = proposes === "leader" ? next : (next + 1) % 3;
      for (const name of second) cluster.propose(proposer, name);
      cluster.run(2 * electionMs);
      expect(executedEverywhere(cluster, second)).toBe(true);
      const logs = cluster.nodes.map((node) => node.executed);
      expect(logs[1]).toEqual(logs[0]);
      expect(logs[2]).toEqual(logs[0]);
    },
  );
});

describe("snapshots and trimming", () => {
  test("X1: a follower that was away gets a snapshot with everything in it", () => {
    const { cluster, leader } = settled({ tuning: { retainBytes: 0 } });
    const away = (leader + 1) % 3;
    for (const name of ["a#1", "a#2", "a#3"]) cluster.propose(leader, name);
    cluster.run(20);
    cluster.partition([0, 1, 2].filter((id) => id !== away));
    for (const name of ["a#4", "a#5"]) cluster.propose(leader, name);
    cluster.run(20);
    for (const node of cluster.nodes) if (node.id !== away) cluster.compact(node.id);
    cluster.heal();
    cluster.run(2 * electionMs);
    expect(cluster.node(away).stateRequests).not.toEqual([]);
    expect(cluster.node(away).executed).toEqual(requests("a", 5));
  });

  test("X2: undecided values of an ex-leader get into no snapshot", () => {
    const { cluster, leader } = settled({ tuning: { retainBytes: 0 } });
    for (const name of ["a#1", "a#2"]) cluster.propose(leader, name);
    cluster.run(20);
    cluster.partition([0, 1, 2].filter((id) => id !== leader));
    for (const name of requests("x", 4)) cluster.propose(leader, name);
    cluster.compact(leader);
    cluster.run(4 * electionMs);
    const next = cluster.elect().id;
    for (const name of ["b#1", "b#2"]) cluster.propose(next, name);
    cluster.run(20);
    for (const node of cluster.nodes) if (node.id !== leader) cluster.compact(node.id);
    cluster.heal();
    cluster.run(3 * electionMs);
    expect(cluster.node(leader).executed).toEqual(["a#1", "a#2", "b#1", "b#2"]);
  });

  test("X3: a dead member keeps nobody from trimming, twice", () => {
    const { cluster, leader } = settled({ tuning: { retainBytes: 0 } });
    cluster.crash((leader + 1) % 3, 0);
    for (const count of [1, 2]) {
      cluster.propose(leader, `a#${count}`);
      cluster.run(20);
      cluster.compact(leader);
      expect(cluster.node(leader).state.sequence.compactedUpTo).toBe(count);
    }
  });

  test("X4: a member that missed a decide, a trim and two changes of leader comes back", () => {
    const { cluster, leader } = settled({ size: 5, tuning: { retainBytes: 0 } });
    const away = (leader + 1) % 5;
    lose(cluster, away, ["decide", "learn"]);
    for (const name of requests("a", 10)) cluster.propose(leader, name);
    cluster.run(20);
    cluster.crash(away, 0);
    for (const node of cluster.nodes) if (node.alive) cluster.compact(node.id);
    cluster.crash(leader, 0);
    cluster.run(4 * electionMs);
    const next = cluster.elect().id;
    cluster.start(leader);
    cluster.heal();
    cluster.run(2 * electionMs);
    cluster.crash(next, 0);
    cluster.start(away);
    cluster.run(5 * electionMs);
    cluster.propose(cluster.elect().id, "b#1");
    cluster.run(20);
    expect(executedEverywhere(cluster, [...requests("a", 10), "b#1"])).toBe(true);
  });
});

describe("X12: what was forwarded", () => {
  test("and waits at the leader does not wait there twice when it is proposed again", () => {
    const { cluster, leader } = settled({ tuning: { window: 1, batchBytesMax: 1 } });
    lose(cluster, leader, ["accept"]);
    for (let again = 0; again < 5; again += 1) {
      for (const name of ["a#1", "a#2"]) cluster.propose((leader + 1) % 3, name);
      cluster.run(10);
    }
    // The first one is under way; the other, and the first one again, wait once each.
    expect(cluster.node(leader).state.sequence.queue).toHaveLength(2);
  });

  test("is told to be in doubt when the way to the leader changes", () => {
    const { cluster, leader } = settled();
    const other = (leader + 1) % 3;
    lose(cluster, other, ["forward"]);
    cluster.propose(other, "a#1");
    cluster.crash(leader, 0);
    cluster.run(4 * electionMs);
    expect(cluster.node(other).released).toEqual([{ outcome: "unknown", requests: "all" }]);
  });
});
