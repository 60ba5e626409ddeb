import { describe, expect, test } from "vitest";
import { type ChaosReport, runChaos } from "./testing/chaos.ts";

const SEEDS = Number(process.env["SYNOD_SEEDS"] ?? 120);
const FIRST = Number(process.env["SYNOD_SEED"] ?? 1);

/**
 * Random lives of one to seven members under loss, duplication, reordering, partitions, crashes
 * with loss of what was not synced, rot, compaction and state transfer. The invariants are checked
 * after every step, reads against real time, and at the end everything must have come out
 * everywhere.
 */
describe("random runs", () => {
  const reports: ChaosReport[] = [];

  test("no invariant breaks, and after the faults everything is delivered everywhere", () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1)
      try {
        reports.push(runChaos(seed, 800));
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
  });

  test("the runs were not idle", () => {
    const mean = (of: keyof ChaosReport): number =>
      reports.reduce((sum, report) => sum + report[of], 0) / reports.length;
    expect(mean("delivered")).toBeGreaterThan(10);
    expect(mean("reads")).toBeGreaterThan(5);
    expect(mean("crashes")).toBeGreaterThan(1);
    expect(mean("outbid")).toBeGreaterThan(0.5);
    expect(mean("displaced")).toBeGreaterThan(0.3);
    expect(mean("transfers")).toBeGreaterThan(0.3);
    expect(mean("rotten")).toBeGreaterThan(0.2);
  });
});
