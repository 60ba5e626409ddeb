import { describe, expect, test } from "vitest";
import { flexible, majority } from "../../quorum.ts";
import {
  beginInquiry,
  createLearner,
  findingOf,
  hearAccepted,
  hearChosen,
  hearTold,
  type LearnerState,
} from "./learner.ts";
import type { Proposal } from "./messages.ts";
import { b, bytes, textOf } from "./testing/values.ts";

const QUORUMS = majority([0, 1, 2]);
const X = { ballot: b(1, 0), value: bytes("x") };
const Y = { ballot: b(2, 1), value: bytes("y") };

describe("counting acceptances", () => {
  test("a phase-2 quorum in one ballot makes a choice", () => {
    const learner = createLearner();
    expect(hearAccepted(learner, QUORUMS, 0, X)).toBe(false);
    expect(learner.chosen).toBeNull();
    expect(hearAccepted(learner, QUORUMS, 2, X)).toBe(true);
    expect(textOf(learner.chosen)).toBe("x");
  });

  test("each acceptor counts once, and strangers not at all", () => {
    const learner = createLearner();
    for (const from of [1, 1, 7, 8]) expect(hearAccepted(learner, QUORUMS, from, X)).toBe(false);
    expect(hearAccepted(learner, QUORUMS, 0, X)).toBe(true);
  });

  test("acceptances in different ballots are not added up, not even of one value", () => {
    const learner = createLearner();
    const again = { ballot: b(2, 1), value: X.value };
    expect(hearAccepted(learner, QUORUMS, 0, X)).toBe(false);
    expect(hearAccepted(learner, QUORUMS, 1, again)).toBe(false);
    expect(hearAccepted(learner, QUORUMS, 2, again)).toBe(true);
  });

  test("what an acceptor accepted before it accepted higher comes too late", () => {
    const learner = createLearner();
    hearAccepted(learner, QUORUMS, 0, Y);
    expect(hearAccepted(learner, QUORUMS, 0, X)).toBe(false);
    expect(hearAccepted(learner, QUORUMS, 1, X)).toBe(false);
    expect(hearAccepted(learner, QUORUMS, 2, Y)).toBe(true);
    expect(textOf(learner.chosen)).toBe("y");
  });

  test("the empty value is learned like any other", () => {
    const learner = createLearner();
    const empty = { ballot: b(1, 0), value: bytes("") };
    hearAccepted(learner, QUORUMS, 0, empty);
    expect(hearAccepted(learner, QUORUMS, 1, empty)).toBe(true);
    expect(textOf(learner.chosen)).toBe("");
  });

  test("quorums of other sizes are asked", () => {
    const learner = createLearner();
    const quorums = flexible([0, 1, 2, 3], { phase1: 3, phase2: 2 });
    hearAccepted(learner, quorums, 3, X);
    expect(hearAccepted(learner, quorums, 1, X)).toBe(true);
  });
});

describe("the outcome", () => {
  test("is news once, and then stands", () => {
    const learner = createLearner();
    expect(hearChosen(learner, X.value)).toBe(true);
    expect(hearChosen(learner, bytes("x"))).toBe(false);
    expect(hearAccepted(learner, QUORUMS, 1, Y)).toBe(false);
    expect(() => hearChosen(learner, Y.value)).toThrow("two values are chosen");
  });
});

describe("asking", () => {
  function ask(learner: LearnerState, number: number) {
    const question = beginInquiry(learner, 1, number);
    return (from: number, accepted: Proposal | null) =>
      hearTold(learner, QUORUMS, from, { ...question, kind: "told", accepted });
  }

  test("a phase-1 quorum that has accepted nothing: nothing was chosen", () => {
    const told = ask(createLearner(), 1);
    expect(told(0, null)).toBe("open");
    expect(told(0, null)).toBe("open");
    expect(told(2, null)).toBe("unchosen");
  });

  test("one acceptance among the answers says that it may have been chosen", () => {
    const learner = createLearner();
    const told = ask(learner, 1);
    expect(told(0, null)).toBe("open");
    expect(told(1, X)).toBe("stuck");
    expect(told(2, null)).toBe("unchosen");
    expect(learner.chosen).toBeNull();
  });

  test("answers can show the outcome by themselves", () => {
    const learner = createLearner();
    const told = ask(learner, 1);
    expect(told(0, X)).toBe("open");
    expect(told(2, X)).toBe("chosen");
    expect(textOf(learner.chosen)).toBe("x");
  });

  test("an answer to an older question says nothing about now, but its acceptance counts", () => {
    const learner = createLearner();
    const older = ask(learner, 1);
    const newer = ask(learner, 2);
    expect(older(0, null)).toBe("open");
    expect(older(2, null)).toBe("open");
    expect(newer(0, null)).toBe("open");
    expect(findingOf(learner, QUORUMS)).toBe("open");
    older(1, X);
    expect(older(2, X)).toBe("chosen");
  });

  test("the same number of another incarnation is another question", () => {
    const learner = createLearner();
    beginInquiry(learner, 2, 1);
    const told = { kind: "told", incarnation: 1, number: 1, accepted: null } as const;
    hearTold(learner, QUORUMS, 0, told);
    expect(hearTold(learner, QUORUMS, 1, told)).toBe("open");
  });

  test("nothing is found before anybody was asked", () => {
    expect(findingOf(createLearner(), QUORUMS)).toBe("open");
  });
});
