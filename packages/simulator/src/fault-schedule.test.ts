import { describe, expect, it } from "vitest";
import type { Fault } from "./fault.ts";
import { victimsMax, victimsOf } from "./fault-atlas.ts";
import { drawLife } from "./life.ts";

const LIVES = Array.from({ length: 600 }, (_, seed) => drawLife(seed + 1));

/** Every kind; the compiler misses none. Other members are asked for in some systems only. */
const KINDS: Readonly<Record<Exclude<Fault["kind"], "reconfigure">, true>> = {
  crash: true,
  "power-loss": true,
  pause: true,
  stall: true,
  jump: true,
  usurp: true,
  muffle: true,
  cut: true,
  flap: true,
  wave: true,
  clog: true,
  graph: true,
  wipe: true,
  stale: true,
  rot: true,
  misdirect: true,
  "lost-file": true,
  lie: true,
  "slow-disk": true,
  "full-disk": true,
  "io-error": true,
};

describe("the faults of many lives", () => {
  it.each(Object.keys(KINDS))("know %s, and many lives leave it out", (kind) => {
    const having = LIVES.filter(({ faults }) => faults.some((fault) => fault.kind === kind));
    expect(having.length).toBeGreaterThan(5);
    expect(having.length).toBeLessThan(LIVES.length * 0.85);
  });

  it("take what was durable from victims alone, and these are fewer than half", () => {
    for (const { seed, nodes, victims, faults } of LIVES) {
      expect(victims.length, `seed ${seed}`).toBeLessThanOrEqual(victimsMax(nodes.length));
      expect(2 * victims.length, `seed ${seed}`).toBeLessThan(nodes.length);
      for (const victim of victimsOf(faults)) expect(victims, `seed ${seed}`).toContain(victim);
    }
    expect(LIVES.filter(({ victims }) => victims.length > 1).length).toBeGreaterThan(20);
  });

  it("lie and lose files of every use", () => {
    const seen = new Set<string>();
    for (const { faults } of LIVES)
      for (const fault of faults)
        if (fault.kind === "lie" || fault.kind === "lost-file")
          seen.add(`${fault.kind} ${fault.use}`);
    expect([...seen].sort()).toEqual([
      "lie identity",
      "lie journal",
      "lie snapshot",
      "lost-file identity",
      "lost-file journal",
      "lost-file snapshot",
    ]);
  });
});
