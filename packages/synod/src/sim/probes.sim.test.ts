import { probesOf, runSeed } from "@synod/simulator";
import { expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

const LIVES = 40;

/** Belong into one life in a hundred, and so not into each forty of them. */
const TOO_RARE: readonly string[] = ["fault: disk wiped", "fault: rot in one copy of the identity"];

it("forty lives of multipaxos reach what lives are for", { timeout: 300_000 }, () => {
  const system = SYSTEMS.multipaxos;
  const hit = new Set<string>();
  for (let seed = 1; seed <= LIVES; seed += 1) {
    const { violation, probes } = runSeed(system, seed);
    expect(violation, `seed ${seed}`).toBeNull();
    for (const name of Object.keys(probes)) hit.add(name);
  }
  const expected = probesOf(system).filter((probe) => probe.expected === "often");
  const missing = expected.filter(({ name }) => !hit.has(name)).map(({ name }) => name);
  expect(missing.filter((name) => !TOO_RARE.includes(name))).toEqual([]);
});
