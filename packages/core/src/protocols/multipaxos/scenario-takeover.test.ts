import type { NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import { createStage, type Stage } from "./testing/stage.ts";

const FIVE: readonly NodeId[] = [0, 1, 2, 3, 4];
const THREE: readonly NodeId[] = [0, 1, 2];

/**
 * "v#1" is chosen in slot 2 by nodes 0, 1 and 2 of five; the word of it reached node 1 only, and
 * the leader is gone.
 */
function chosenButHardlyKnown(tuning: Readonly<Record<string, number>>): Stage {
  const stage = createStage({ size: 5, tuning });
  stage.elect(0, FIVE);
  stage.converse(FIVE);
  stage.propose(0, "v#1");
  for (const to of [1, 2]) stage.deliver({ from: 0, to, kinds: ["accept"] });
  stage.deliver({ to: 0, kinds: ["accepted"] });
  stage.deliver({ from: 0, to: 1, kinds: ["commit"] });
  expect(FIVE.map((id) => stage.node(id).state.chosenUpTo)).toEqual([2, 2, 1, 1, 1]);
  expect(stage.held(3, 2)).toBe(undefined);
  stage.lose({ from: 0 });
  stage.crash(0);
  return stage;
}

describe("RS1: a lagging candidate of five never proposes over a slot that is chosen", () => {
  test.each<[string, Readonly<Record<string, number>>]>([
    ["and repeated in a promise", {}],
    ["and only mentioned in a promise, because there is too much of it", { promiseBytes: 1 }],
  ])("%s", (_, tuning) => {
    const stage = chosenButHardlyKnown(tuning);
    stage.elect(3, [1, 3, 4]);
    expect(stage.node(3).state.role.kind).toBe("leader");
    stage.converse([1, 2, 3, 4]);
    stage.timeout(3, "catchUp");
    stage.converse([1, 2, 3, 4]);
    stage.restart(0);
    stage.timeout(3, "heartbeat");
    stage.converse(FIVE);
    for (const id of FIVE) stage.timeout(id, "catchUp");
    stage.converse(FIVE);
    for (const id of FIVE) expect(stage.held(id, 2)).toBe("v#1");
    expect(FIVE.map((id) => stage.node(id).executed)).toEqual(FIVE.map(() => ["v#1"]));
  });

  test("and compacted where it is known", () => {
    const stage = chosenButHardlyKnown({ retainBytes: 0, preVote: 0 });
    stage.cluster.compact(1);
    expect(stage.held(1, 2)).toBe(undefined);
    stage.elect(3, [1, 3, 4]);
    expect(stage.node(3).state.role.kind).toBe("leader");
    stage.converse([1, 2, 3, 4]);
    stage.timeout(3, "catchUp");
    stage.converse([1, 2, 3, 4]);
    expect(stage.node(3).stateRequests).toHaveLength(1);
    stage.cluster.run(50);
    stage.converse([1, 2, 3, 4]);
    expect(stage.node(3).executed).toEqual(["v#1"]);
    expect(stage.held(2, 2)).toBe("v#1");
    expect(stage.node(3).state.chosenUpTo).toBe(3);
  });
});

describe("RS9: a restart forgets nothing that others were told", () => {
  test("an acceptor that restarts keeps its promise: the old leader's accept is refused", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.converse(THREE);
    stage.propose(0, "v#1");
    stage.elect(2, [1, 2]);
    expect(stage.node(2).state.role.kind).toBe("leader");
    stage.crash(1);
    stage.restart(1);
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    expect(stage.held(1, 2)).toBe(undefined);
    expect(stage.deliver({ from: 1, to: 0 }).map((l) => l.message.kind)).toEqual(["nack"]);
    expect(stage.node(0).state.role.kind).toBe("follower");
    stage.lose({ from: 0 });
    stage.propose(2, "w#1");
    stage.converse(THREE);
    expect(stage.node(1).executed).toEqual(["w#1"]);
  });

  test("an acceptor that restarts keeps what it accepted: the next leader finds it", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.converse(THREE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    stage.deliver({ from: 1, to: 0, kinds: ["accepted"] });
    expect(stage.node(0).executed).toEqual(["v#1"]);
    stage.lose({ from: 0 });
    stage.crash(0);
    stage.crash(1);
    stage.restart(1);
    expect(stage.held(1, 2)).toBe("v#1");
    stage.elect(2, [1, 2]);
    stage.propose(2, "w#1");
    stage.converse([1, 2]);
    expect(stage.node(2).executed).toEqual(["v#1", "w#1"]);
  });

  test("a candidate that restarts never uses its ballot again", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, [0, 1]);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    expect(stage.node(0).state.leaderBallot).toEqual({ round: 1, proposer: 0 });
    stage.lose({});
    stage.crash(0);
    stage.restart(0);
    stage.elect(0, [0, 2]);
    expect(stage.node(0).state.role.kind).toBe("leader");
    expect(stage.node(0).state.leaderBallot).toEqual({ round: 2, proposer: 0 });
  });
});

