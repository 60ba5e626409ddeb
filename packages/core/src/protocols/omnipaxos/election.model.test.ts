import { type Ballot, compareBallots, type NodeId, sameBallot } from "@synod/core";
import { explore, GRAPHS_OF_FIVE, linksOf } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import {
  type ElectionModel,
  type ElectionModelOptions,
  type ElectionModelState,
  electionModel,
} from "./testing/election-model.ts";

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

const STAR = [
  [0, 1],
  [0, 2],
  [0, 3],
  [0, 4],
] as const;
const SHUNNED = [
  [0, 1],
  [0, 3],
  [0, 4],
] as const;
const CHAIN = [
  [0, 1],
  [0, 2],
] as const;

describe("the three graphs of the paper, every order of rounds", () => {
  test.each([
    ["quorum-loss: a star around 0, a leaf leads", 5, 2, STAR, 375, 3],
    ["constrained: only 0 has a quorum, the leader has nobody", 5, 2, SHUNNED, 280, 3],
    ["chained: an end leads, and goes on", 3, 1, CHAIN, 36, 0],
  ] as const)("%s", (_name, size, leader, links, states, worst) => {
    const verdict = judge({ size, leader, hears: hearsBy(links) });
    expect(verdict).toEqual({ states, worst, problem: null });
  });
});

const neighbours = (graph: number, node: NodeId): number =>
  linksOf(graph, FIVE).filter((link) => link.includes(node)).length;
const connected = GRAPHS_OF_FIVE.filter((graph) =>
  FIVE.some((node) => neighbours(graph, node) >= 2),
);

describe("all 34 graphs of five nodes, whoever led", () => {
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

describe("priority that moves leadership, with priorities as ids", () => {
  /** Rounds that a higher priority waits for, and after which nothing may move any more. */
  const WAIT = 2;
  const SETTLED = 16;

  interface Moves {
    readonly states: number;
    /** Who leads at the end, in one order of rounds or another. */
    readonly leaders: readonly NodeId[];
  }

  function judgeMoves(leader: NodeId, hears: ElectionModelOptions["hears"], size = 5): Moves {
    const rounds = SETTLED + 1;
    const options = { size, leader, hears, rounds, priorities: FIVE, takeOverRounds: WAIT };
    const model = electionModel(options);
    const leaders = new Set<NodeId>();
    const apply: typeof model.apply = (state, node) => {
      const after = model.apply(state, node);
      if (after === null) return null;
      const rises = compareBallots(model.highest(after), model.highest(state)) > 0;
      const problem = rises ? judgeRise(model, state, after, node) : null;
      if (problem !== null) throw new Error(`led by ${leader}: ${problem}`);
      return after;
    };
    const check: typeof model.check = (state) => {
      if (state.members.some((member) => member.rounds < rounds)) return null;
      const last = model.leader(state);
      if (last === null) return "nobody leads at the end";
      leaders.add(last);
      const better = FIVE.find((node) => mayTakeOver(model, state, node, last));
      return better === undefined ? null : `${better} should lead, not ${last}`;
    };
    const { states, violation } = explore({ ...model, check, apply }, ALL);
    expect([leader, violation?.problem ?? null]).toEqual([leader, null]);
    return { states, leaders: [...leaders].sort((a, b) => a - b) };
  }

  /** A ballot has risen: for want of a leader, or by priority, and then only where that may be. */
  function judgeRise(
    model: ElectionModel,
    before: ElectionModelState,
    after: ElectionModelState,
    node: NodeId,
  ): string | null {
    if (before.members.every(({ rounds }) => rounds >= SETTLED)) return "a ballot rises at last";
    const election = after.members[node]?.election;
    if (election?.preference.won == null) return null;
    if (!sameBallot(election.preference.won, election.own)) return null;
    const from = election.preference.over.proposer;
    if (!mayTakeOver(model, before, node, from)) return `${node} takes over from ${from}`;
    return model.isServed(after) ? null : `${node} takes over, and nobody is served`;
  }

  /** Of higher priority, and linked to the leader and to a quorum that is happy with it. */
  function mayTakeOver(
    model: ElectionModel,
    { members }: ElectionModelState,
    node: NodeId,
    from: NodeId,
  ): boolean {
    const leads = members[from]?.pursues ?? null;
    if (leads === null || node <= from || !model.linked(node, from)) return false;
    const isHappyWith = (other: NodeId, ballot: Ballot): boolean => {
      const { leader, happy } = members[other]?.election ?? {};
      return happy === true && leader !== undefined && sameBallot(leader, ballot);
    };
    const around = FIVE.filter((other) => other !== node && model.linked(node, other));
    const followers = around.filter((other) => isHappyWith(other, leads));
    return followers.length >= Math.floor(members.length / 2);
  }

  test("over a full mesh the highest gets it, and keeps it", () => {
    expect(judgeMoves(0, () => true)).toEqual({ states: 708, leaders: [4] });
  });

  test.each([
    ["quorum-loss: the hub of a star leads, though its leaves are preferred", 5, 2, STAR, 747, 0],
    ["constrained: so does the only one that has a quorum", 5, 2, SHUNNED, 652, 0],
    [
      "chained: an end leads, and the other end, without a link to it, does not",
      3,
      1,
      CHAIN,
      120,
      1,
    ],
  ] as const)("%s", (_name, size, leader, links, states, last) => {
    expect(judgeMoves(leader, hearsBy(links), size)).toEqual({ states, leaders: [last] });
  });

  test("where it may in every other of the graphs with a quorum-connected node", () => {
    const some = connected.filter((_graph, at) => at % 2 === 0);
    let states = 0;
    for (const graph of some) states += judgeMoves(0, hearsBy(linksOf(graph, FIVE))).states;
    expect({ graphs: some.length, states }).toEqual({ graphs: 16, states: 16_846 });
  });
});
