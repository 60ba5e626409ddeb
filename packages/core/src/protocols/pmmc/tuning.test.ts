import { expect, test } from "vitest";
import { PMMC_TUNING, tuningOf } from "./tuning.ts";

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