describe("RS8: a restarted leader neither follows itself nor stumbles over what it was", () => {
  test("it keeps what it is asked until somebody leads, and that is executed once", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.propose(0, "v#1");
    stage.deliver({ from: 0, to: 1, kinds: ["accept"] });
    const late = stage.deliver({ from: 1, to: 0, kinds: ["accepted"] });
    stage.lose({ from: 0 });
    stage.crash(0);
    stage.restart(0);
    // Its own old ballot comes back to it, from an answer that was under way and from a question.
    for (const letter of late) stage.repeat(letter);
    stage.deliver({ from: 1, to: 0 });
    stage.timeout(1, "election");
    stage.deliver({ from: 1, to: 0 });
    stage.lose({});
    expect(stage.node(0).state.leader).toBe(null);
    stage.propose(0, "w#1");
    expect(stage.letters).toEqual([]);
    expect(stage.node(0).released).toEqual([]);
    stage.elect(1, THREE);
    stage.converse(THREE);
    stage.timeout(2, "catchUp");
    stage.converse(THREE);
    for (const id of THREE) expect(stage.node(id).executed).toEqual(["v#1", "w#1"]);
  });

  test("it leads again, in a higher ballot, and proposes what it had proposed", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.propose(0, "v#1");
    stage.crash(0);
    stage.restart(0);
    stage.lose({});
    stage.propose(0, "w#1");
    stage.elect(0, THREE);
    stage.converse(THREE);
    for (const id of THREE) expect(stage.node(id).executed).toEqual(["v#1", "w#1"]);
  });

  test("whoever is no member is not heard, whatever it says", () => {
    const stage = createStage({ size: 3 });
    stage.elect(0, THREE);
    stage.converse(THREE);
    const ballot = { round: 7, proposer: 9 };
    const before = structuredClone({ ...stage.node(1).state, settings: null });
    const { input } = stage.cluster;
    for (const message of [
      { kind: "prepare", ballot, chosenUpTo: 1 },
      { kind: "accept", ballot, first: 2, values: [new Uint8Array(0)], chosenUpTo: 1 },
      { kind: "heartbeat", ballot, round: 1, chosenUpTo: 9 },
      { kind: "forward", passedOn: false, value: new Uint8Array(3) },
      { kind: "catchUp", first: 1, last: 1 },
    ] as const)
      input(1, { kind: "message", from: 9, message });
    expect({ ...stage.node(1).state, settings: null }).toEqual(before);
    expect(stage.letters).toEqual([]);
    // Nor does a member make it a leader to whom anything would be forwarded.
    const nack = { kind: "nack", refused: ballot, promised: ballot, chosenUpTo: 1 } as const;
    input(1, { kind: "message", from: 2, message: nack });
    input(1, { kind: "message", from: 2, message: { kind: "commit", ballot, chosenUpTo: 1 } });
    stage.propose(1, "v#1");
    stage.converse(THREE);
    expect(stage.node(2).executed).toEqual(["v#1"]);
  });
});
