import { createPrng, nextBelow, nextU32 } from "@synod/core";
import { describe, expect, test } from "vitest";
import { FingerprintSet, fingerprintOf, formatFingerprint } from "./fingerprint.ts";

function hash(bytes: Uint8Array): string {
  const out = new Int32Array(4);
  fingerprintOf(bytes, out);
  return formatFingerprint(out);
}

describe("fingerprintOf", () => {
  test("a flipped bit, a byte more or less, each gives another one", () => {
    const prng = createPrng(7);
    const seen = new Set<string>();
    let count = 0;
    for (let length = 0; length <= 70; length += 1) {
      const bytes = Uint8Array.from({ length }, () => nextBelow(prng, 256));
      const variants = [bytes, Uint8Array.of(...bytes, 0)];
      for (let bit = 0; bit < length * 8; bit += 1) {
        const copy = bytes.slice();
        copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
        variants.push(copy);
      }
      for (const variant of variants) seen.add(hash(variant));
      count += variants.length;
      expect(hash(bytes.slice())).toBe(hash(bytes));
    }
    expect(seen.size).toBe(count);
  });

  test("each of its 128 bits is set for about half of all inputs", () => {
    const out = new Int32Array(4);
    const counts = new Array<number>(128).fill(0);
    for (let value = 0; value < 4000; value += 1) {
      fingerprintOf(Uint8Array.of(value & 255, value >> 8, 1, 2, 3), out);
      for (let bit = 0; bit < 128; bit += 1)
        if (((out[bit >> 5] as number) >>> (bit & 31)) & 1) counts[bit] = (counts[bit] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
});

describe("FingerprintSet", () => {
  test("agrees with a set of the engine while it grows, zero words and near twins included", () => {
    const prng = createPrng(11);
    const set = new FingerprintSet(1);
    const twin = new Set<string>();
    for (let round = 0; round < 20_000; round += 1) {
      const few = (): number => (nextBelow(prng, 4) > 0 ? nextU32(prng) | 0 : nextBelow(prng, 9));
      // Runs of places that collide, but not of thousands.
      const member = Int32Array.of(few() * 64, few(), few(), few());
      const key = member.join();
      expect(set.add(member)).toBe(!twin.has(key));
      twin.add(key);
    }
    expect(set.size).toBe(twin.size);
    expect(set.size).toBeGreaterThan(15_000);
    const zero = Int32Array.of(0, 0, 0, 0);
    expect([set.add(zero), set.add(zero)]).toEqual([true, false]);
    expect(set.size).toBe(twin.size + 1);
  });
});
