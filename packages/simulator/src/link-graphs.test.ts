import { describe, expect, it } from "vitest";
import { drawLife } from "./life.ts";
import { GRAPHS_OF_FIVE, linksOf, pairsOf } from "./link-graphs.ts";

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

/** The smallest number that a renaming of the nodes makes of this graph. */
function smallest(graph: number, ways: readonly (readonly number[])[]): number {
  const pairs = pairsOf(5);
  const bitOf = new Map(pairs.map(([a, b], bit) => [a * 5 + b, 1 << bit]));
  const renamed = ways.map((names) =>
    pairs.reduce((bits, [a, b], bit) => {
      if ((graph & (1 << bit)) === 0) return bits;
      const [x, y] = [names[a] as number, names[b] as number];
      return bits | (bitOf.get(Math.min(x, y) * 5 + Math.max(x, y)) as number);
    }, 0),
  );
  return Math.min(...renamed);
}

describe("link graphs of five nodes", () => {
  it("hold one of each shape and no other", () => {
    const ways = permutations([0, 1, 2, 3, 4]);
    const shapes = new Set(Array.from({ length: 1024 }, (_, graph) => smallest(graph, ways)));
    expect([...GRAPHS_OF_FIVE]).toEqual([...shapes].sort((a, b) => a - b));
    expect(GRAPHS_OF_FIVE).toHaveLength(34);
  });

  it("are all drawn, each between nodes in any order", () => {
    const bits = new Map(pairsOf(5).map(([a, b], bit) => [a * 5 + b, 1 << bit]));
    const drawn = new Set<number>();
    for (let seed = 1; seed <= 1_000; seed += 1) {
      const { nodes, faults } = drawLife(seed);
      if (nodes.length !== 5) continue;
      for (const fault of faults) {
        if (fault.kind !== "graph") continue;
        const numbers = fault.links.map(
          ([a, b]) => bits.get(Math.min(a, b) * 5 + Math.max(a, b)) as number,
        );
        drawn.add(numbers.reduce((all, bit) => all | bit, 0));
      }
    }
    const ways = permutations([0, 1, 2, 3, 4]);
    const shapes = new Set([...drawn].map((graph) => smallest(graph, ways)));
    expect(drawn.size).toBeGreaterThan(4 * GRAPHS_OF_FIVE.length);
    expect([...shapes].sort((a, b) => a - b)).toEqual([...GRAPHS_OF_FIVE]);
  });

  it("name their links by the given nodes", () => {
    expect(linksOf(0b1000000001, [4, 3, 2, 1, 0])).toEqual([
      [4, 3],
      [1, 0],
    ]);
  });
});
