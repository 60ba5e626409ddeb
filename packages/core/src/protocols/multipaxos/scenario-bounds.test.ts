import { Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type MultipaxosMessage, multipaxos } from "./index.ts";
import { createCluster } from "./testing/cluster.ts";
import { createStage } from "./testing/stage.ts";

const FAR = 2 ** 50;

function bytesOf(message: MultipaxosMessage): number {
  const writer = new Writer();
  multipaxos.messages.encode(writer, message);
  return writer.length;
}

describe("RS11: nothing grows without bound", () => {
  test("a leader that nobody answers opens a window, queues so much, refuses the rest", () => {
    const cluster = createCluster({ size: 3, tuning: { window: 5, queueBytesMax: 20_000 } });
    cluster.startAll();
    const leader = cluster.elect();
    cluster.run(50);
    cluster.control.passes = (_from, _to, message) => message.kind !== "accept";
    const names = Array.from({ length: 2000 }, (_, index) => `a#${index + 1}`);
    for (const name of names) cluster.propose(leader.id, name);
    cluster.run(1000);
    const { role, queueBytes, log } = leader.state;
    expect(role.kind === "leader" && role.open.size).toBe(5);
    expect(queueBytes).toBeLessThanOrEqual(20_000);
    expect(queueBytes).toBeGreaterThan(19_000);
    expect(log.size).toBeLessThanOrEqual(6);
    const refused = leader.released.flatMap(({ outcome, requests }) => {
      expect(outcome).toBe("never");
      return requests;
    });
    expect(refused.length).toBeGreaterThan(1000);
    cluster.heal();
    cluster.run(2000);
    expect(new Set([...leader.executed, ...refused])).toEqual(new Set(names));
    expect(leader.executed).toHaveLength(2000 - refused.length);
  });

  test("a slot far away takes no room, at an acceptor or a leader", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, [0, 1, 2]);
    stage.converse([0, 1, 2]);
    const { input } = stage.cluster;
    const { leaderBallot: ballot } = stage.node(1).state;
    const values = [new Uint8Array(0)];
    const accept = { kind: "accept", ballot, first: FAR, values, chosenUpTo: 1 } as const;
    input(1, { kind: "message", from: 0, message: accept });
    expect([...stage.node(1).state.log.keys()]).toEqual([1]);
    expect(stage.letters).toEqual([]);

    const runs = [{ first: 1, last: FAR }];
    const accepted = { kind: "accepted", ballot, runs, chosenUpTo: 1 } as const;
    input(0, { kind: "message", from: 1, message: accepted });
    input(0, { kind: "message", from: 1, message: { kind: "catchUp", first: 1, last: FAR } });
    expect(stage.letters.map((l) => l.message)).toMatchObject([{ kind: "learn", first: 1 }]);
    expect(stage.node(0).state.log.size).toBe(1);
  });

  test("a slot far away in a promise costs the new leader a window of no-ops at a time", () => {
    const stage = createStage({ size: 3, tuning: { window: 4 } });
    stage.timeout(0, "quiet");
    stage.timeout(0, "election");
    stage.deliver({ kinds: ["probe"] });
    stage.deliver({ kinds: ["probed"] });
    const role = stage.node(0).state.role;
    if (role.kind !== "candidate") throw new Error(`${role.kind} is no candidate`);
    const value = Uint8Array.of(1);
    const entry = { slot: FAR, ballot: { round: 0, proposer: 2 }, chosen: false, value };
    stage.cluster.input(0, {
      kind: "message",
      from: 2,
      message: {
        kind: "promise",
        ballot: role.ballot,
        chosenUpTo: 0,
        omittedUpTo: 0,
        first: 1,
        last: Number.MAX_SAFE_INTEGER,
        unknown: [],
        entries: [entry],
      },
    });
    expect(stage.node(0).state.role.kind).toBe("leader");
    expect([...stage.node(0).state.log.keys()]).toEqual([1, 2, 3, 4]);
  });

  test("what is in a snapshot leaves memory and journal", () => {
    const cluster = createCluster({ size: 3, tuning: { retainBytes: 500 } });
    cluster.startAll();
    const leader = cluster.elect();
    const sizes: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (let more = 0; more < 50; more += 1) {
        cluster.propose(leader.id, `a#${round * 50 + more + 1}`);
        cluster.run(2);
      }
      cluster.run(200);
      for (const id of cluster.members) cluster.compact(id);
      cluster.run(10);
      sizes.push(...cluster.nodes.flatMap((n) => [n.state.log.size, n.platter.items.length]));
    }
    expect(leader.executed).toHaveLength(500);
    expect(Math.max(...sizes)).toBeLessThan(20);
  });

  test("a blank member catches up in bounded messages, one at a time", () => {
    const tuning = { chunkBytes: 600, window: 4, batchBytesMax: 100 };
    const cluster = createCluster({ size: 3, tuning });
    cluster.start(0);
    cluster.start(1);
    const leader = cluster.elect();
    for (let number = 1; number <= 300; number += 1) {
      cluster.propose(leader.id, `a#${number}`);
      cluster.run(3);
    }
    expect(leader.executed).toHaveLength(300);

    let asked = 0;
    const learned: number[] = [];
    const sizes: number[] = [];
    cluster.control.passes = (_from, to, message) => {
      if (message.kind === "catchUp") asked += 1;
      if (message.kind === "learn") learned.push(message.values.length);
      if (to === 2 || message.kind === "promise") sizes.push(bytesOf(message));
      return true;
    };
    cluster.start(2);
    cluster.run(1500);
    expect(cluster.node(2).executed).toEqual(leader.executed);
    expect(Math.max(...sizes)).toBeLessThan(600 + 150);
    expect(learned.length).toBeGreaterThan(20);
    expect(asked).toBeLessThanOrEqual(learned.length + 2);
    expect(learned.reduce((sum, count) => sum + count, 0)).toBeLessThan(320);
  });

  test("a promise of many open slots comes in bounded parts, and counts when it is whole", () => {
    const stage = createStage({ size: 3, tuning: { chunkBytes: 150, batchBytesMax: 1 } });
    stage.elect(0, [0, 1, 2]);
    stage.converse([0, 1, 2]);
    const names = Array.from({ length: 8 }, (_, index) => `a#${index + 1}`);
    stage.propose(0, ...names);
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    stage.lose({});
    stage.crash(0);
    stage.timeout(1, "quiet");
    stage.timeout(2, "quiet");
    stage.timeout(2, "election");
    stage.deliver({ kinds: ["probe"] });
    stage.deliver({ kinds: ["probed"] });
    stage.deliver({ kinds: ["prepare"] });
    const parts = stage.letters.filter(({ message }) => message.kind === "promise");
    expect(parts.length).toBeGreaterThan(3);
    for (const { message } of parts) expect(bytesOf(message)).toBeLessThan(300);
    // The last part alone says nothing of the slots before it.
    const [last] = stage.lose({ from: 1, kinds: ["promise"] }).reverse();
    if (last === undefined) throw new Error("no promise");
    stage.repeat(last);
    stage.deliver({ from: 1 });
    expect(stage.node(2).state.role.kind).toBe("candidate");
    stage.timeout(2, "resend");
    stage.converse([1, 2]);
    expect(stage.node(2).executed).toEqual(names);
  });
});
