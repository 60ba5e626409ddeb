import { InvariantViolation } from "@synod/core";
import { describe, expect, test } from "vitest";
import { runsOf } from "./learner.ts";
import {
  accept,
  commit,
  createSolo,
  heartbeat,
  learn,
  REQUEST_BYTES,
  type Solo,
} from "./testing/solo.ts";

/** Node 0 follows node 1, which had slots 1 to 4 accepted here; none is known as chosen. */
function following(tuning: Record<string, number> = {}): Solo {
  const solo = createSolo({ tuning });
  solo.message(1, accept("1.1", 1, ["a#1", "a#2", "a#3", "a#4"]));
  return solo;
}

describe("the chosen prefix", () => {
  test("is marked before it is delivered, each slot in its turn", () => {
    expect(following().message(1, commit("1.1", 3))).toEqual([
      "note chosen 3",
      "deliver 1: a#1",
      "deliver 2: a#2",
      "deliver 3: a#3",
    ]);
  });

  test("never shrinks: an older word changes nothing", () => {
    const solo = following();
    solo.message(1, commit("1.1", 3));
    expect(solo.message(1, commit("1.1", 2))).toEqual([]);
    expect(solo.state.claim.chosenUpTo).toBe(3);
  });

  test("ends at a gap, and goes on when the gap is filled", () => {
    const solo = createSolo();
    solo.message(1, accept("1.1", 2, ["a#2"], 2));
    expect(solo.state.chosenUpTo).toBe(0);
    expect(solo.message(1, accept("1.1", 1, ["a#1"], 0)).slice(2)).toEqual([
      "note chosen 2",
      "deliver 1: a#1",
      "deliver 2: a#2",
    ]);
  });

  test("the word of a lower ballot is not believed of what a higher one wrote", () => {
    const solo = following();
    solo.message(2, accept("2.2", 1, ["b#1"]));
    solo.state.claim = { ballot: { round: 2, proposer: 2 }, chosenUpTo: 0 };
    solo.message(1, commit("1.1", 4));
    expect(solo.state.chosenUpTo).toBe(0);
  });

  test("a new leader's word takes the place of the old one's, even when it is shorter", () => {
    const solo = createSolo();
    solo.message(1, commit("1.1", 5));
    solo.message(2, commit("2.2", 1));
    expect(solo.state.claim).toEqual({ ballot: { round: 2, proposer: 2 }, chosenUpTo: 1 });
    // Accepted in the new ballot, beyond its word: the old word says nothing about it.
    solo.message(2, accept("2.2", 1, ["b#1", "b#2"], 1));
    expect(solo.state.chosenUpTo).toBe(1);
  });
});

describe("delivery", () => {
  test("takes at most deliverBytes a step, and goes on by a timer", () => {
    const solo = following({ deliverBytes: REQUEST_BYTES + 65 });
    expect(solo.message(1, commit("1.1", 4))).toEqual([
      "note chosen 4",
      "deliver 1: a#1",
      "deliver 2: a#2",
    ]);
    expect(solo.timers.get("deliver")).toBe(0);
    expect(solo.timeout("deliver")).toEqual(["deliver 3: a#3", "deliver 4: a#4"]);
    expect(solo.timers.has("deliver")).toBe(false);
  });

  test("of a no-op executes nothing, but is a position like any other", () => {
    const solo = createSolo();
    expect(solo.message(1, learn(1, ["-", "a#1"])).slice(1)).toEqual([
      "note chosen 2",
      "deliver 1: -",
      "deliver 2: a#1",
    ]);
  });

  test("of bytes that are no batch executes nothing, and is observed", () => {
    const solo = createSolo();
    const values = [new Uint8Array([1, 2, 3])];
    const lines = solo.message(1, { kind: "learn", first: 1, values, chosenUpTo: 1 });
    expect(lines.at(-1)).toBe("deliver 1: -");
    expect(solo.observed).toEqual(["undecodable"]);
  });

  test("of a batch gives all its commands in order", () => {
    const solo = createSolo();
    expect(solo.message(1, learn(1, ["a#1+b#7+a#2"])).at(-1)).toBe("deliver 1: a#1+b#7+a#2");
  });
});

