import { expect, test } from "vitest";
import { BALLOT_NONE, compareBallots, formatBallot, nextBallot, sameBallot } from "./ballot.ts";

const ballots = [0, 1, 2, 10].flatMap((round) =>
  [0, 1, 6].map((proposer) => ({ round, proposer })),
);

test("the order is total: exactly one of below, same, above", () => {
  for (const a of ballots) {
    for (const b of ballots) {
      expect(Math.sign(compareBallots(a, b))).toBe(-Math.sign(compareBallots(b, a)) + 0);
      expect(compareBallots(a, b) === 0).toBe(sameBallot(a, b));
      for (const c of ballots) {
        const chain = compareBallots(a, b) <= 0 && compareBallots(b, c) <= 0;
        if (chain) expect(compareBallots(a, c)).toBeLessThanOrEqual(0);
      }
    }
  }
});

test("the round decides before the proposer", () => {
  expect(compareBallots({ round: 2, proposer: 0 }, { round: 1, proposer: 6 })).toBeGreaterThan(0);
  expect(compareBallots({ round: 2, proposer: 0 }, { round: 2, proposer: 6 })).toBeLessThan(0);
  expect(compareBallots({ round: 10, proposer: 0 }, { round: 9, proposer: 0 })).toBeGreaterThan(0);
});

test("the next ballot is above, in a later round, and its proposer's own", () => {
  for (const above of ballots) {
    for (const proposer of [0, 3]) {
      const next = nextBallot(above, proposer);
      expect(compareBallots(next, above)).toBeGreaterThan(0);
      expect(next).toEqual({ round: above.round + 1, proposer });
    }
  }
  expect(sameBallot(nextBallot(BALLOT_NONE, 1), nextBallot(BALLOT_NONE, 2))).toBe(false);
});

test("no ballot of a node is below or equal to none, which nobody can change", () => {
  expect(compareBallots(nextBallot(BALLOT_NONE, 0), BALLOT_NONE)).toBeGreaterThan(0);
  expect(Object.isFrozen(BALLOT_NONE)).toBe(true);
});

test("is shown as round.proposer", () => {
  expect(formatBallot({ round: 12, proposer: 3 })).toBe("12.3");
});
