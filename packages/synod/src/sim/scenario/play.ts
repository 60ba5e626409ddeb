import type { NodeId } from "@synod/core";
import { multipaxos } from "@synod/core/protocols/multipaxos";
import { omnipaxos } from "@synod/core/protocols/omnipaxos";
import { pmmc } from "@synod/core/protocols/pmmc";
import { SCENARIOS, type ScenarioName } from "./scenarios.ts";
import { createStage, type Stage, type StageOptions } from "./stage.ts";

/** One election time-out of every protocol here, ms: recovery is measured in it. */
export const ELECTION_MS = 500;
/** How long is watched after the last cut, in election time-outs. */
export const WATCHED_TIMEOUTS = 20;
/** Whoever gets nothing done for so long at the end has not recovered. */
const ALIVE_TIMEOUTS = 4;

/** Protocols that order a log by leaders, each with the same time-out. */
export const LEADING = {
  multipaxos: stageOf(multipaxos, { electionMs: ELECTION_MS }),
  omnipaxos: stageOf(omnipaxos, { electionMs: ELECTION_MS }),
  pmmc: stageOf(pmmc, { timeoutMs: ELECTION_MS }),
} as const;

export type LeadingName = keyof typeof LEADING;

export type StageFactory = (size: number, seed: number) => Stage;

export function stageOf<S, M>(
  protocol: StageOptions<S, M>["protocol"],
  tuning: StageOptions<S, M>["tuning"],
  ownTuning: StageOptions<S, M>["ownTuning"] = () => ({}),
): StageFactory {
  return (size, seed) =>
    createStage({ protocol, size, seed, tuning, ownTuning, electionMs: ELECTION_MS });
}

/** What became of a configuration after its links were cut. */
export interface Played {
  /** Somebody is served until the end. */
  readonly recovered: boolean;
  /** Election time-outs from the last cut to the first command asked for after it; null: none. */
  readonly timeouts: number | null;
  /** Longest time without a decision after the cut, in election time-outs. */
  readonly longestGap: number;
  readonly decided: number;
  /** Ballots that were begun after the cut, and in the second half of what was watched. */
  readonly ballots: number;
  readonly lateBallots: number;
  /** Nodes that executed nothing in the last time-outs. */
  readonly starved: readonly NodeId[];
  /** Who was the leader before, and after. */
  readonly leaders: readonly [NodeId, NodeId | null];
}

/** Lets a stage settle under one leader; says who that is. */
export function settle(stage: Stage): NodeId {
  for (let wait = 0; wait < 40; wait += 1) {
    stage.run(ELECTION_MS);
    const { leader } = stage.status(0);
    const agreed = stage.members.every((node) => stage.status(node).leader === leader);
    if (leader !== null && agreed && wait >= 4) return leader;
  }
  throw new Error("no leader over a full mesh");
}

/** Watches a stage whose links have just been cut. */
export function watch(stage: Stage, before: NodeId): Played {
  const cutMs = stage.now;
  const first = highestRound(stage);
  stage.run((WATCHED_TIMEOUTS / 2) * ELECTION_MS);
  const middle = highestRound(stage);
  stage.run((WATCHED_TIMEOUTS / 2 - ALIVE_TIMEOUTS) * ELECTION_MS);
  const executed = stage.members.map((node) => stage.executed(node));
  stage.run(ALIVE_TIMEOUTS * ELECTION_MS);
  const after = stage.decided.filter(({ atMs }) => atMs > cutMs);
  const served = after.find(({ askedMs }) => askedMs >= cutMs);
  const last = after.at(-1)?.atMs ?? cutMs;
  const leading = stage.members.filter((node) => stage.status(node).role === "leader");
  return {
    recovered: stage.now - last < ALIVE_TIMEOUTS * ELECTION_MS,
    timeouts: served === undefined ? null : (served.atMs - cutMs) / ELECTION_MS,
    longestGap: longestGap([cutMs, ...after.map(({ atMs }) => atMs), stage.now]) / ELECTION_MS,
    decided: after.length,
    ballots: highestRound(stage) - first,
    lateBallots: highestRound(stage) - middle,
    starved: stage.members.filter((node) => stage.executed(node) === executed[node]),
    leaders: [before, leading.length === 0 ? null : best(stage, leading)],
  };
}

function longestGap(times: readonly number[]): number {
  return times.reduce((most, at, index) => Math.max(most, at - (times[index - 1] ?? at)), 0);
}

function roundOf(stage: Stage, node: NodeId): number {
  return Number.parseInt(stage.status(node).ballot, 10);
}

/** Of several that lead in their own eyes, the one of the highest ballot. */
function best(stage: Stage, leading: readonly NodeId[]): NodeId {
  return leading.reduce((a, b) => (roundOf(stage, b) > roundOf(stage, a) ? b : a));
}

function highestRound(stage: Stage): number {
  const rounds = stage.members.map((node) => roundOf(stage, node));
  return Math.max(0, ...rounds.filter((round) => !Number.isNaN(round)));
}

/** Plays one scenario of the paper: roles are given relative to whoever leads. */
export function play(protocol: LeadingName, name: ScenarioName, seed: number): Played {
  return playOn(LEADING[protocol], name, seed);
}

export function playOn(create: StageFactory, name: ScenarioName, seed: number): Played {
  const { size, stages } = SCENARIOS[name];
  const stage = create(size, seed);
  const leader = settle(stage);
  const others = stage.members.filter((node) => node !== leader);
  const nodes = [others[0] as NodeId, leader, ...others.slice(1)];
  let at = 0;
  for (const { afterTimeouts, links } of stages) {
    stage.run((afterTimeouts - at) * ELECTION_MS);
    at = afterTimeouts;
    keepOnly(
      stage,
      links.map(([a, b]) => [nodes[a] as NodeId, nodes[b] as NodeId]),
    );
  }
  return watch(stage, leader);
}

export function keepOnly(stage: Stage, links: readonly (readonly [NodeId, NodeId])[]): void {
  const isLeft = (a: NodeId, b: NodeId): boolean =>
    links.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  for (const a of stage.members)
    for (const b of stage.members) if (a !== b && !isLeft(a, b)) stage.cut(a, b);
}
