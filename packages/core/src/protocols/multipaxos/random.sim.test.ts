import { describe, expect, test } from "vitest";
import type { ChaosReport } from "../../testing/chaos.ts";
import { runChaos } from "./testing/chaos.ts";

const SEEDS = Number(process.env["SYNOD_SEEDS"] ?? 1500);
const FIRST = Number(process.env["SYNOD_SEED"] ?? 1);

/**
 * Random lives of clusters of one to seven members under loss, duplication, reordering, partitions,
 * crashes with loss of what was not synced, compaction and state transfer. The invariants are
 * checked after every step, reads against real time, and at the end everything must have come out
 * everywhere.
 */
describe("random runs", () => {
  const reports: ChaosReport[] = [];

  test("no invariant breaks, and after the faults everything is executed everywhere", () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1)
      try {
        reports.push(runChaos(seed, 1500));
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
  });

  test("the runs were not idle", () => {
    const sum = (pick: (report: ChaosReport) => number): number =>
      reports.reduce((total, report) => total + pick(report), 0);
    console.log(
      sum((r) => r.steps),
      sum((r) => r.executed),
      sum((r) => r.reads),
      sum((r) => r.crashes),
      sum((r) => r.elections),
      sum((r) => r.transfers),
      sum((r) => r.stepDowns),
      sum((r) => r.rotten),
      sum((r) => r.faulty),
      sum((r) => r.repaired),
    );
    expect(sum((r) => r.repaired) / reports.length).toBeGreaterThan(0.05);
    expect(sum((r) => r.executed) / reports.length).toBeGreaterThan(10);
  });
});
