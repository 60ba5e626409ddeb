import { describe, expect, test } from "vitest";
import { createPrng } from "../../prng.ts";
import { flexible, majority } from "../../quorum.ts";
import type { Proposal } from "./messages.ts";
import {
  backoffMs,
  beginBallot,
  createProposer,
  onAccepted,
  onNack,
  onPromise,
  type ProposerState,
  see,
  unanswered,
} from "./proposer.ts";
import { b, bytes, textOf } from "./testing/values.ts";

const QUORUMS = majority([0, 1, 2]);

function wanting(value: string | null, self = 0): ProposerState {
  const proposer = createProposer(self);
  proposer.value = value === null ? null : bytes(value);
  return proposer;
}

/** It has begun a ballot, and these acceptors have promised it and reported this. */
function promised(proposer: ProposerState, reports: readonly (Proposal | null)[]) {
  const { ballot } = beginBallot(proposer).message;
  const told = reports.map((accepted, from) =>
    onPromise(proposer, QUORUMS, from, { kind: "promise", ballot, accepted }),
  );
  return { ballot, accepts: told.filter((accept) => accept !== null) };
}

describe("ballots", () => {
  test("rise above all that were used or heard of, and carry the proposer's name", () => {
    const proposer = wanting("x", 2);
    expect(beginBallot(proposer)).toEqual({
      record: { kind: "began", ballot: b(1, 2) },
      message: { kind: "prepare", ballot: b(1, 2) },
    });
    expect(beginBallot(proposer).message.ballot).toEqual(b(2, 2));
    see(proposer, b(7, 0));
    see(proposer, b(3, 9));
    expect(beginBallot(proposer).message.ballot).toEqual(b(8, 2));
  });

  test("never repeat after a crash, as the record was durable before the prepare", () => {
    const { record } = beginBallot(wanting("x"));
    const restarted = wanting("y");
    if (record.kind === "began") see(restarted, record.ballot);
    expect(beginBallot(restarted).message.ballot).toEqual(b(2, 0));
  });

  test("of different proposers never collide, even in the same round", () => {
    const ballots = [0, 1, 2].map((self) => beginBallot(wanting("x", self)).message.ballot);
    expect(new Set(ballots.map(({ round, proposer }) => `${round}.${proposer}`)).size).toBe(3);
  });
});

describe("phase 2a", () => {
  test("waits for a phase-1 quorum of different acceptors", () => {
    const proposer = wanting("x");
    const { ballot } = beginBallot(proposer).message;
    const promise = { kind: "promise", ballot, accepted: null } as const;
    expect(onPromise(proposer, QUORUMS, 1, promise)).toBeNull();
    expect(onPromise(proposer, QUORUMS, 1, promise)).toBeNull();
    expect(onPromise(proposer, QUORUMS, 7, promise)).toBeNull();
    expect(onPromise(proposer, QUORUMS, 2, promise)).toEqual({
      kind: "accept",
      ballot,
      value: bytes("x"),
    });
  });

  test("asks the quorum system, whatever the sizes", () => {
    const proposer = wanting("x");
    const quorums = flexible([0, 1, 2, 3, 4], { phase1: 4, phase2: 2 });
    const { ballot } = beginBallot(proposer).message;
    const told = [0, 1, 2, 3].map((from) =>
      onPromise(proposer, quorums, from, { kind: "promise", ballot, accepted: null }),
    );
    expect(told.map((accept) => accept !== null)).toEqual([false, false, false, true]);
  });

  test("takes the value of the highest ballot reported, wherever it comes", () => {
    const older = { ballot: b(1, 1), value: bytes("older") };
    const newer = { ballot: b(2, 0), value: bytes("newer") };
    for (const reports of [
      [older, newer],
      [newer, older],
    ]) {
      const proposer = wanting("own");
      see(proposer, b(2, 0));
      expect(textOf(promised(proposer, reports).accepts[0]?.value)).toBe("newer");
    }
  });

  test("takes a reported value even if it is empty", () => {
    const report = { ballot: b(1, 1), value: bytes("") };
    expect(textOf(promised(wanting("own"), [report, null]).accepts[0]?.value)).toBe("");
  });

  test("proposes one value in a ballot: later promises change nothing", () => {
    const proposer = wanting("own");
    const late = { ballot: b(9, 1), value: bytes("late") };
    const { accepts, ballot } = promised(proposer, [null, null, late]);
    expect(accepts.map(({ value }) => textOf(value))).toEqual(["own"]);
    expect(textOf(onAccepted(proposer, 0, ballot)?.value)).toBe("own");
  });

  test("without a value of its own completes what others began, or nothing", () => {
    const report = { ballot: b(1, 1), value: bytes("theirs") };
    expect(textOf(promised(wanting(null), [null, report]).accepts[0]?.value)).toBe("theirs");
    const idle = wanting(null);
    expect(promised(idle, [null, null]).accepts).toEqual([]);
    expect(idle.attempt).toBeNull();
  });

  test("promises for an older ballot do not count", () => {
    const proposer = wanting("x");
    const first = beginBallot(proposer).message.ballot;
    const second = beginBallot(proposer).message.ballot;
    const promise = (ballot: typeof first) =>
      ({ kind: "promise", ballot, accepted: null }) as const;
    onPromise(proposer, QUORUMS, 0, promise(first));
    expect(onPromise(proposer, QUORUMS, 1, promise(second))).toBeNull();
    expect(onPromise(proposer, QUORUMS, 2, promise(first))).toBeNull();
    expect(onPromise(proposer, QUORUMS, 2, promise(second))).not.toBeNull();
  });
});

