import { type Regression, runSeed, type SeedReport } from "@synod/simulator";
import { SYSTEMS, type SystemName } from "../sim/systems.ts";
import type { LifeRecord } from "./life-record.ts";
import { LifeRecorder } from "./life-recorder.ts";

/** Lives the life of a regression file again, and writes down all that can be drawn. */
export function recordLife(
  regression: Regression,
  lines: readonly string[],
): { readonly report: SeedReport; readonly record: LifeRecord } {
  const { life, protocol } = regression;
  const recorder = new LifeRecorder(SYSTEMS[protocol as SystemName]);
  const report = runSeed(recorder.watched, life.seed, { life, story: recorder.story });
  const { violation } = report;
  const record = recorder.finish({
    title: `${protocol}, seed ${life.seed}`,
    subtitle: lines.join(", "),
    nodes: life.nodes,
    endMs: report.virtualMs,
    violation:
      violation === null
        ? null
        : { atMs: violation.atMs, text: `${violation.oracle}: ${violation.message}` },
  });
  return { report, record };
}