describe("a stop", () => {
  test("is durable before it is delivered, and nothing is delivered after it", () => {
    const solo = createSolo();
    expect(solo.message(1, learn(1, ["a#1", "b#1+stop#1+b#2", "a#3"]))).toEqual([
      "note learned 1:[a#1 b#1+stop#1+b#2 a#3]",
      "note chosen 3",
      "deliver 1: a#1",
      "persist stopped 2",
      "deliver 2: b#1+stop#1",
      "release never all",
    ]);
    expect(solo.state.chosenUpTo).toBe(3);
    expect(solo.state.deliveredUpTo).toBe(2);
    expect(solo.message(1, learn(4, ["a#4"])).slice(1)).toEqual(["note chosen 4"]);
    expect(solo.observed).toEqual(["stopped"]);
  });

  test("ends what waits here, for good", () => {
    const solo = createSolo();
    solo.propose("a#1");
    expect(solo.state.queue).toHaveLength(1);
    solo.message(1, learn(1, ["stop#1"]));
    expect(solo.state.queue).toEqual([]);
    expect(solo.state.queueBytes).toBe(0);
    expect(solo.propose("a#2")).toEqual(["release never a#2"]);
    // Nothing is said a second time about what was handed to a leader.
    const other = createSolo();
    other.message(1, heartbeat("1.1"));
    other.propose("a#1");
    other.message(1, learn(1, ["stop#1"]));
    expect(other.message(2, heartbeat("2.2"))).not.toContain("release unknown all");
  });
});

describe("learning", () => {
  test("notes what is new, one record per run, and nothing twice", () => {
    const solo = createSolo();
    solo.message(1, learn(2, ["a#2"], 4));
    expect(solo.message(1, learn(1, ["a#1", "a#2", "a#3", "a#4"]))[0]).toBe("note learned 1:[a#1]");
    expect(solo.log()).toEqual(["1!:0.0:a#1", "2!:0.0:a#2", "3!:0.0:a#3", "4!:0.0:a#4"]);
    expect(solo.message(1, learn(1, ["a#1", "a#2"]))).toEqual([]);
  });

  test("keeps the ballot of an acceptance whose value was the one", () => {
    const solo = following();
    expect(solo.message(2, learn(1, ["a#1"]))).toEqual(["note chosen 1", "deliver 1: a#1"]);
    expect(solo.log()[0]).toBe("1!:1.1:a#1");
  });

  test("replaces an acceptance whose value was not", () => {
    const solo = following();
    expect(solo.message(2, learn(1, ["b#1"]))[0]).toBe("note learned 1:[b#1]");
    expect(solo.log()[0]).toBe("1!:0.0:b#1");
  });

  test("leaves compacted slots alone", () => {
    const solo = following({ retainBytes: 0 });
    solo.message(1, commit("1.1", 2));
    solo.compact(2);
    expect(solo.message(2, learn(1, ["a#1", "a#2", "a#3"]))).toEqual([
      "note chosen 3",
      "deliver 3: a#3",
    ]);
    expect(solo.log()).toEqual(["3!:1.1:a#3", "4:1.1:a#4"]);
  });

  test("a second value for a chosen slot stops the replica", () => {
    const solo = createSolo();
    solo.message(1, learn(1, ["a#1"]));
    expect(() => solo.message(2, learn(1, ["b#1"]))).toThrow(InvariantViolation);
  });
});

test("runsOf joins consecutive slots", () => {
  expect(runsOf([])).toEqual([]);
  expect(runsOf([4])).toEqual([{ first: 4, last: 4 }]);
  expect(runsOf([1, 2, 3, 5, 7, 8])).toEqual([
    { first: 1, last: 3 },
    { first: 5, last: 5 },
    { first: 7, last: 8 },
  ]);
});