describe("what is outbid", () => {
  test("a refusal ends the attempt, and the next ballot is above what refused it", () => {
    const proposer = wanting("x");
    const { ballot } = promised(proposer, [null, null]);
    expect(onNack(proposer, { kind: "nack", refused: ballot, promised: b(5, 1) })).toBe(true);
    expect(onAccepted(proposer, 0, ballot)).toBeNull();
    expect(beginBallot(proposer).message.ballot).toEqual(b(6, 0));
  });

  test("a refusal of an older ballot, or by a lower promise, ends nothing", () => {
    const proposer = wanting("x");
    const first = beginBallot(proposer).message.ballot;
    const second = beginBallot(proposer).message.ballot;
    expect(onNack(proposer, { kind: "nack", refused: first, promised: b(3, 1) })).toBe(false);
    expect(onNack(proposer, { kind: "nack", refused: second, promised: first })).toBe(false);
    expect(proposer.attempt?.ballot).toEqual(second);
  });

  test("the back-off is random, doubles with each refusal in a row, and has a limit", () => {
    const random = createPrng(7);
    const limits = { baseMs: 10, maxMs: 100 };
    const reach = [0, 1, 2, 3, 4, 5, 9].map((outbid) => {
      const waits = Array.from({ length: 500 }, () =>
        backoffMs({ ...wanting("x"), outbid }, random, limits),
      );
      expect(Math.min(...waits)).toBeLessThanOrEqual(3);
      expect(new Set(waits).size).toBeGreaterThan(5);
      return Math.max(...waits);
    });
    expect(reach).toEqual([10, 10, 20, 40, 80, 100, 100]);
  });
});

describe("what is said again", () => {
  test("the message of the phase under way, to those who have not answered", () => {
    const proposer = wanting("x");
    expect(unanswered(proposer, [0, 1, 2])).toBeNull();
    const { ballot } = beginBallot(proposer).message;
    onPromise(proposer, QUORUMS, 1, { kind: "promise", ballot, accepted: null });
    expect(unanswered(proposer, [0, 1, 2])).toEqual({
      to: [0, 2],
      message: { kind: "prepare", ballot },
    });
    onPromise(proposer, QUORUMS, 2, { kind: "promise", ballot, accepted: null });
    onAccepted(proposer, 2, ballot);
    expect(unanswered(proposer, [0, 1, 2])).toEqual({
      to: [0, 1],
      message: { kind: "accept", ballot, value: bytes("x") },
    });
  });
});
