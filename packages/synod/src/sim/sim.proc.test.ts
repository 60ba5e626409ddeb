import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

function sim(...args: string[]) {
  const command = `${root}packages/synod/bin/synod.js`;
  const done = spawnSync(process.execPath, [command, "sim", ...args], { encoding: "utf8" });
  return { code: done.status, out: done.stdout, text: `${done.stdout}${done.stderr}` };
}

describe("synod sim", () => {
  it("gives the same hash in every process", () => {
    const first = sim("--seed", "3");
    expect(first.text).toMatch(/hash [0-9a-f]{16}/);
    expect(first.code).toBe(0);
    expect(sim("--seed", "3")).toEqual(first);
  });

  it("sweeps in several processes and ends with a summary", () => {
    const { code, text } = sim("--seeds", "4", "--from", "31", "--jobs", "2");
    expect(text).toContain("4/4 seeds, 0 with a violation");
    expect(code).toBe(0);
  });

  it("sweeps for a program: one line of JSON", () => {
    const { code, out } = sim("--seeds", "2", "--from", "31", "--jobs", "1", "--json");
    const { probes, ...figures } = JSON.parse(out);
    expect(figures).toMatchObject({ protocol: "multipaxos", seeds: 2, violations: 0, jobs: 1 });
    expect(figures.missing).toEqual([]);
    for (const sum of ["nodeHours", "events", "operations", "faults", "seconds"])
      expect(figures[sum]).toBeGreaterThan(0);
    expect(probes["fault: failed read"]).toEqual({ seeds: 0, times: 0 });
    expect(probes["frame: overtaken"].times).toBeGreaterThan(probes["frame: overtaken"].seeds);
    expect(probes["host: elected"].seeds).toBe(2);
    expect(code).toBe(0);
  });

  it("reports the canary, and how to see it again", () => {
    const { code, text } = sim("--seeds", "4", "--canary");
    expect(text).toContain('VIOLATION of "canary"');
    expect(text).toMatch(/npm run sim -- --seed \d+ --verbose --canary/);
    expect(code).toBe(1);
  });

  it("refuses options that make no sense", () => {
    expect(sim("--seeds", "none").code).toBe(2);
    expect(sim("--protocol", "nonesuch").code).toBe(2);
    expect(sim("--seed", "1", "--seeds", "2").code).toBe(2);
    expect(sim("--mutant", "nonesuch", "--seed", "1").code).not.toBe(0);
  });
});
