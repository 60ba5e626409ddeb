import { describe, expect, test } from "vitest";
import type { Command, CommandKind } from "./command.ts";
import { commandsConflict, conflicts, EMPTY_FOOTPRINT } from "./command.ts";

const KEY_SETS = [[], ["a"], ["b"], ["a", "b"]];

test("two footprints conflict exactly when one writes what the other touches", () => {
  const all = KEY_SETS.flatMap((reads) => KEY_SETS.map((writes) => ({ reads, writes })));
  for (const left of all) {
    for (const right of all) {
      const expected = ["a", "b"].some(
        (key) =>
          (left.writes.includes(key) && [...right.reads, ...right.writes].includes(key)) ||
          (right.writes.includes(key) && [...left.reads, ...left.writes].includes(key)),
      );
      expect(conflicts(left, right)).toBe(expected);
      expect(conflicts(right, left)).toBe(expected);
    }
  }
});

describe("barriers and stops", () => {
  function command(kind: CommandKind): Command {
    const payload = new Uint8Array(0);
    const names = { client: "c", sequence: 1, acknowledged: 1, origin: 0 };
    return { kind, ...names, payload, footprint: EMPTY_FOOTPRINT };
  }

  test.each(["barrier", "stop"] as const)("%s conflicts with everything, itself too", (kind) => {
    for (const other of ["apply", "barrier", "stop"] as const) {
      expect(commandsConflict(command(kind), command(other))).toBe(true);
      expect(commandsConflict(command(other), command(kind))).toBe(true);
    }
  });

  test("commands that touch nothing do not conflict", () => {
    expect(commandsConflict(command("apply"), command("apply"))).toBe(false);
  });
});
