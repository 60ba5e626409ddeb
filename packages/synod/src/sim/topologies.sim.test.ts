import { drawLife, GRAPHS_OF_FIVE, type Life, linksOf, runSeed } from "@synod/simulator";
import { describe, expect, it } from "vitest";
import { SYSTEMS } from "./systems.ts";

const NODES = [0, 1, 2, 3, 4];

/** Neighbours of the node that has most. */
function mostLinks(graph: number): number {
  const links = linksOf(graph, NODES);
  return Math.max(...NODES.map((node) => links.filter((link) => link.includes(node)).length));
}

/** Five nodes without any fault, until all links but these are cut for good. */
function lifeWith(graph: number, seed: number): Life {
  // Another order of the nodes for every seed: ids break ties between candidates.
  const order = NODES.map((node) => (node * 2 + seed) % 5);
  const drawn = Array.from({ length: 99 }, (_, at) => drawLife(seed + at));
  const life = drawn.find(({ nodes }) => nodes.length === 5) as Life;
  return {
    ...life,
    faultsMs: 4_000,
    faults: [],
    victims: [],
    forks: [],
    clients: life.clients.slice(0, 4),
    core: { small: false, draw: 0, links: linksOf(graph, order) },
  };
}

describe("partial connectivity", () => {
  const connected = GRAPHS_OF_FIVE.filter((graph) => mostLinks(graph) >= 2);

  it("leaves a node linked to a quorum in 31 of the 34 shapes of five nodes", () => {
    expect(connected).toHaveLength(31);
  });

  it.each(connected)("whoever is linked to a quorum is served: shape %i", (graph) => {
    for (const seed of [100]) {
      const life = lifeWith(graph, seed);
      const { violation } = runSeed(SYSTEMS.multipaxos, life.seed, { life });
      expect(violation).toBeNull();
    }
  });

  it("is seen when nobody is", () => {
    const life = lifeWith(0, 100);
    const { violation } = runSeed(SYSTEMS.multipaxos, life.seed, { life });
    expect(violation?.oracle).toBe("progress");
  });
});
