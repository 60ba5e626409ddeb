import { describe, expect, test } from "vitest";
import { createCluster } from "./testing/cluster.ts";
import { leading } from "./testing/solo.ts";
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
    expect(
      solo.message(1, { kind: "accepted", ballot: solo.state.promised, length: 3, chosenUpTo: 0 }),
    ).toEqual([]);
  });

  test("that says no more than what is decided leaves a leader in its place", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.durable();
    solo.message(1, { kind: "accepted", ballot: solo.state.promised, length: 1, chosenUpTo: 0 });
    solo.propose("a#2");
    solo.installed(1);
    expect(solo.state.role.kind).toBe("leader");
  });

  test("that deposed a leader of whom nobody knew better costs an election, not the service", () => {
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
