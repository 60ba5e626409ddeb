import { describe, expect, test } from "vitest";
import { judge } from "./floors.ts";
import { isFlat } from "./soak-item.ts";
import { showSpread, spread } from "./statistics.ts";
import { table } from "./table.ts";

describe("the spread of some runs", () => {
  test("has a median that was measured: the lower of two in the middle", () => {
    expect(spread([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30 });
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2, min: 1, max: 4 });
    expect(spread([7])).toEqual({ median: 7, min: 7, max: 7 });
  });

  test("sorts numbers as numbers and leaves its argument alone", () => {
    const values = [100, 9, 20];
    expect(spread(values).median).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  test("is shown with its ends unless they are the same", () => {
    expect(showSpread({ median: 2, min: 1, max: 3 })).toBe("2 (1–3)");
    expect(showSpread({ median: 0.125, min: 0.1, max: 0.2 }, 2)).toBe("0.13 (0.10–0.20)");
    expect(showSpread({ median: 5, min: 5, max: 5 })).toBe("5");
  });
});

test("a floor is met at its very value, by more throughput or by less time", () => {
  expect(judge("put c=64", 15_000)).toBe("met, ≥ 15000 ops/s");
  expect(judge("put c=64", 14_999)).toBe("NOT MET, ≥ 15000 ops/s");
  expect(judge("stall", 50)).toBe("met, ≤ 50 ms");
  expect(judge("stall", 50.1)).toBe("NOT MET, ≤ 50 ms");
  expect(judge("no such case", 1)).toBe("");
});

describe("flat", () => {
  test("the second half stays within a tenth of the second quarter", () => {
    expect(isFlat([1, 2, 10, 10, 11, 10, 9, 11])).toBe(true);
    expect(isFlat([1, 2, 10, 10, 11, 10, 9, 12])).toBe(false);
  });

  test("a warm-up in the first quarter counts neither way", () => {
    expect(isFlat([99, 99, 10, 10, 10, 10, 10, 10])).toBe(true);
    expect(isFlat([99, 99, 10, 10, 20, 10, 10, 10])).toBe(false);
  });
});

test("a table has a rule, names to the left and figures to the right", () => {
  expect(table(["case", "ms"], [["a", "1.5"], ["long name"]]).split("\n")).toEqual([
    "| case      |  ms |",
    "| --------- | --- |",
    "| a         | 1.5 |",
    "| long name |     |",
  ]);
});
