import type { Position } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import { Reads } from "./reads.ts";

const QUERY = Uint8Array.of(1);

let failures: string[];
let reads: Reads;

beforeEach(() => {
  failures = [];
  reads = new Reads({ outstandingMax: 3, resubmitMs: 100 }, (token, { code, applied }) =>
    failures.push(`${token} ${code}/${applied}`),
  );
});

function at(index: number): Position {
  return { log: 0, index };
}

function due(index: number): number[] {
  return reads.takeDue(at(index)).flatMap((batch) => batch.reads.map((read) => read.token));
}

test("all reads of a turn share one id, and those of the next have another", () => {
  reads.add(1, QUERY, 1_000);
  reads.add(2, QUERY, 1_000);
  const first = reads.takeBatch(0);
  expect(reads.hasGathered).toBe(false);
  reads.add(3, QUERY, 1_000);
  const second = reads.takeBatch(0);
  expect(second).not.toBe(first);
  reads.readable([second], at(0), null);
  expect(due(0)).toEqual([3]);
  reads.readable([first], at(0), null);
  expect(due(0)).toEqual([1, 2]);
});

test("a cleared batch waits until its position is executed, and is handed out once", () => {
  reads.add(1, QUERY, 1_000);
  reads.readable([reads.takeBatch(0)], at(7), 55);
  expect(due(6)).toEqual([]);
  expect(reads.takeDue(at(7))).toEqual([
    { position: at(7), validUntil: 55, reads: [{ token: 1, query: QUERY, deadline: 1_000 }] },
  ]);
  expect(due(8)).toEqual([]);
});

test("clearing what was never asked, or twice, does nothing", () => {
  reads.add(1, QUERY, 1_000);
  const batch = reads.takeBatch(0);
  reads.readable([batch, batch, batch + 1], at(0), null);
  expect(due(0)).toEqual([1]);
});

test("a stale read waits for nothing", () => {
  reads.addStale(1, QUERY, 1_000);
  expect(reads.hasGathered).toBe(false);
  expect(due(0)).toEqual([1]);
});

test("an unanswered batch is asked again under a new id; the old id is worth nothing then", () => {
  reads.add(1, QUERY, 1_000);
  const first = reads.takeBatch(0);
  reads.tick(99);
  expect(reads.hasGathered).toBe(false);
  reads.tick(100);
  expect(reads.hasGathered).toBe(true);
  const second = reads.takeBatch(100);
  reads.readable([first], at(0), null);
  expect(due(0)).toEqual([]);
  reads.readable([second], at(0), null);
  expect(due(0)).toEqual([1]);
});

test("a read whose lease ran out goes back among those to be asked", () => {
  reads.add(1, QUERY, 1_000);
  reads.readable([reads.takeBatch(0)], at(0), 10);
  const [batch] = reads.takeDue(at(0));
  reads.again(batch?.reads[0] as never);
  expect([reads.hasGathered, reads.outstanding]).toEqual([true, 1]);
});

describe("deadlines", () => {
  test("end reads wherever they wait, each on its own", () => {
    reads.add(1, QUERY, 10);
    reads.add(2, QUERY, 30);
    reads.readable([reads.takeBatch(0)], at(5), null);
    reads.add(3, QUERY, 20);
    const asked = reads.takeBatch(0);
    reads.tick(10);
    expect(failures).toEqual(["1 deadline/no"]);
    reads.tick(25);
    expect(failures.slice(1)).toEqual(["3 deadline/no"]);
    reads.readable([asked], at(0), null);
    expect(due(5)).toEqual([2]);
    expect(reads.outstanding).toBe(1);
    reads.add(4, QUERY, 30);
    reads.tick(30);
    expect(failures.slice(2)).toEqual(["4 deadline/no"]);
    expect(reads.hasGathered).toBe(false);
  });
});

test("the bound counts until answered", () => {
  for (let token = 0; token < 3; token += 1) reads.add(token, QUERY, 1_000);
  expect(reads.isFull).toBe(true);
  reads.readable([reads.takeBatch(0)], at(0), null);
  due(0);
  expect(reads.isFull).toBe(true);
  reads.answered();
  expect(reads.isFull).toBe(false);
});

test("stopping ends every read once, wherever it waits", () => {
  reads.add(1, QUERY, 1_000);
  reads.readable([reads.takeBatch(0)], at(9), null);
  reads.add(2, QUERY, 1_000);
  reads.takeBatch(0);
  reads.add(3, QUERY, 1_000);
  reads.stop();
  reads.stop();
  expect(failures.sort()).toEqual(["1 stopped/no", "2 stopped/no", "3 stopped/no"]);
  expect([reads.outstanding, due(99)]).toEqual([0, []]);
});
