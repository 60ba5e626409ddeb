import { createPrng, nextBelow, nextU32, type PrngState } from "@synod/core";
import { expect, test } from "vitest";
import { VisitedSet } from "./visited-set.ts";

test("it agrees with a plain set, however often it grows", () => {
  const prng = createPrng(1);
  const visited = new VisitedSet(1 << 16, 4);
  const plain = new Set<string>();
  const wrong: number[] = [];
  const pool = Array.from({ length: 10_000 }, () => draw(prng));
  for (let n = 0; n < 100_000; n += 1) {
    // Alike in three lanes, so that each of the four counts.
    const print = Int32Array.from(pool[nextBelow(prng, pool.length)] as Int32Array);
    const lane = nextBelow(prng, 4);
    print[lane] = (print[lane] as number) ^ (nextBelow(prng, 2) << 9);
    const key = print.join();
    if (visited.add(print) === plain.has(key)) wrong.push(n);
    plain.add(key);
  }
  expect(wrong).toEqual([]);
  expect(visited.size).toBe(plain.size);
  expect(plain.size).toBeGreaterThan(20_000);
});

test("a full set forgets instead of growing", () => {
  const prng = createPrng(2);
  const visited = new VisitedSet(1024, 4);
  let print = draw(prng);
  for (let n = 0; n < 100_000; n += 1) {
    print = draw(prng);
    visited.add(print);
  }
  expect(visited.bytes).toBe(2 * 1024 * 16);
  expect(visited.size).toBeLessThanOrEqual(2 * 1024);
  expect(visited.add(print)).toBe(false);
});

function draw(prng: PrngState): Int32Array {
  return Int32Array.from({ length: 4 }, () => nextU32(prng));
}
