import { runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

/**
 * Lives under the real host; what was found by these seeds is said beside them. The four properties
 * of total-order broadcast are oracles at every step, and at rest.
 */
const SEEDS = [
  { seed: 10, found: "answers to readers piled up while a slot stayed open" },
  { seed: 38, found: "a promise that outlived a crash, although nobody had heard of it" },
  { seed: 25, found: "an older disk put back, of which no promise may be demanded" },
  { seed: 248, found: "votes in compacted slots after the snapshot of them was lost" },
];

describe("cluster lives of broadcast", () => {
  const seen = new Set<string>();

  it.each(SEEDS)("seed $seed stays clean: $found", ({ seed }) => {
    const report = runSeed(SYSTEMS.broadcast, seed);
    expect(report.violation).toBeNull();
    expect(report.completed).toBeGreaterThan(500);
    for (const probe of Object.keys(report.probes)) seen.add(probe);
  });

  it("exercise what they are for", () => {
    expect([...seen]).toEqual(
      expect.arrayContaining([
        "broadcast: ballot outbid",
        "broadcast: message lost its slot",
        "broadcast: message of another member taken along",
        "broadcast: passed over, proposes itself",
        "broadcast: read waits for a slot",
        "broadcast: behind sent",
      ]),
    );
  });
});
