import type { NodeId } from "@synod/core";

/** Links that are left, and when: nodes are named by what they are, not by their ids. */
export interface Scenario {
  readonly size: number;
  readonly about: string;
  /**
   * The stages of the fault: after so many election time-outs only these links are left. Node 0 is
   * the hub, node 1 leads when the fault begins; the rest are the others in order.
   */
  readonly stages: readonly {
    readonly afterTimeouts: number;
    readonly links: readonly (readonly [NodeId, NodeId])[];
  }[];
}

function mesh(size: number): [NodeId, NodeId][] {
  const links: [NodeId, NodeId][] = [];
  for (let a = 0; a < size; a += 1) for (let b = a + 1; b < size; b += 1) links.push([a, b]);
  return links;
}

/** The three of the paper (§2), with the graphs of its experiments. */
export const SCENARIOS = {
  "quorum-loss": {
    size: 5,
    about: "all links but those of one follower, the hub, are cut: the leader is a leaf of a star",
    stages: [{ afterTimeouts: 0, links: mesh(5).filter(([a]) => a === 0) }],
  },
  constrained: {
    size: 5,
    about: "the hub loses the leader first, and lags; then the others keep but the hub",
    stages: [
      { afterTimeouts: 0, links: mesh(5).filter(([a, b]) => !(a === 0 && b === 1)) },
      { afterTimeouts: 0.5, links: mesh(5).filter(([a, b]) => a === 0 && b !== 1) },
    ],
  },
  chained: {
    size: 3,
    about: "the link between the leader and one of two followers is cut",
    stages: [{ afterTimeouts: 0, links: mesh(3).filter(([a]) => a === 0) }],
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];
