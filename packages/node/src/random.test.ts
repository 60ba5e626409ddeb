import { expect, it } from "vitest";
import { createRandom } from "./random.ts";

it("draws unsigned 32-bit numbers of which every bit varies, across batches", () => {
  const random = createRandom();
  const numbers = Array.from({ length: 1_000 }, () => random.next());
  expect(numbers.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32)).toBe(true);
  expect(new Set(numbers).size).toBeGreaterThan(990);
  for (let bit = 0; bit < 32; bit += 1) {
    const ones = numbers.filter((n) => (n >>> bit) & 1).length;
    expect(ones).toBeGreaterThan(350);
    expect(ones).toBeLessThan(650);
  }
});
