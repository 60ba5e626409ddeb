import { expect, test } from "vitest";
import { courseOf } from "./windows.ts";

test("a dip is how deep and how long it is, counted from when it was caused", () => {
  expect(courseOf([90, 110, 100, 20, 79, 80, 100, 3], 2.5, 4.5)).toEqual({
    before: 100,
    worstBefore: 90,
    during: (100 + 20 + 79) / 3,
    worst: 20,
    dropPercent: 80,
    low: 2,
    backToNormal: 2.5,
  });
});

test("the last low second counts, whatever came before it", () => {
  const { low, backToNormal } = courseOf([100, 100, 50, 100, 100, 100, 70, 100, 0], 2, 3);
  expect([low, backToNormal]).toEqual([2, 5]);
});

test("no dip is none, and neither is the second that is not over", () => {
  expect(courseOf([100, 101, 120, 5], 1, 3)).toEqual({
    before: 100,
    worstBefore: 100,
    during: 110.5,
    worst: 101,
    dropPercent: 0,
    low: 0,
    backToNormal: 0,
  });
});
