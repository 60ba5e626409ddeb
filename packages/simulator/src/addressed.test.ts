import { describe, expect, it } from "vitest";
import { Draws, draw, drawFraction, longTail } from "./addressed.ts";

describe("addressed randomness", () => {
  it("answers the same question alike, and other questions otherwise", () => {
    expect(draw(1, "loss", 0, 1, 5)).toBe(draw(1, "loss", 0, 1, 5));
    const neighbours = new Set([
      draw(1, "loss", 0, 1, 5),
      draw(2, "loss", 0, 1, 5),
      draw(1, "delay", 0, 1, 5),
      draw(1, "loss", 1, 0, 5),
      draw(1, "loss", 0, 1, 6),
      draw(1, "loss", -1, 1, 5),
    ]);
    expect(neighbours.size).toBe(6);
  });

  it("is uniform in each of its coordinates", () => {
    const along: ((n: number) => number)[] = [
      (n) => drawFraction(n, "life"),
      (n) => drawFraction(1, "life", n),
      (n) => drawFraction(1, "life", 0, n),
      (n) => drawFraction(1, "life", 0, 0, n),
    ];
    for (const question of along) {
      const buckets = new Array<number>(16).fill(0);
      for (let n = 0; n < 16_000; n += 1) {
        const bucket = Math.floor(question(n) * 16);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(160);
    }
  });

  it("draws long tails with a mean near one and a bound", () => {
    let sum = 0;
    for (let n = 0; n < 10_000; n += 1) sum += longTail((n + 0.5) / 10_000);
    expect(sum / 10_000).toBeGreaterThan(0.9);
    expect(sum / 10_000).toBeLessThan(1.1);
    expect(longTail(1)).toBeLessThan(9);
  });

  it("picks distinct elements", () => {
    const draws = new Draws(1, "schedule");
    for (let round = 0; round < 50; round += 1)
      expect(new Set(draws.some([1, 2, 3, 4, 5], 3)).size).toBe(3);
  });
});
