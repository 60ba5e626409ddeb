import { compareBallots, type NodeId } from "@synod/core";
import { explore, GRAPHS_OF_FIVE, linksOf } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { type ElectionModelOptions, electionModel } from "./testing/election-model.ts";

const ALL = { statesMax: 1_000_000, depthMax: 10_000 };
const FIVE: readonly NodeId[] = [0, 1, 2, 3, 4];

/** Whoever is linked to a quorum is served again within so many rounds; a round is a time-out. */
const ROUNDS_TO_SERVICE = 3;

interface Verdict {
  readonly states: number;
  /** Most rounds of anybody before service was back. */
  readonly worst: number;
  readonly problem: string | null;
}

/**
 * Looks at every order of rounds: from `ROUNDS_TO_SERVICE` rounds on somebody serves, and from then
 * on no ballot rises.
 */
function judge(options: Omit<ElectionModelOptions, "rounds">): Verdict {
  const model = electionModel({ ...options, rounds: ROUNDS_TO_SERVICE + 2 });
  let worst = 0;
  const check: typeof model.check = (state) => {
    const rounds = model.rounds(state);
    if (model.isServed(state)) return null;
    if (rounds > ROUNDS_TO_SERVICE) return `nobody is served after ${rounds} rounds`;
    worst = Math.max(worst, rounds);
    return null;
  };
  const apply: typeof model.apply = (state, node) => {
    const after = model.apply(state, node);
    if (after === null) return null;
    const settled = state.members.every(({ rounds }) => rounds >= ROUNDS_TO_SERVICE);
    const moved = compareBallots(model.highest(after), model.highest(state)) > 0;
    if (settled && moved) throw new Error("a ballot rises after service is back");
    return after;
  };
  const { states, violation } = explore({ ...model, check, apply }, ALL);
  return { states, worst, problem: violation?.problem ?? null };
}

function hearsBy(links: readonly (readonly [NodeId, NodeId])[]) {
  return (from: NodeId, to: NodeId): boolean =>
    links.some(([a, b]) => (a === from && b === to) || (a === to && b === from));
}

describe("the three graphs of the paper, every order of rounds", () => {
  const star = [
    [0, 1],
    [0, 2],
    [0, 3],
    [0, 4],
  ] as const;
  const shunned = [
    [0, 1],
    [0, 3],
    [0, 4],
  ] as const;
  const chain = [
    [0, 1],
    [0, 2],
  ] as const;

  test.each([
    ["quorum-loss: a star around 0, a leaf leads", 5, 2, star, 375, 3],
    ["constrained: only 0 has a quorum, the leader has nobody", 5, 2, shunned, 280, 3],
    ["chained: an end leads, and goes on", 3, 1, chain, 36, 0],
  ] as const)("%s", (_name, size, leader, links, states, worst) => {
    const verdict = judge({ size, leader, hears: hearsBy(links) });
    expect(verdict).toEqual({ states, worst, problem: null });
  });
});

describe("all 34 graphs of five nodes, whoever led", () => {
  const neighbours = (graph: number, node: NodeId): number =>
    linksOf(graph, FIVE).filter((link) => link.includes(node)).length;
  const connected = GRAPHS_OF_FIVE.filter((graph) =>
    FIVE.some((node) => neighbours(graph, node) >= 2),
  );

  test("31 have a quorum-connected node: served within three rounds, then at rest", () => {
    let states = 0;
    let worst = 0;
    for (const graph of connected)
      for (const leader of FIVE) {
        const verdict = judge({ size: 5, leader, hears: hearsBy(linksOf(graph, FIVE)) });
        expect([graph, leader, verdict.problem]).toEqual([graph, leader, null]);
        states += verdict.states;
        worst = Math.max(worst, verdict.worst);
      }
    expect({ graphs: connected.length, states, worst }).toEqual({
      graphs: 31,
      states: 36_862,
      worst: 3,
    });
  });
});
