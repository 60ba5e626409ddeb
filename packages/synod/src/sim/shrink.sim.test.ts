import {
  countEvents,
  drawLife,
  type ProtocolWatch,
  readRegression,
  runSeed,
  type SimulatedSystem,
  shrink,
  writeRegression,
} from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

type System<P> = P extends SimulatedSystem<infer S, infer M> ? SimulatedSystem<S, M> : never;
const system: System<typeof SYSTEMS.multipaxos> = SYSTEMS.multipaxos;

/** Accuses whoever is elected after some node has fallen: takes a crash and little else. */
const picky: typeof system = {
  ...system,
  createWatch: (tools) => {
    const watch: ReturnType<typeof system.createWatch> = system.createWatch(tools);
    let fallen = false;
    const wrapped: typeof watch extends ProtocolWatch<infer S, infer M>
      ? ProtocolWatch<S, M>
      : never = {
      ...watch,
      stepped: (node, state, input, effects) => {
        watch.stepped(node, state, input, effects);
        const proposes = input.kind === "propose" && fallen;
        if (proposes && state.role.kind === "leader") tools.accuse("picky", `node ${node}`);
      },
      fell: (node) => {
        watch.fell(node);
        fallen = true;
      },
    };
    return wrapped;
  },
};

describe("shrinking", () => {
  const failing = drawLife(9);
  const shrunk = shrink(picky, failing, "picky", { runsMax: 120 });

  it("leaves little of a life, and what is left still shows the violation", () => {
    expect(shrunk.report.violation?.oracle).toBe("picky");
    expect(countEvents(shrunk.life)).toBeLessThanOrEqual(5);
    expect(shrunk.life.faults.length).toBeGreaterThanOrEqual(1);
  });

  it("gives a file that tells the same", () => {
    const { life, report } = shrunk;
    const says = report.violation?.message ?? "";
    const file = writeRegression({
      protocol: "multipaxos",
      mutant: null,
      oracle: "picky",
      says,
      life,
    });
    const read = readRegression(file);
    if (!("life" in read)) throw new Error(read.expected);
    const again = runSeed(picky, read.life.seed, { life: read.life });
    expect(again).toEqual(report);
    expect(runSeed(system, read.life.seed, { life: read.life }).violation).toBeNull();
  });

  it("gives up in time", () => {
    let asked = 0;
    const few = shrink(picky, failing, "picky", {
      mayGoOn: () => {
        asked += 1;
        return asked <= 2;
      },
    });
    expect(few.runs).toBe(3);
    expect(few.report.violation?.oracle).toBe("picky");
  });
});
