import { expect, test } from "vitest";
import { createPrng, nextBelow, nextFraction, nextU32 } from "./prng.ts";

test("frozen: a seed printed by an old version replays the same run", () => {
  const first = (seed: number) => {
    const state = createPrng(seed);
    return [...state, nextU32(state), nextU32(state), nextU32(state), ...state];
  };
  expect(first(0)).toEqual([
    1684164658, 3653269916, 2939563536, 2141751570, 1789933344, 44971166, 2521387044, 2411157945,
    2910955919, 1165625519, 1817985221,
  ]);
  expect(first(1)).toEqual([
    1580013426, 350525680, 3524174333, 3011703609, 393288148, 2174103013, 3814759091, 3176546024,
    1145687936, 1558142411, 554221436,
  ]);
  expect(first(0xffff_ffff)).toEqual([
    3950124170, 4293442868, 1302505678, 2762329221, 4104197751, 1825856343, 1152209388, 2956592907,
    2879391713, 1853727214, 2269958549,
  ]);
});

/** The authors' reference in C, transcribed with big integers. */
function reference(words: readonly number[]): () => number {
  const mask = 0xffff_ffffn;
  const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  const s = words.map(BigInt) as [bigint, bigint, bigint, bigint];
  return () => {
    const result = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11n);
    return Number(result);
  };
}

test("is xoshiro128**: 10,000 numbers as the reference makes them", () => {
  for (const seed of [0, 1, 12345, 0x8000_0000]) {
    const state = createPrng(seed);
    const next = reference(state);
    for (let round = 0; round < 10_000; round += 1) {
      if (nextU32(state) !== next()) throw new Error(`seed ${seed}, round ${round}`);
    }
    expect(state.every((word) => word >= 0 && word <= 0xffff_ffff)).toBe(true);
  }
});

test("the state is plain data: a copy continues alike", () => {
  const state = createPrng(9);
  nextU32(state);
  const copy = JSON.parse(JSON.stringify(state)) as typeof state;
  expect([nextU32(copy), nextU32(copy)]).toEqual([nextU32(state), nextU32(state)]);
});

test("no seed gives the all-zero state, from which nothing comes", () => {
  for (let seed = 0; seed < 10_000; seed += 1) {
    expect(createPrng(seed).some((word) => word !== 0)).toBe(true);
  }
});

test("bounds hold and are reached, evenly", () => {
  const state = createPrng(10);
  const counts = new Array<number>(7).fill(0);
  for (let round = 0; round < 70_000; round += 1) {
    const value = nextBelow(state, 7);
    counts[value] = (counts[value] ?? 0) + 1;
  }
  expect(counts).toHaveLength(7);
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  expect(nextBelow(state, 1)).toBe(0);
  for (let round = 0; round < 1000; round += 1) {
    const fraction = nextFraction(state);
    expect(fraction >= 0 && fraction < 1).toBe(true);
  }
});
