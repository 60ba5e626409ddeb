import type { NodeId, Slot } from "@synod/core";
import { describe, expect, test } from "vitest";
import { createStage, type Stage } from "./testing/stage.ts";

/**
 * Lamport, "Paxos Made Simple" (2001) §3: the example of the new leader, with its own numbers. The
 * old leader's first slot is a no-op of its own, so command n of the paper is in slot n for n >= 2.
 */
const FIVE: readonly NodeId[] = [0, 1, 2, 3, 4];
const ALPHA = 8;

function command(slot: Slot): string {
  return `c#${slot}`;
}

/** Delivers the accepts for one slot to some, and what they answer. */
function accept(stage: Stage, slot: Slot, at: readonly NodeId[]): void {
  for (const to of at) stage.deliver({ from: 0, to, kinds: ["accept"], slot });
  for (const from of at) stage.deliver({ from, to: 0, kinds: ["accepted"], slot });
}

/**
 * The old leader, node 0, has had 1–134, 138 and 139 chosen; node 1, which is to lead next, knows
 * that. The proposals for 135 and 140 reached one other acceptor each; those for 136 and 137
 * nobody, not even its own disk: the leader's memory is gone with it.
 */
function oldLeaderFails(): Stage {
  const stage = createStage({ size: 5, tuning: { window: ALPHA } });
  stage.elect(0, FIVE);
  stage.converse(FIVE);
  for (let slot = 2; slot <= 134; slot += 1) {
    stage.propose(0, command(slot));
    stage.converse(FIVE);
  }
  for (let slot = 135; slot <= 140; slot += 1) stage.propose(0, command(slot));
  accept(stage, 135, [2]);
  for (const slot of [138, 139]) accept(stage, slot, [1, 2, 3]);
  accept(stage, 140, [3]);
  stage.lose({});
  // It has marked 138 and 139; whoever holds the chosen values may tell them to node 1.
  for (const slot of [138, 139]) {
    const value = stage.node(0).state.log.get(slot)?.value as Uint8Array;
    expect(stage.node(0).state.log.get(slot)?.chosen).toBe(true);
    const learn = { kind: "learn", first: slot, values: [value], chosenUpTo: 134 } as const;
    stage.cluster.input(1, { kind: "message", from: 0, message: learn });
  }
  stage.crash(0);
  stage.lose({});
  return stage;
}

