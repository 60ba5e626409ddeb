import { describe, expect, test } from "vitest";
import { createCluster } from "./testing/cluster.ts";
import { accepted, createSolo, leading, promise } from "./testing/solo.ts";
import { OMNIPAXOS_TUNING } from "./tuning.ts";

const { electionMs } = OMNIPAXOS_TUNING;

describe("a state from elsewhere", () => {
  test("deposes a leader that has not decided as much: its own slots there may have lost", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.propose("a#2");
    solo.propose("a#3");
    const lines = solo.installed(2);
    expect(lines.some((line) => line.includes("decide"))).toBe(false);
    expect(solo.state.role.kind).toBe("follower");
    expect(solo.state.decidedUpTo).toBe(2);
    expect(solo.log()).toBe("3:a#3 @100.0");
    expect(solo.message(1, accepted("100.0", 3))).toEqual([]);
  });

  test("that says no more than what is decided leaves a leader in its place", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.durable();
    solo.message(1, accepted("100.0", 1));
    solo.propose("a#2");
    solo.installed(1);
    expect(solo.state.role.kind).toBe("leader");
  });

  test("that deposed a leader of whom nobody knew better costs an election only", () => {
    const cluster = createCluster({ size: 3 });
    cluster.startAll();
    const leader = cluster.elect().id;
    cluster.control.passes = (_from, _to, { kind }) => kind !== "accepted";
    cluster.propose(leader, "a#1");
    cluster.run(20);
    const { length } = cluster.node(leader).state.sequence;
    const installed = { kind: "installed", position: { log: 0, index: length } } as const;
    expect(length).toBe(1);
    cluster.control.passes = () => true;
    const owner = cluster.node(leader);
    owner.executedUpTo = length;
    owner.executed = ["a#1"];
    cluster.input(leader, { ...installed, image: new Uint8Array(0) });
    cluster.run(5 * electionMs);
    cluster.propose(leader, "a#2");
    cluster.run(electionMs);
    for (const { executed } of cluster.nodes) expect(executed).toEqual(["a#1", "a#2"]);
  });
});

describe("a follower that gets from others what its leader has compacted", () => {
  test("is counted again: the leader asks how far its log reaches", () => {
    const cluster = createCluster({ size: 3, tuning: { retainBytes: 0 } });
    cluster.startAll();
    const leader = cluster.elect().id;
    const away = (leader + 1) % 3;
    const third = (leader + 2) % 3;
    cluster.run(electionMs);
    cluster.control.passes = (_from, to, { kind }) => to !== away || kind.startsWith("heartbeat");
    for (const name of ["a#1", "a#2", "a#3"]) cluster.propose(leader, name);
    cluster.run(20);
    for (const id of [leader, third]) cluster.compact(id);
    cluster.control.passes = () => true;
    cluster.run(2 * electionMs);
    cluster.crash(third, 0);
    cluster.propose(leader, "a#4");
    cluster.run(2 * electionMs);
    expect(cluster.node(leader).executed).toEqual(["a#1", "a#2", "a#3", "a#4"]);
  });

  test("is asked once in an interval, not after each of its answers", () => {
    const solo = leading({ tuning: { retainBytes: 0 } });
    solo.message(2, promise("100.0", { nonce: 1 }));
    solo.message(2, accepted("100.0", 0));
    solo.propose("a#1");
    solo.durable();
    solo.message(1, accepted("100.0", 1));
    solo.compact(1);
    solo.timeout("resend");
    const asks = "sendNow 2: accept ballot=100.0 previous=100.0 first=2 values=[] chosenUpTo=1";
    expect(solo.timeout("resend")).toContain(asks);
    expect(solo.message(2, accepted("100.0", 0))).not.toContain(asks);
    expect(solo.timeout("resend")).toContain(asks);
  });

  test("is counted again though the answer to its sync was lost, and more is decided since", () => {
    const solo = createSolo({ tuning: { chunkBytes: 60 } });
    solo.campaign("100.0");
    solo.durable();
    solo.message(1, promise("100.0", { nonce: 1 }));
    solo.message(2, promise("100.0", { nonce: 1 }));
    solo.propose("a#1");
    solo.propose("a#2");
    solo.durable();
    solo.message(1, accepted("100.0", 2));
    expect(solo.state.decidedUpTo).toBe(2);
    expect(solo.timeout("resend")).toContain(
      "sendNow 2: accept ballot=100.0 previous=100.0 first=3 values=[] chosenUpTo=2",
    );
    solo.message(2, accepted("100.0", 0));
    expect(solo.timeout("resend").join()).toContain("sendNow 2: accept");
  });
});
