import { expect, test } from "vitest";
import { computedRate } from "./toy-rate.ts";

const ONE = { acceptors: 5, proposers: 1, acceptorFails: 0.1, proposerFails: 0 };

test("about 95 % at the defaults, 81 % with one acceptor", () => {
  expect(computedRate(ONE)).toBeCloseTo(0.9495, 4);
  expect(computedRate({ ...ONE, acceptors: 1 })).toBeCloseTo(0.81, 10);
});

test("is what all ways in which acceptors can fail add up to", () => {
  for (const acceptors of [1, 2, 3, 4, 5, 6])
    for (const acceptorFails of [0, 0.1, 0.5, 0.9, 1]) {
      const expected = allWays(acceptors, acceptorFails);
      expect(computedRate({ ...ONE, acceptors, acceptorFails })).toBeCloseTo(expected, 10);
    }
});

test("a proposer must get through two phases; several have no formula", () => {
  expect(computedRate({ ...ONE, acceptorFails: 0, proposerFails: 0.2 })).toBeCloseTo(0.64, 10);
  expect(computedRate({ ...ONE, proposers: 2 })).toBeNull();
});

/** Each acceptor fails in the first phase, in the second, or not at all. */
function allWays(acceptors: number, p: number): number {
  const ways = [p, (1 - p) * p, (1 - p) * (1 - p)];
  let rate = 0;
  for (let way = 0; way < 3 ** acceptors; way += 1) {
    let probability = 1;
    let survivors = 0;
    for (let rest = way, done = 0; done < acceptors; done += 1, rest = Math.floor(rest / 3)) {
      probability *= ways[rest % 3] as number;
      if (rest % 3 === 2) survivors += 1;
    }
    if (survivors > acceptors / 2) rate += probability;
  }
  return rate;
}