describe("3 implementing a state machine", () => {
  test("the new leader knows 1–134, 138 and 139, and executes no further than 134", () => {
    const { node, held } = oldLeaderFails();
    expect(node(1).state.chosenUpTo).toBe(134);
    expect(node(1).executedUpTo).toBe(134);
    const chosen = [...node(1).state.log].flatMap(([slot, e]) => (e.chosen ? [slot] : []));
    expect(chosen.filter((slot) => slot > 134).sort()).toEqual([138, 139]);
    expect([135, 136, 137, 140].map((slot) => held(1, slot))).toEqual(Array(4).fill(undefined));
  });

  test("one phase 1 for 135–137 and everything above 139; 135 and 140 turn out constrained", () => {
    const stage = oldLeaderFails();
    for (const id of [1, 2, 3]) stage.timeout(id, "quiet");
    stage.timeout(1, "election");
    for (const to of [2, 3]) stage.deliver({ from: 1, to, kinds: ["probe"] });
    for (const from of [2, 3]) stage.deliver({ from, to: 1, kinds: ["probed"] });
    const prepares = stage.letters.filter((letter) => letter.message.kind === "prepare");
    expect(prepares.map((letter) => letter.message)).toMatchObject(
      Array(4).fill({ kind: "prepare", chosenUpTo: 134 }),
    );
    for (const to of [2, 3]) stage.deliver({ from: 1, to, kinds: ["prepare"] });
    const open = stage.letters.flatMap(({ message }) =>
      message.kind === "promise" ? [message.entries.map((entry) => entry.slot)] : [],
    );
    expect(open).toEqual([
      [135, 138, 139],
      [138, 139, 140],
    ]);
    for (const from of [2, 3]) stage.deliver({ from, to: 1, kinds: ["promise"] });

    // Phase 2 for 135 and 140 with what was found; no-ops for 136 and 137; none for 138 and 139.
    const accepts = stage.letters.flatMap(({ to, message }) =>
      message.kind === "accept" && to === 4 ? [message] : [],
    );
    expect(accepts.map((m) => [m.first, m.values.map((value) => value.length > 0)])).toEqual([
      [135, [true, false, false]],
      [140, [true]],
    ]);
    expect(stage.held(1, 135)).toBe("c#135");
    expect(stage.held(1, 140)).toBe("c#140");
    expect([136, 137].map((slot) => stage.held(1, slot))).toEqual(["-", "-"]);
  });

  test("the no-ops let 138–140 be executed everywhere; new commands follow from 141", () => {
    const stage = oldLeaderFails();
    stage.elect(1, [1, 2, 3]);
    stage.propose(1, "next#1");
    stage.converse([1, 2, 3, 4]);
    for (const id of [2, 3, 4]) stage.timeout(id, "catchUp");
    stage.converse([1, 2, 3, 4]);
    const tail = ["c#135", "c#138", "c#139", "c#140", "next#1"];
    for (const id of [1, 2, 3, 4]) {
      expect(stage.node(id).executed.slice(-5)).toEqual(tail);
      expect(stage.node(id).executedUpTo).toBe(141);
    }
    expect(stage.cluster.sequence.get(141)).toBe("next#1");
    // Commands 136 and 137 were lost with the old leader: not chosen, and not half chosen either.
    expect(stage.node(1).executed).toHaveLength(134 - 1 + tail.length);
  });

  test("phase 1 is executed once; a command then costs phase 2 alone", () => {
    const stage = createStage({ size: 5 });
    stage.elect(0, FIVE);
    stage.converse(FIVE);
    const kinds: string[] = [];
    const before = stage.cluster.control.passes;
    stage.cluster.control.passes = (from, to, message) => {
      kinds.push(message.kind);
      return before(from, to, message);
    };
    for (let number = 1; number <= 20; number += 1) {
      stage.propose(0, `c#${number}`);
      stage.converse(FIVE);
    }
    const count = (kind: string): number => kinds.filter((k) => k === kind).length;
    expect(new Set(kinds)).toEqual(new Set(["accept", "accepted", "commit"]));
    expect([count("accept"), count("accepted")]).toEqual([80, 80]);
  });

  test("a leader may propose alpha commands ahead of what is chosen, and no more", () => {
    const stage = createStage({ size: 5, tuning: { window: ALPHA, batchBytesMax: 1 } });
    stage.elect(0, FIVE);
    stage.converse(FIVE);
    for (let number = 1; number <= 20; number += 1) stage.propose(0, `c#${number}`);
    const open = (): Slot[] => [...stage.node(0).state.log.keys()].filter((slot) => slot > 1);
    expect(open()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    // The first of them holds up the window, however many after it are chosen.
    for (const slot of [3, 4, 5]) accept(stage, slot, [1, 2]);
    expect(open()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    accept(stage, 2, [1, 2]);
    expect(stage.node(0).state.chosenUpTo).toBe(5);
    expect(open()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  test("a gap of up to alpha - 1 commands is what a failed leader leaves, never more", () => {
    const stage = createStage({ size: 5, tuning: { window: ALPHA, batchBytesMax: 1 } });
    stage.elect(0, FIVE);
    stage.converse(FIVE);
    for (let number = 1; number <= 20; number += 1) stage.propose(0, `c#${number}`);
    // Of the whole window only the last proposal gets through.
    stage.deliver({ from: 0, to: 1, kinds: ["accept"], slot: 9 });
    stage.lose({});
    stage.crash(0);
    stage.elect(2, [1, 2, 3]);
    stage.converse([1, 2, 3, 4]);
    expect([2, 3, 4, 5, 6, 7, 8].map((slot) => stage.held(2, slot))).toEqual(Array(7).fill("-"));
    expect(stage.node(2).executed).toEqual(["c#8"]);
    expect(stage.node(2).state.chosenUpTo).toBe(9);
  });
});
