import { drawLife, runSeed, withReconfiguration } from "@synod/simulator";
import { expect, test } from "vitest";
import { SYSTEMS } from "./systems.ts";

/** Seeds whose lives grow and shrink, and lose members for good. */
const SEEDS = [5] as const;

test.each(["omnipaxos", "multipaxos"] as const)("lives of %s keep one log", (name) => {
  let chosen = 0;
  let begun = 0;
  for (const seed of SEEDS) {
    const life = withReconfiguration(drawLife(seed));
    expect(life.members).toBeDefined();
    const { violation, probes } = runSeed(SYSTEMS[name], seed, { life });
    expect(violation, `seed ${seed}`).toBe(null);
    chosen += probes["reconfiguration: chosen"] ?? 0;
    begun += probes["host: configuration begun"] ?? 0;
  }
  expect(chosen).toBeGreaterThan(2);
  expect(begun).toBeGreaterThan(2 * chosen);
});

test("a third of the seeds of omnipaxos change their members, and none of multipaxos", () => {
  const count = (name: "omnipaxos" | "multipaxos"): number =>
    Array.from({ length: 300 }, (_, seed) => SYSTEMS[name].adapt(drawLife(seed))).filter(
      ({ members }) => members !== undefined,
    ).length;
  // Fewer than three nodes leave nothing to change.
  expect(count("omnipaxos")).toBeGreaterThan(75);
  expect(count("omnipaxos")).toBeLessThan(115);
  expect(count("multipaxos")).toBe(0);
});
