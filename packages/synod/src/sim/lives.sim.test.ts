import { drawLife, probesOf, runSeed, type SeedReport } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { REGRESSIONS } from "./regressions.ts";
import { SYSTEMS } from "./systems.ts";

const system = SYSTEMS.multipaxos;

const LIVES = 40;

/** Belong into one life in a hundred, and so not into each forty of them. */
const TOO_RARE: readonly string[] = ["fault: disk wiped", "fault: rot in one copy of the identity"];

const reports = new Map<number, SeedReport>();

/** What came of a life that several tests look at: it is lived once. */
function lived(seed: number): SeedReport {
  const report = reports.get(seed) ?? runSeed(system, seed);
  reports.set(seed, report);
  return report;
}

describe("cluster lives of multipaxos", () => {
  it("forty of them reach what lives are for", { timeout: 300_000 }, () => {
    const hit = new Set<string>();
    for (let seed = 1; seed <= LIVES; seed += 1) {
      const { violation, probes } = lived(seed);
      expect(violation, `seed ${seed}`).toBeNull();
      for (const name of Object.keys(probes)) hit.add(name);
    }
    const expected = probesOf(system).filter((probe) => probe.expected === "often");
    const missing = expected.filter(({ name }) => !hit.has(name)).map(({ name }) => name);
    expect(missing.filter((name) => !TOO_RARE.includes(name))).toEqual([]);
  });

  it.each(REGRESSIONS)("seed $seed stays clean: $found", ({ seed }) => {
    expect(runSeed(system, seed).violation).toBeNull();
  });

  it("come out the same when they are lived again", () => {
    for (const seed of [11, 12]) {
      const first = lived(seed);
      const second = runSeed(system, seed);
      expect(first.violation).toBeNull();
      expect(second).toEqual(first);
    }
  });

  it("go on as before when a fault that never struck is taken out", () => {
    const life = drawLife(13);
    const late = { kind: "flap", atMs: life.faultsMs + 1, target: 0 } as const;
    const more = runSeed(system, 13, { life: { ...life, faults: [...life.faults, late] } });
    expect(more.completed).toBe(lived(13).completed);
  });

  it("report a planted violation", () => {
    const { violation } = runSeed(system, 14, { canary: true });
    expect(violation?.oracle).toBe("canary");
  });

  it("exercise what they are for", () => {
    const seen = new Set<string>();
    let forks = 0;
    for (let seed = 21; seed < 25; seed += 1) {
      const report = lived(seed);
      expect(report.violation).toBeNull();
      expect(report.completed).toBeGreaterThanOrEqual(100);
      expect(report.faults).toBeGreaterThanOrEqual(5);
      forks += report.forks;
      for (const event of Object.keys(report.probes)) seen.add(event);
    }
    expect(forks).toBeGreaterThan(4);
    expect(seen.size).toBeGreaterThan(60);
    const usual = ["host: elected", "host: steppedDown", "host: snapshot written", "frame: lost"];
    expect([...seen]).toEqual(expect.arrayContaining(usual));
  });
});
