import { runSeed } from "@synod/simulator";
import { expect, test } from "vitest";
import { SYSTEMS } from "./systems.ts";

const system = SYSTEMS.pmmc;

test("cluster lives of pmmc are clean, the same again, and reach what they are for", () => {
  const seen = new Set<string>();
  // In 195 a leader that hears nobody must not hold on to its lease for ever.
  for (const seed of [2, 9, 11, 195]) {
    const report = runSeed(system, seed);
    expect(report.violation).toBeNull();
    expect(report.completed).toBeGreaterThanOrEqual(100);
    for (const event of Object.keys(report.probes)) seen.add(event);
  }
  expect(runSeed(system, 9)).toEqual(runSeed(system, 9));
  const usual = [
    "pmmc: adopted with pvalues to recover",
    "pmmc: command lost its slot",
    "pmmc: decided by a mark",
    "pmmc: read waits for a slot",
    "pmmc: read under a lease",
    "host: snapshot written",
  ];
  expect([...seen]).toEqual(expect.arrayContaining(usual));
});
