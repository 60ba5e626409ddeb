import { expect, test } from "vitest";
import { agreedTuning, PMMC_TUNING, tuningOf } from "./tuning.ts";

test("what makes no sense is left at its default", () => {
  expect(tuningOf({})).toEqual(PMMC_TUNING);
  expect(tuningOf({ window: 0, pingMs: Number.NaN, resendMs: -1, other: 5 })).toEqual(PMMC_TUNING);
});

test("some numbers may be zero, and none is beyond its limit", () => {
  const tuning = tuningOf({
    leaseMs: 0,
    retainBytes: 0,
    driftPerMille: 5000,
    window: 1e9,
    timeoutGrowth: 50,
    timeoutMs: 9000,
    batchBytesMax: 1e9,
    chunkBytes: 1e9,
  });
  expect(tuning).toMatchObject({
    leaseMs: 0,
    retainBytes: 0,
    driftPerMille: 999,
    window: 4096,
    timeoutGrowth: 100,
    timeoutMaxMs: 9000,
    batchBytesMax: 786_432,
    chunkBytes: 2_000_000,
  });
});

test("members tell each other what they must have in common, as it is used", () => {
  expect(agreedTuning({})).toBe("window=16 lease=0");
  expect(agreedTuning({ window: 8.5, leaseMs: 300, pingMs: 5 })).toBe("window=8 lease=300");
});
