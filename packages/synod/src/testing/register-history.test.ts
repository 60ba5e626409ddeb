import { createPrng, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type Operation, whyNotLinearizable } from "./register-history.ts";

function write(value: string, startMs: number, endMs: number): Operation {
  return { kind: "write", key: "k", value, startMs, endMs };
}

function read(value: string | null, startMs: number, endMs: number): Operation {
  return { kind: "read", key: "k", value, startMs, endMs };
}

/** Tries every order that respects real time: slow, and obviously right. */
function isLinearizable(operations: readonly Operation[], current: string | null = null): boolean {
  if (operations.every(({ kind, endMs }) => kind === "write" && endMs === Infinity)) return true;
  const firstEnd = Math.min(...operations.map(({ endMs }) => endMs));
  return operations.some((next, index) => {
    if (next.startMs > firstEnd) return false;
    if (next.kind === "read" && next.value !== current) return false;
    return isLinearizable(operations.toSpliced(index, 1), next.value);
  });
}

describe("accepts", () => {
  test.each([
    ["nothing", []],
    ["reads of what was never written", [read(null, 0, 1)]],
    ["one after the other", [write("a", 0, 1), read("a", 2, 3), write("b", 4, 5), read("b", 6, 7)]],
    ["either value during a write", [write("a", 0, 9), read(null, 1, 2), read("a", 3, 4)]],
    ["a lost write that nobody saw", [write("a", 0, Infinity), read(null, 5, 6)]],
    ["a lost write that showed late", [write("a", 0, Infinity), read(null, 5, 6), read("a", 7, 8)]],
    ["two writes at once, one hidden", [write("a", 0, 9), write("b", 0, 9), read("b", 10, 11)]],
  ] as const)("%s", (_, history) => {
    expect(whyNotLinearizable(history)).toBeNull();
  });
});

describe("finds", () => {
  test.each([
    ["a lost write", [write("a", 0, 1), read(null, 2, 3)]],
    ["a stale read", [write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)]],
    [
      "a value that comes back",
      [write("a", 0, 20), write("b", 0, 20), read("a", 1, 2), read("b", 3, 4), read("a", 5, 6)],
    ],
    ["a read before its write", [read("a", 0, 1), write("a", 2, 3)]],
    ["a value from nowhere", [read("x", 0, 1)]],
    [
      "a lost write that came and went back",
      [write("a", 0, Infinity), read("a", 1, 2), read(null, 3, 4)],
    ],
    [
      "a write inside a span of another value",
      [write("a", 0, 1), write("b", 2, 3), read("a", 4, 5)],
    ],
  ] as const)("%s", (_, history) => {
    expect(whyNotLinearizable(history)).not.toBeNull();
  });

  test("the key that is wrong", () => {
    const other = { ...read(null, 2, 3), key: "other" };
    expect(whyNotLinearizable([write("a", 0, 1), other])).toBeNull();
    expect(whyNotLinearizable([write("a", 0, 1), other, read(null, 4, 5)])).toMatch(/^key k:/);
  });
});

test("agrees with trying all orders, on 20,000 small random histories", () => {
  const random = createPrng(8);
  const seen = { yes: 0, no: 0 };
  for (let round = 0; round < 20_000; round += 1) {
    const values = ["a", "b", "c"].slice(0, 1 + nextBelow(random, 3));
    const span = (): [number, number] => {
      const start = nextBelow(random, 12) + nextBelow(random, 1000) / 1000;
      return [start, start + 0.5 + nextBelow(random, 6) + nextBelow(random, 1000) / 1000];
    };
    const history = values.map((value) => {
      const [start, end] = span();
      return write(value, start, nextBelow(random, 5) === 0 ? Infinity : end);
    });
    for (let reads = nextBelow(random, 4); reads > 0; reads -= 1) {
      const value = [null, ...values][nextBelow(random, values.length + 1)] ?? null;
      history.push(read(value, ...span()));
    }
    const expected = isLinearizable(history);
    expect(whyNotLinearizable(history) === null, JSON.stringify(history)).toBe(expected);
    seen[expected ? "yes" : "no"] += 1;
  }
  expect(Math.min(seen.yes, seen.no)).toBeGreaterThan(2000);
});
