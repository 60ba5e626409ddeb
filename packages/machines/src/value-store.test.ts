import { createPrng, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type StoredValue, ValueStore } from "./value-store.ts";

const PATTERN = Uint8Array.from(
  { length: 300_000 },
  (_, index) => (index * 31 + (index >>> 8)) & 0xff,
);

/** Different for different seeds below 100,000; cheap, because there are many. */
function bytesOf(seed: number, length: number): Uint8Array {
  return PATTERN.subarray(seed, seed + length);
}

/** Many comparisons of many bytes: the matcher's own walk over elements would take minutes. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

describe("ValueStore", () => {
  for (const lengthMax of [1, 40, 600, 9_000]) {
    test(`values up to ${lengthMax} bytes keep their bytes while others come and go`, () => {
      const prng = createPrng(lengthMax);
      const store = new ValueStore();
      const twin = new Map<number, { value: StoredValue; bytes: Uint8Array }>();
      const source = new Uint8Array(lengthMax + 3);
      for (let step = 0; step < 3_000; step += 1) {
        const key = nextBelow(prng, 300);
        const bytes = bytesOf(step, nextBelow(prng, lengthMax + 1));
        source.set(bytes, 3);
        const before = twin.get(key);
        if (before !== undefined) {
          if (!sameBytes(before.value.view(), before.bytes)) expect.fail(`lost at step ${step}`);
          store.drop(before.value);
        }
        twin.set(key, { value: store.put(source, 3, 3 + bytes.length), bytes });
        source.fill(0xee);
      }
      for (const { value, bytes } of twin.values())
        expect(sameBytes(value.view(), bytes)).toBe(true);
    });
  }

  test("a dropped value that a reader still holds keeps its bytes", () => {
    const store = new ValueStore();
    const held = store.put(bytesOf(1, 100), 0, 100);
    store.drop(held);
    let last: StoredValue | null = null;
    for (let step = 0; step < 20_000; step += 1) {
      if (last !== null) store.drop(last);
      last = store.put(bytesOf(step, 100), 0, 100);
    }
    expect(sameBytes(held.view(), bytesOf(1, 100))).toBe(true);
  });

  test("memory follows what lives: hot keys over cold ones, and after all was dropped", () => {
    const store = new ValueStore();
    // One cold value in every slab of hot ones would hold all slabs, if nothing moved.
    const cold: StoredValue[] = [];
    let hot: StoredValue | null = null;
    for (let step = 0; step < 60_000; step += 1) {
      if (step % 100 === 0) cold.push(store.put(bytesOf(step, 200), 0, 200));
      if (hot !== null) store.drop(hot);
      hot = store.put(bytesOf(step, 200), 0, 200);
    }
    const living = (cold.length + 1) * 200;
    expect(living).toBeGreaterThan(100_000);
    expect(store.pooledBytes).toBeLessThan(2 * living + 10 * 65_536);
    for (const [index, value] of cold.entries())
      expect(sameBytes(value.view(), bytesOf(index * 100, 200))).toBe(true);
    for (const value of cold) store.drop(value);
    for (let step = 0; step < 5_000; step += 1) store.drop(store.put(bytesOf(step, 200), 0, 200));
    expect(store.pooledBytes).toBeLessThan(10 * 65_536);
  });

  test("values too long for a slab are not pooled", () => {
    const store = new ValueStore();
    const value = store.put(bytesOf(5, 100_000), 0, 100_000);
    expect(store.pooledBytes).toBe(0);
    expect(sameBytes(value.view(), bytesOf(5, 100_000))).toBe(true);
    store.drop(value);
    expect(sameBytes(value.view(), bytesOf(5, 100_000))).toBe(true);
  });
});
