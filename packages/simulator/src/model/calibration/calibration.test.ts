import { describe, expect, test } from "vitest";
import { type Bounds, explore } from "../explore.ts";
import { registerModel } from "./actors.ts";
import { CALIBRATIONS, type Calibration, type CalibrationName } from "./index.ts";
import { createHistories } from "./register-history.ts";
import { singleCopyServer } from "./single-copy.ts";
import { twoPhaseCommit } from "./two-phase-commit.ts";

const ALL: Bounds = { statesMax: 1_000_000, depthMax: 1_000_000 };

describe("states that others have counted", () => {
  const names = Object.keys(CALIBRATIONS) as CalibrationName[];

  test.each(names)("%s, breadth first and depth first", (name) => {
    const { states, create, order: only }: Calibration = CALIBRATIONS[name];
    for (const order of only === undefined ? (["breadth", "depth"] as const) : [only])
      expect(explore(create(), { ...ALL, order })).toMatchObject({
        states,
        complete: true,
        violation: null,
      });
  });

  test("the furthest state of Paxos, and how many ways lead from state to state", () => {
    expect(explore(CALIBRATIONS["paxos-2c3s"].create(), ALL)).toMatchObject({
      // 32,971 with the beginning, as the port counts that gave the reference numbers.
      transitions: 32_970,
      depth: 20,
    });
  });
});

test("full symmetry finds one state for each set of states that differ by names alone", () => {
  const model = twoPhaseCommit(5, "none");
  const orbits = new Set<string>();
  const check: typeof model.check = ({ managers, decision }) => {
    orbits.add(`${decision} ${managers.map((manager) => JSON.stringify(manager)).sort()}`);
    return null;
  };
  expect(explore({ ...model, check }, ALL).states).toBe(8_832);
  expect(orbits.size).toBe(CALIBRATIONS["2pc-5rm-symmetric"].states);
});

describe("a register on two servers that do not talk to each other", () => {
  test("is not linearizable, and the shortest way to see it is four messages long", () => {
    const model = registerModel(singleCopyServer, { clients: 2, servers: 2 });
    const { violation } = explore(model, ALL);
    const [start] = model.initial;
    if (violation === null || start === undefined) throw new Error("nothing found");
    expect(violation.problem).toBe("not linearizable");
    expect(violation.path.map((letter) => model.describe?.(start, letter))).toEqual([
      '2 > 0 {"kind":"put","request":2,"value":"A"}',
      '0 > 2 {"kind":"putOk","request":2}',
      '2 > 1 {"kind":"get","request":4}',
      '1 > 2 {"kind":"getOk","request":4,"value":""}',
    ]);
  });
});

describe("histories", () => {
  const write = (value: string) => ({ kind: "write", value }) as const;
  const read = { kind: "read" } as const;

  test("a read may see a write that is under way, and may not", () => {
    for (const seen of ["", "A"]) {
      const histories = createHistories();
      let at = histories.invoked(0, 1, write("A"));
      at = histories.invoked(at, 2, read);
      expect(histories.linearizable(histories.returned(at, 2, seen))).toBe(true);
    }
  });

  test("a read sees what was written before it began, and nothing that nobody wrote", () => {
    for (const seen of ["", "B"]) {
      const histories = createHistories();
      let at = histories.invoked(0, 1, write("A"));
      at = histories.returned(at, 1, null);
      at = histories.invoked(at, 2, read);
      expect(histories.linearizable(histories.returned(at, 2, seen))).toBe(false);
      expect(histories.linearizable(histories.returned(at, 2, "A"))).toBe(true);
    }
  });

  test("equal histories have one number, whoever began first among what overlaps", () => {
    const histories = createHistories();
    const one = histories.invoked(histories.invoked(0, 1, write("A")), 2, read);
    const other = histories.invoked(histories.invoked(0, 2, read), 1, write("A"));
    expect(one).toBe(other);
    expect(one).not.toBe(histories.invoked(0, 1, write("A")));
  });
});
