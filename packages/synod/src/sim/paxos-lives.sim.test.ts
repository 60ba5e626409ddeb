import { runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

const system = SYSTEMS.paxos;

describe("cluster lives of a single decree", () => {
  it("are clean, and the decision comes before, among and after the faults", () => {
    const seen = new Set<string>();
    let forks = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const report = runSeed(system, seed);
      expect([seed, report.violation]).toEqual([seed, null]);
      forks += report.forks;
      for (const event of Object.keys(report.probes)) seen.add(event);
    }
    expect(forks).toBeGreaterThan(10);
    const usual = [
      "paxos: ballot outbid",
      "paxos: decided for something else",
      "paxos: decided known from the disk",
      "paxos: learned by asking acceptors",
      "paxos: learned from somebody's memory",
      "paxos: proposer fell in the accept phase",
      "paxos: read before the decision",
    ];
    expect([...seen]).toEqual(expect.arrayContaining(usual));
  });

  it("come out the same when they are lived again", () => {
    expect(runSeed(system, 21)).toEqual(runSeed(system, 21));
  });

  it("report a planted violation", () => {
    expect(runSeed(system, 22, { canary: true }).violation?.oracle).toBe("canary");
  });
});
