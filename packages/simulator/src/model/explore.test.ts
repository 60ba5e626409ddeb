import type { Writer } from "@synod/core";
import { describe, expect, test } from "vitest";
import { explore, type Model, PROGRESS_EVERY, type Progress } from "./explore.ts";

/**
 * x and y in Z/256, either may be incremented; the solution of a·x + b·y = c is the only bad state.
 */
function equation(a: number, b: number, c: number): Model<readonly [number, number], "x" | "y"> {
  return {
    initial: [[0, 0]],
    actions: () => ["x", "y"],
    apply: ([x, y], action) => (action === "x" ? [(x + 1) & 255, y] : [x, (y + 1) & 255]),
    fingerprint(writer: Writer, [x, y]) {
      writer.u8(x);
      writer.u8(y);
    },
    check: ([x, y]) => (((a * x + b * y) & 255) === c ? `solved by ${x}, ${y}` : null),
  };
}

const WIDE = { statesMax: 1_000_000, depthMax: 10_000 };

describe("explore", () => {
  test("visits every state once", () => {
    const result = explore(equation(2, 4, 7), WIDE);
    expect(result).toEqual({
      states: 65_536,
      transitions: 131_072,
      depth: 510,
      complete: true,
      violation: null,
    });
  });

  test("finds a nearest violation and the way there", () => {
    const { violation, complete } = explore(equation(2, 10, 14), WIDE);
    expect(complete).toBe(false);
    expect(violation).toEqual({ problem: "solved by 2, 1", path: ["x", "x", "y"] });
  });

  test("says so when it has not seen everything", () => {
    expect(explore(equation(2, 4, 7), { statesMax: 100, depthMax: 10_000 })).toMatchObject({
      states: 100,
      complete: false,
    });
    expect(explore(equation(2, 4, 7), { statesMax: 100_000, depthMax: 3 })).toMatchObject({
      states: 10,
      depth: 3,
      complete: false,
    });
  });

  test("depth first sees the same states, and finds some way to a violation", () => {
    const order = "depth";
    expect(explore(equation(2, 4, 7), { ...WIDE, order, depthMax: 100_000 })).toMatchObject({
      states: 65_536,
      transitions: 131_072,
      complete: true,
      violation: null,
    });
    const { violation } = explore(equation(2, 10, 14), { ...WIDE, order });
    const sum = violation?.path.reduce((at, step) => at + (step === "x" ? 2 : 10), 0) ?? 0;
    expect(sum & 255).toBe(14);
  });

  test("a bound on depth is told apart from the end of the model", () => {
    expect(explore(equation(2, 4, 7), { ...WIDE, depthMax: 510 })).toMatchObject({
      states: 65_536,
      complete: false,
    });
    expect(explore(equation(2, 4, 7), { ...WIDE, depthMax: 511 }).complete).toBe(true);
    const deep = { ...WIDE, order: "depth", depthMax: 20 } as const;
    expect(explore(equation(2, 4, 7), deep).complete).toBe(false);
  });

  test("tells how far it is", () => {
    const told: Progress[] = [];
    explore(equation(2, 4, 7), { ...WIDE, onProgress: (progress) => told.push(progress) });
    expect(told).toHaveLength(131_072 / PROGRESS_EVERY);
    expect(told.map((progress) => progress.transitions)).toEqual(
      told.map((_, index) => (index + 1) * PROGRESS_EVERY),
    );
    for (const { states, waiting } of told) expect(waiting).toBeLessThanOrEqual(states);
  });

  test("skips actions without effect, and checks the beginning too", () => {
    const still: Model<number, "wait"> = {
      initial: [7],
      actions: () => ["wait"],
      apply: () => null,
      fingerprint: (writer, state) => writer.u8(state),
      check: (state) => (state === 8 ? "eight" : null),
    };
    expect(explore(still, WIDE)).toMatchObject({ states: 1, transitions: 0, complete: true });
    expect(explore({ ...still, initial: [7, 8] }, WIDE).violation).toEqual({
      problem: "eight",
      path: [],
    });
  });
});
