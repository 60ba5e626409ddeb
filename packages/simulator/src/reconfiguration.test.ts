import { expect, test } from "vitest";
import { victimsMax } from "./fault-atlas.ts";
import { drawLife, membersOf } from "./life.ts";
import { withReconfiguration } from "./reconfiguration.ts";

const LIVES = Array.from({ length: 900 }, (_, seed) => withReconfiguration(drawLife(seed + 1)));
const CHANGING = LIVES.filter(({ members }) => members !== undefined);

test("a third of the lives of three nodes or more change their members", () => {
  const able = LIVES.filter(({ nodes }) => nodes.length >= 3);
  expect(CHANGING.length).toBeGreaterThan(0.28 * able.length);
  expect(CHANGING.length).toBeLessThan(0.38 * able.length);
  for (const { faults } of CHANGING) {
    const times = faults.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(faults.filter(({ kind }) => kind === "reconfigure").length).toBeGreaterThan(2);
  }
});

test("they begin with as many members as there may be, of whom a quorum keeps its disks", () => {
  const sizes = new Set<number>();
  for (const life of CHANGING) {
    const members = membersOf(life);
    const victims = members.filter((node) => life.victims.includes(node));
    expect(members.length).toBeGreaterThan(0);
    expect(victims.length).toBeLessThanOrEqual(victimsMax(members.length));
    sizes.add(members.length);
  }
  expect([...sizes].sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("the others are as they were drawn", () => {
  for (const [at, life] of LIVES.entries())
    if (life.members === undefined) expect(life).toEqual(drawLife(at + 1));
});
