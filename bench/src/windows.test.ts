import { expect, test } from "vitest";
import { courseOf, type Second } from "./windows.ts";

const seconds = (...done: number[]): Second[] => done.map((count) => ({ done: count, stolen: 0 }));

test("medians of the seconds before and after, and of those meanwhile, are compared", () => {
  expect(courseOf(seconds(90, 110, 100, 20, 79, 80, 100, 105, 3), 2.5, 5)).toEqual({
    usual: 100,
    worstUsual: 80,
    during: 79,
    dropPercent: 21,
    worst: 20,
    longestLow: 2,
    quiet: [1, 1],
  });
});

test("where so much was asked for, that is what is usual", () => {
  const course = courseOf(seconds(100, 100, 70, 79, 81, 130, 120, 5), 2, 5, 100);
  expect(course).toMatchObject({ usual: 100, during: 79, dropPercent: 21, longestLow: 2 });
});

test("seconds in which the host gave much to others count for no median", () => {
  const noisy = (done: number): Second => ({ done, stolen: 10 });
  const course = courseOf(
    [...seconds(100, 100), noisy(10), ...seconds(90, 90), noisy(5), ...seconds(100, 0)],
    3,
    6,
  );
  expect(course).toMatchObject({ usual: 100, during: 90, dropPercent: 10, worst: 5 });
  expect(course.worstUsual).toBe(10);
  expect(course.quiet).toEqual([3 / 4, 2 / 3]);
});

test("without a quiet one all of them do", () => {
  const noisy = [100, 80, 100, 0].map((done) => ({ done, stolen: 50 }));
  expect(courseOf(noisy, 1, 2)).toMatchObject({ usual: 100, during: 80, quiet: [0, 0] });
});

test("low seconds in a row are one spell, and no dip is none", () => {
  expect(courseOf(seconds(100, 70, 90, 70, 60, 70, 100, 0), 1, 6).longestLow).toBe(3);
  expect(courseOf(seconds(100, 101, 120, 5), 1, 3)).toMatchObject({
    dropPercent: 0,
    longestLow: 0,
  });
});
