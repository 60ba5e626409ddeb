import type { Clock } from "@synod/core";
import { expect, test } from "vitest";
import type { SnapshotIntake } from "./snapshot-storage.ts";
import { ChunkWindow } from "./transfer-window.ts";

/** A window over a snapshot of so many chunks, of which these sources have all. */
function create(chunks: number, sources: readonly number[]) {
  let nowMs = 0;
  const manifest = { chunks: Array.from({ length: chunks }, () => ({ length: 1 })) };
  const intake = { manifest, has: () => false } as unknown as SnapshotIntake;
  const window = new ChunkWindow(intake, sources, 0, { now: () => nowMs } as Clock);
  const asks = (): string[] => {
    const asked: string[] = [];
    for (let next = window.next(); next !== null; next = window.next())
      asked.push(`${next.index} of ${next.from}`);
    return asked;
  };
  const after = (ms: number): string[] => {
    nowMs += ms;
    window.expire(nowMs);
    return asks();
  };
  return { window, asks, after };
}

test("chunks are asked for in turn, eight at a time, of whoever is not late three times", () => {
  const { window, asks, after } = create(10, [1, 2]);
  expect(asks()).toEqual([
    "0 of 1",
    "1 of 2",
    "2 of 1",
    "3 of 2",
    "4 of 1",
    "5 of 2",
    "6 of 1",
    "7 of 2",
  ]);
  expect(window.arrived(1, 0)).toBe(true);
  window.written(0);
  // Both are late; however many chunks they owe, that is once.
  for (let late = 1; late < 3; late += 1) {
    expect(after(2_000)).toHaveLength(8);
    expect(window.sources).toEqual([1, 2]);
  }
  expect(after(2_000)).toEqual([]);
  expect(window.sources).toEqual([]);
});

test("who sends something is late for the first time again", () => {
  const { window, asks, after } = create(10, [1, 2]);
  asks();
  after(2_000);
  after(2_000);
  expect(window.arrived(2, 3)).toBe(true);
  window.written(3);
  after(2_000);
  expect(window.sources).toEqual([2]);
});

test("the last one is asked for of one after the other, and taken from whoever is first", () => {
  const { window, asks, after } = create(1, [1, 2, 3]);
  expect(asks()).toEqual(["0 of 1"]);
  expect(after(400)).toEqual([]);
  expect(after(100)).toEqual(["0 of 2"]);
  expect(after(500)).toEqual(["0 of 3"]);
  expect(window.sources).toEqual([1, 2, 3]);
  expect(window.arrived(1, 0)).toBe(true);
  expect(window.arrived(2, 0)).toBe(false);
});

test("the last ones are not asked for over and over of those who are gone", () => {
  const { window, asks, after } = create(2, [1, 2]);
  expect(asks()).toEqual(["0 of 1", "1 of 2"]);
  expect(after(500)).toEqual(["0 of 1", "1 of 2"]);
  expect(after(500)).toEqual(["0 of 1", "1 of 2"]);
  expect(after(500)).toEqual([]);
  expect(window.sources).toEqual([]);
});

test("with one source alone there is nobody else to ask; when it is late it is given up", () => {
  const { window, asks, after } = create(1, [1]);
  expect(asks()).toEqual(["0 of 1"]);
  expect(after(1_000)).toEqual([]);
  for (const late of [1, 2]) expect(after(late * 2_000)).toEqual(["0 of 1"]);
  expect(after(2_000)).toEqual([]);
  expect(window.sources).toEqual([]);
});
