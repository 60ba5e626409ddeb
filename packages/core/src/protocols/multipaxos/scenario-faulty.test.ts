import type { NodeId, Slot } from "@synod/core";
import { describe, expect, test } from "vitest";
import { rot, written } from "../../testing/disk.ts";
import { decodeRecord } from "./records.ts";
import { createStage, type Stage } from "./testing/stage.ts";

/** The record of an acceptance in `slot` rots on a node that is down. */
function rotAcceptance(stage: Stage, id: NodeId, slot: Slot): void {
  const { platter } = stage.node(id);
  let found = 0;
  for (const item of written(platter)) {
    const record = decodeRecord(item.record);
    if (record?.kind !== "accepted") continue;
    if (slot < record.first || slot >= record.first + record.values.length) continue;
    rot(platter, item);
    found += 1;
  }
  expect(found).toBeGreaterThan(0);
}

/**
 * v#1 is chosen in slot 2 by 0 and 1, and executed by 0; 2 has heard nothing of it, or accepted it
 * without being heard.
 */
function chosenByTwo(alsoHeldBy2 = false): Stage {
  const stage = createStage({ size: 3 });
  stage.elect(0, [0, 1, 2]);
  stage.converse([0, 1, 2]);
  stage.propose(0, "v#1");
  stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
  stage.deliver({ from: 1, to: 0, kinds: ["accepted"] });
  if (alsoHeldBy2) stage.deliver({ from: 0, to: 2, kinds: ["accept"] });
  expect(stage.node(0).executed).toEqual(["v#1"]);
  stage.lose({});
  expect(stage.held(1, 2)).toBe("v#1");
  expect(stage.held(2, 2)).toBe(alsoHeldBy2 ? "v#1" : undefined);
  return stage;
}

function roles(stage: Stage): string[] {
  return stage.cluster.nodes.map(({ alive, state }) => (alive ? state.role.kind : "down"));
}

describe("a value is chosen by 0 and 1, and rots on 1 while 0 is away", () => {
  test.each<[NodeId, NodeId]>([
    [1, 2],
    [2, 1],
  ])("%i, with the promise of %i, chooses nothing in its place", (candidate, other) => {
    const stage = chosenByTwo();
    stage.crash(0);
    stage.crash(1);
    rotAcceptance(stage, 1, 2);
    stage.restart(1);
    expect([stage.node(1).state.voter, [...stage.node(1).state.faulty.keys()]]).toEqual([
      true,
      [2],
    ]);
    stage.elect(candidate, [1, 2]);
    stage.propose(candidate, "w#1");
    stage.converse([1, 2]);
    const waiting = ["down", "follower", "follower"];
    waiting[candidate] = "candidate";
    expect(roles(stage)).toEqual(waiting);
    expect(stage.cluster.history.chosen.size).toBe(2);
    for (const id of [1, 2]) expect(stage.held(id, 2)).toBe(undefined);
    // Neither time nor the other one changes that, and no ballots are spent on it.
    const { promised } = stage.node(other).state;
    stage.timeout(candidate, "election");
    stage.timeout(other, "quiet");
    stage.timeout(other, "election");
    stage.converse([1, 2]);
    stage.timeout(candidate, "resend");
    stage.converse([1, 2]);
    expect(stage.node(other).state.promised).toEqual(promised);
    // 0 returns: its definite answer is all that was missing.
    stage.lose({});
    stage.restart(0);
    stage.timeout(candidate, "resend");
    stage.deliver({ from: candidate, to: 0 });
    stage.deliver({ from: 0, to: candidate });
    expect(stage.node(candidate).state.role.kind).toBe("leader");
    stage.converse([0, 1, 2]);
    for (const id of [0, 1, 2]) stage.timeout(id, "catchUp");
    stage.converse([0, 1, 2]);
    for (const { executed, state } of stage.cluster.nodes) {
      expect(executed).toEqual(["v#1", "w#1"]);
      expect(state.faulty.size).toBe(0);
    }
    expect(stage.node(1).observed).toContain("slot repaired");
  });

  test("the one whose copy rotted is a full voter again: with 2 alone, 0 being lost", () => {
    const stage = chosenByTwo();
    stage.crash(1);
    rotAcceptance(stage, 1, 2);
    stage.restart(1);
    stage.timeout(0, "heartbeat");
    stage.converse([0, 1]);
    stage.timeout(1, "catchUp");
    stage.converse([0, 1]);
    expect(stage.node(1).state.faulty.size).toBe(0);
    stage.crash(0);
    stage.lose({});
    // A compaction syncs what it has only noted; unrepaired it would have to be asked again.
    stage.cluster.compact(1);
    stage.cluster.run(5);
    stage.crash(1);
    stage.restart(1);
    stage.elect(2, [1, 2]);
    stage.propose(2, "w#1");
    stage.converse([1, 2]);
    for (const id of [1, 2]) expect(stage.node(id).executed).toEqual(["v#1", "w#1"]);
  });

  test("2 has it as well: its one copy stands for the one that rotted, 0 is not needed", () => {
    const stage = chosenByTwo(true);
    stage.crash(0);
    stage.crash(1);
    rotAcceptance(stage, 1, 2);
    stage.restart(1);
    stage.elect(1, [1, 2]);
    stage.converse([1, 2]);
    for (const id of [1, 2]) expect(stage.node(id).executed).toEqual(["v#1"]);
  });

  test("rot of the promise: the old leader's proposal is still refused", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, [0, 1, 2]);
    stage.converse([0, 1, 2]);
    stage.propose(0, "v#1");
    const late = stage.lose({ from: 0, to: 1, kinds: ["accept"] });
    stage.lose({});
    stage.elect(2, [1, 2]);
    stage.lose({});
    stage.crash(1);
    const { platter } = stage.node(1);
    for (const item of written(platter))
      if (decodeRecord(item.record)?.kind === "promised") rot(platter, item);
    stage.restart(1);
    for (const letter of late) stage.repeat(letter);
    expect(stage.deliver({ from: 0, to: 1 }).length).toBe(1);
    expect(stage.held(1, 2)).toBe(undefined);
    expect(stage.letters.map(({ message }) => message.kind)).toContain("nack");
  });
});
