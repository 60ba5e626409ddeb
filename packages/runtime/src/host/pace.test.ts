import { beforeEach, describe, expect, test } from "vitest";
import { Pace } from "./pace.ts";

const LIMITS = { outstandingMax: 64, resubmitMs: 100 };
const ALLOWED = 1_000;

let pace: Pace;

beforeEach(() => {
  pace = new Pace(LIMITS);
});

function answer(handedAt: number, tookMs: number, underWay: number, allowedMs = ALLOWED): void {
  pace.answered({ handedAt, allowedMs }, handedAt + tookMs, underWay);
}

/** How many may be under way at a time. */
function room(): number {
  let underWay = 0;
  while (pace.hasRoom(underWay)) underWay += 1;
  return underWay;
}

describe("the pause before a request is taken for lost", () => {
  test("is the least one until answers take longer than half of it", () => {
    expect(pace.pauseMs).toBe(100);
    answer(0, 40, 1);
    expect(pace.pauseMs).toBe(100);
    for (let n = 0; n < 100; n += 1) answer(0, 70, 1);
    expect(pace.pauseMs).toBeCloseTo(140, 1);
  });

  test("follows the first answer at once, and later ones by and by", () => {
    answer(0, 200, 1);
    expect(pace.pauseMs).toBe(400);
    answer(0, 360, 1);
    expect(pace.pauseMs).toBe(440);
    answer(0, 60, 1);
    expect(pace.pauseMs).toBe(400);
  });
});

describe("what may be under way", () => {
  test("is everything as long as answers come within half of what was allowed", () => {
    expect(room()).toBe(64);
    for (let n = 0; n < 100; n += 1) answer(n, 500, 64);
    expect(room()).toBe(64);
  });

  test("halves when an answer comes later than that, from what really was under way", () => {
    answer(0, 501, 64);
    expect(room()).toBe(32);
    answer(501, 501, 12);
    expect(room()).toBe(6);
  });

  test("halves once for all that had been handed over before", () => {
    answer(0, 501, 64);
    for (const handedAt of [0, 1, 500]) answer(handedAt, 600, 64);
    expect(room()).toBe(32);
    answer(501, 600, 64);
    expect(room()).toBe(16);
  });

  test("halves when there was no answer by the deadline, and is never less than one", () => {
    for (let n = 0; n < 10; n += 1) {
      const handedAt = n * ALLOWED;
      pace.missed({ handedAt, allowedMs: ALLOWED }, handedAt + ALLOWED, 64);
    }
    expect(room()).toBe(1);
  });

  test("does not fall for who allows less than the pause before a resubmission", () => {
    answer(0, 100, 64, 90);
    pace.missed({ handedAt: 0, allowedMs: 90 }, 90, 64);
    expect(room()).toBe(64);
    answer(0, 101, 64, 90);
    expect(room()).toBe(32);
  });

  test("grows with answers in time: by one in the time that they take, later by more", () => {
    answer(0, 501, 4);
    expect(room()).toBe(2);
    for (const handedAt of [600, 601]) answer(handedAt, 10, 2);
    expect(room()).toBe(3);
    for (let n = 0; n < 40; n += 1) answer(1_000, 10, 64);
    expect(room()).toBe(10);
    for (let n = 0; n < 8; n += 1) answer(1_000, 10, 64);
    expect(room()).toBe(11);
    for (let n = 0; n < 1_000; n += 1) answer(1_000, 10, 64);
    expect(room()).toBe(64);
  });

  test("does not grow while it is not used", () => {
    answer(0, 501, 20);
    expect(room()).toBe(10);
    for (let n = 0; n < 100; n += 1) answer(600, 10, 8);
    expect(room()).toBe(10);
    answer(600, 10, 10);
    expect(room()).toBe(11);
  });
});

describe("what comes too late behind the others that wait", () => {
  test("is nothing as long as none waits or nothing is known", () => {
    expect(pace.comesTooLate(1_000_000, 1)).toBe(false);
    answer(0, 400, 64);
    expect(pace.comesTooLate(0, 1)).toBe(false);
  });

  test("is what would wait for more than half of what it is allowed", () => {
    answer(0, 500, 20);
    answer(0, 501, 20);
    // Ten at a time, half a second each: twenty in a second.
    expect(pace.comesTooLate(9, ALLOWED)).toBe(false);
    expect(pace.comesTooLate(10, ALLOWED)).toBe(true);
    expect(pace.comesTooLate(10, 2 * ALLOWED)).toBe(false);
  });
});
