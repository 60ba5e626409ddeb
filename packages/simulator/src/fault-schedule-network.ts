import type { NodeId } from "@synod/core";
import type { Draws } from "./addressed.ts";
import { drawTarget } from "./fault-draws.ts";
import type { Edge, NetworkFault } from "./fault-network.ts";
import { GRAPHS_OF_FIVE, linksOf, pairsOf } from "./link-graphs.ts";

/** How often each kind occurs: share of lives, and paces in them, ms. */
export const NETWORK_CLASSES: readonly {
  readonly kind: NetworkFault["kind"];
  readonly share: number;
  readonly pacesMs: readonly number[];
}[] = Object.freeze([
  { kind: "cut", share: 0.6, pacesMs: [5_000, 10_000, 20_000] },
  { kind: "flap", share: 0.3, pacesMs: [3_000, 8_000] },
  { kind: "wave", share: 0.2, pacesMs: [10_000, 20_000] },
  { kind: "clog", share: 0.25, pacesMs: [6_000, 15_000] },
  { kind: "graph", share: 0.2, pacesMs: [10_000, 20_000] },
]);

export function drawNetworkFault(
  draws: Draws,
  kind: NetworkFault["kind"],
  nodes: readonly NodeId[],
  atMs: number,
): NetworkFault {
  switch (kind) {
    case "cut":
      return drawCut(draws, nodes, atMs);
    case "flap":
      return { kind, atMs, target: drawTarget(draws, nodes) };
    case "wave": {
      const everyMs = draws.pick([50, 200, 1_000, 5_000]);
      const target = drawTarget(draws, nodes);
      return { kind, atMs, target, everyMs, forMs: draws.pick([2_000, 8_000]) };
    }
    case "clog":
      return {
        kind,
        atMs,
        side: [drawTarget(draws, nodes)],
        forMs: draws.pick([100, 1_000, 5_000]),
      };
    case "graph":
      return { kind, atMs, links: drawGraph(draws, nodes), forMs: draws.pick([2_000, 6_000]) };
  }
}

function drawCut(draws: Draws, nodes: readonly NodeId[], atMs: number): NetworkFault {
  const isolate = draws.chance(0.6);
  const side = isolate
    ? [drawTarget(draws, nodes)]
    : draws.some(nodes, draws.between(1, Math.max(1, nodes.length - 1)));
  const direction = draws.pick(["both", "both", "out", "in"] as const);
  const forMs = draws.pick([100, 600, 2_000, 5_000, 12_000]);
  return { kind: "cut", atMs, side, direction, forMs, silent: draws.chance(0.4) };
}

/** Among five nodes one of the 34 shapes; among others any set of links. */
function drawGraph(draws: Draws, nodes: readonly NodeId[]): Edge[] {
  if (nodes.length !== 5) return pairsOf(nodes.length).filter(() => draws.chance(0.5));
  return linksOf(draws.pick(GRAPHS_OF_FIVE), draws.some(nodes, nodes.length));
}
