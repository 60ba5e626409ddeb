import { drawLife, runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { REGRESSIONS } from "./regressions.ts";
import { SYSTEMS } from "./systems.ts";

const system = SYSTEMS.multipaxos;

describe("cluster lives of multipaxos", () => {
  it.each(REGRESSIONS)("seed $seed stays clean: $found", ({ seed }) => {
    expect(runSeed(system, seed).violation).toBeNull();
  });

  it("come out the same when they are lived again", () => {
    for (const seed of [11, 12]) {
      const first = runSeed(system, seed);
      const second = runSeed(system, seed);
      expect(first.violation).toBeNull();
      expect(second).toEqual(first);
    }
  });

  it("go on as before when a fault that never struck is taken out", () => {
    const life = drawLife(13);
    const late = { kind: "flap", atMs: life.faultsMs + 1, target: 0 } as const;
    const more = runSeed(system, 13, { life: { ...life, faults: [...life.faults, late] } });
    expect(more.completed).toBe(runSeed(system, 13).completed);
  });

  it("report a planted violation", () => {
    const { violation } = runSeed(system, 14, { canary: true });
    expect(violation?.oracle).toBe("canary");
  });

  it("exercise what they are for", () => {
    const seen = new Set<string>();
    let forks = 0;
    for (let seed = 21; seed < 25; seed += 1) {
      const report = runSeed(system, seed);
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
