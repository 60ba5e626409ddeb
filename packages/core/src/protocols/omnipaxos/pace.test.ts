import { describe, expect, test } from "vitest";
import { createPace, type Pace, paceAnswer, paceRound, roundMs } from "./pace.ts";
import { tuningOf } from "./tuning.ts";

const TUNING = tuningOf({ electionMs: 500, electionMinMs: 90, electionMaxMs: 3000 });

function answer(pace: Pace, from: number, round: number, now: number, isAmbiguous = false): void {
  paceAnswer(pace, { from, round, isAmbiguous, now }, TUNING);
}

/** Rounds of a second each, each answered by every member after so many ms. */
function rounds(pace: Pace, from: number, count: number, trips: Readonly<Record<number, number>>) {
  for (let round = from; round < from + count; round += 1) {
    paceRound(pace, round, round * 1000);
    for (const [member, ms] of Object.entries(trips))
      answer(pace, Number(member), round, round * 1000 + ms);
  }
}

describe("the length of a round", () => {
  test("is what was asked for, unless a least length is given", () => {
    const pace = createPace();
    rounds(pace, 1, 20, { 1: 400 });
    expect(roundMs(pace, tuningOf({ electionMs: 700 }))).toBe(700);
  });

  test("begins where it was asked to, within its bounds", () => {
    expect(roundMs(createPace(), TUNING)).toBe(500);
    expect(roundMs(createPace(), tuningOf({ electionMs: 500, electionMinMs: 600 }))).toBe(600);
    const short = { electionMs: 500, electionMinMs: 50, electionMaxMs: 200 };
    expect(roundMs(createPace(), tuningOf(short))).toBe(200);
  });

  test("is three times the first round trip and twice that for its deviation, per part", () => {
    const pace = createPace();
    rounds(pace, 1, 1, { 1: 100 });
    expect(roundMs(pace, TUNING)).toBe(3 * (100 + 2 * 100));
  });

  test("comes down to a part per round trip when all take the same time", () => {
    const pace = createPace();
    rounds(pace, 1, 60, { 1: 100 });
    expect(roundMs(pace, TUNING)).toBeGreaterThanOrEqual(3 * 100);
    expect(roundMs(pace, TUNING)).toBeLessThan(3 * 104);
  });

  test("is that of the slowest member", () => {
    const pace = createPace();
    rounds(pace, 1, 60, { 1: 1, 2: 200, 3: 30 });
    expect(roundMs(pace, TUNING)).toBeGreaterThanOrEqual(3 * 200);
  });

  test("grows with the first answer that takes longer, and never leaves its bounds", () => {
    const pace = createPace();
    rounds(pace, 1, 60, { 1: 1 });
    expect(roundMs(pace, TUNING)).toBe(90);
    rounds(pace, 61, 1, { 1: 170 });
    expect(roundMs(pace, TUNING)).toBeGreaterThan(3 * 170);
    rounds(pace, 62, 30, { 1: 900_000 });
    expect(roundMs(pace, TUNING)).toBe(3000);
  });

  test("no more than doubles what is measured: one late answer says little", () => {
    const pace = createPace();
    rounds(pace, 1, 60, { 1: 1 });
    rounds(pace, 61, 1, { 1: 2000 });
    expect(roundMs(pace, TUNING)).toBeGreaterThan(3 * 180);
    expect(roundMs(pace, TUNING)).toBeLessThan(4 * 180);
    rounds(pace, 62, 2, { 1: 2000 });
    expect(roundMs(pace, TUNING)).toBe(3000);
  });

  test("comes back after a clock has leapt", () => {
    const pace = createPace();
    rounds(pace, 1, 20, { 1: 10 });
    rounds(pace, 21, 1, { 1: 3_600_000 });
    rounds(pace, 22, 60, { 1: 10 });
    expect(roundMs(pace, TUNING)).toBeLessThanOrEqual(120);
    rounds(pace, 82, 1, { 1: -3_600_000 });
    expect(roundMs(pace, TUNING)).toBeGreaterThanOrEqual(90);
  });

  test("is the same however often it is worked out: whole numbers only", () => {
    const pace = createPace();
    rounds(pace, 1, 50, { 1: 33.3333, 2: 77.7777 });
    for (const { smoothed, deviation } of pace.trips.values())
      expect([Number.isInteger(smoothed), Number.isInteger(deviation)]).toEqual([true, true]);
    expect(Number.isInteger(roundMs(pace, TUNING))).toBe(true);
  });
});

describe("what is measured", () => {
  test("the first answer to a round; later ones tell of a change of mind", () => {
    const pace = createPace();
    paceRound(pace, 1, 0);
    answer(pace, 1, 1, 10);
    answer(pace, 1, 1, 400);
    expect(roundMs(pace, TUNING)).toBe(90);
  });

  test("no answer to a question that was repeated, nor what that member says of it later", () => {
    const pace = createPace();
    paceRound(pace, 1, 0);
    answer(pace, 1, 1, 40, true);
    answer(pace, 1, 1, 80);
    expect(pace.trips.size).toBe(0);
  });

  test("answers that come after their round: they show that it was too short", () => {
    const pace = createPace();
    for (let round = 1; round <= 4; round += 1) paceRound(pace, round, round * 90);
    answer(pace, 1, 1, 400);
    expect(roundMs(pace, TUNING)).toBe(3 * 3 * 310);
  });

  test("not what answers a round that is forgotten, or never was", () => {
    const pace = createPace();
    for (let round = 1; round <= 100; round += 1) paceRound(pace, round, round * 90);
    answer(pace, 1, 20, 10_000);
    answer(pace, 1, 101, 10_000);
    expect(pace.trips.size).toBe(0);
    expect(pace.began.size).toBe(64);
  });

  test("a member that is silent for long is forgotten", () => {
    const pace = createPace();
    rounds(pace, 1, 10, { 1: 5, 2: 300 });
    expect(roundMs(pace, TUNING)).toBeGreaterThan(900);
    rounds(pace, 11, 64, { 1: 5 });
    expect([...pace.trips.keys()]).toEqual([1]);
    expect(roundMs(pace, TUNING)).toBe(90);
  });
});
