import { expect, test } from "vitest";
import { type Sample, sampleTable, trendOf } from "./samples.ts";

const MIB = 1_048_576;

function growing(from: number, to: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => (from + ((to - from) * at) / (count - 1)) * MIB);
}

test("what settles is flat, what goes on growing is not", () => {
  expect(trendOf([...growing(20, 100, 30), ...growing(100, 110, 30)]).flat).toBe(true);
  expect(trendOf(growing(50, 400, 60)).flat).toBe(false);
  expect(trendOf(growing(1_000, 1_200, 60)).flat).toBe(true);
  expect(trendOf(growing(1_000, 2_000, 60))).toMatchObject({
    flat: false,
    secondHalf: 2_000 * MIB,
  });
});

test("what is short or unknown is not judged", () => {
  expect(trendOf(growing(1, 900, 20)).flat).toBeNull();
  expect(trendOf(Array.from({ length: 60 }, () => null))).toEqual({
    firstHalf: null,
    secondHalf: null,
    flat: null,
  });
});

test("a table of few lines shows the largest of each stretch", () => {
  const samples = Array.from({ length: 60 }, (_, at): Sample => {
    const memory = at === 7 ? 99 * MIB : null;
    return { atMs: 1000 * (at + 1), memory, disk: at * MIB };
  });
  const lines = sampleTable(samples).split("\n");
  expect(lines).toHaveLength(13);
  expect(lines[0]?.trim().split(/ {2,}/)).toEqual(["until s", "memory, MiB", "disk, MiB"]);
  expect(lines[2]?.trim().split(/ +/)).toEqual(["10", "99", "9"]);
  expect(lines[12]?.trim().split(/ +/)).toEqual(["60", "-", "59"]);
});
