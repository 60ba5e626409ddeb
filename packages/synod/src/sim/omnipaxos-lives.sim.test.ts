import { runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

/** Lives under the real host; what was found by these seeds is said beside them. */
const SEEDS = [
  { seed: 111, found: "a newcomer of whom a platter was demanded before it had a state" },
  { seed: 124, found: "an acceptance that left after other values had been decided" },
  { seed: 154, found: "syncs sent again faster than a slow link takes them, for six minutes" },
  {
    seed: 210,
    found: "a follower that fails because a leader that is cut off had lost a slot",
  },
  {
    seed: 172,
    found: "a write in a state from elsewhere, told not to be applied by a member that leaves",
  },
];

describe("cluster lives of omnipaxos", () => {
  const seen = new Set<string>();

  it.each(SEEDS)("seed $seed stays clean: $found", ({ seed }) => {
    const report = runSeed(SYSTEMS.omnipaxos, seed);
    expect(report.violation).toBeNull();
    expect(report.completed).toBeGreaterThan(500);
    for (const probe of Object.keys(report.probes)) seen.add(probe);
  });

  it("exercise what they are for", () => {
    expect([...seen]).toEqual(
      expect.arrayContaining(["host: elected", "host: configuration begun", "host: steppedDown"]),
    );
  });
});
