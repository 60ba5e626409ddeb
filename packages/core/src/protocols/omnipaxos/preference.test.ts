import { BALLOT_NONE, flexible, majority } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  createElection,
  type ElectionState,
  endRound,
  hearPromise,
  onReply,
  type Surroundings,
} from "./election.ts";
import { PATIENCE_MAX } from "./preference.ts";
import { ballot } from "./testing/solo.ts";

const FOLLOWED = "101.1";

/** Member 0 with priority 5 in a configuration of five, which follows member 1 of priority 1. */
function follower(): ElectionState {
  const state = createElection(0, 5);
  state.own = ballot("5.0");
  state.leader = ballot("5.0");
  hearPromise(state, ballot(FOLLOWED));
  return state;
}

interface Round extends Partial<Surroundings> {
  /** Whose answers come in: own ballot, the leader's, happy. */
  readonly answers?: readonly (readonly [number, string, string, boolean])[];
}

const WELL = [
  [1, FOLLOWED, FOLLOWED, true],
  [2, "2.2", FOLLOWED, true],
] as const;

/** One round, and the ballot that it ends with. */
function round(state: ElectionState, { answers = WELL, ...fields }: Round = {}) {
  state.round += 1;
  state.replies = new Map();
  for (const [from, own, leader, happy] of answers)
    onReply(state, from, {
      round: state.round,
      ballot: ballot(own),
      leader: ballot(leader),
      happy,
    });
  const next = endRound(state, {
    quorums: majority([0, 1, 2, 3, 4]),
    voter: true,
    promised: ballot(FOLLOWED),
    pursues: null,
    leads: false,
    caughtUp: true,
    takeOverRounds: 3,
    ...fields,
  });
  return next;
}

/** Two good rounds, then what `third` makes of the next; null when it does not take over in it. */
function afterTwo(third: Round, state = follower()) {
  for (let good = 0; good < 2; good += 1) expect(round(state)).toBe(null);
  return round(state, third);
}

describe("a higher priority", () => {
  test("takes over after so many good rounds, above every ballot", () => {
    expect(afterTwo({})).toEqual(ballot("205.0"));
  });

  test("does not where nobody asked for it", () => {
    const state = follower();
    for (let good = 0; good < 10; good += 1) expect(round(state, { takeOverRounds: 0 })).toBe(null);
  });

  test("does not over an equal or a higher one", () => {
    for (const leader of ["105.1", "106.1"]) {
      const state = follower();
      hearPromise(state, ballot(leader));
      const answers = [
        [1, leader, leader, true],
        [2, "2.2", leader, true],
      ] as const;
      for (let good = 0; good < 20; good += 1)
        expect(round(state, { answers, promised: ballot(leader) })).toBe(null);
    }
  });

  test("counts no round without a link to the leader, or to a quorum that is happy with it", () => {
    const leader = WELL[0];
    const bad: readonly Round["answers"][] = [
      [WELL[1], [3, "2.3", FOLLOWED, true]],
      [leader],
      [leader, [2, "2.2", FOLLOWED, false]],
      [leader, [2, "2.2", "100.4", true]],
      [[1, FOLLOWED, FOLLOWED, false], WELL[1], [3, "2.3", FOLLOWED, true]],
    ];
    for (const answers of bad) {
      const state = follower();
      expect(afterTwo({ answers: answers ?? [] }, state)).toBe(null);
      expect([round(state), round(state)]).toEqual([null, null]);
      expect(round(state)).not.toBe(null);
    }
  });

  test("nor while somebody follows a ballot above the leader's: an election is under way", () => {
    const answers = [...WELL, [3, "2.3", "201.4", true]] as const;
    expect(afterTwo({ answers })).toBe(null);
  });

  test("begins to count anew with another leader, or with a promise of its own", () => {
    const moved = [
      [1, "201.1", "201.1", true],
      [2, "2.2", "201.1", true],
    ] as const;
    expect(afterTwo({ answers: moved, promised: ballot("201.1") })).toBe(null);
    expect(afterTwo({ promised: ballot("201.4") })).toBe(null);
  });

  test("waits until its log holds what is decided, and then not a round more", () => {
    const state = follower();
    expect(afterTwo({ caughtUp: false }, state)).toBe(null);
    for (let good = 0; good < 3; good += 1) expect(round(state, { caughtUp: false })).toBe(null);
    expect(round(state)).toEqual(ballot("205.0"));
  });

  test("lets those go first that are preferred to it, and goes if they do not", () => {
    const state = follower();
    const answers = [...WELL, [3, "7.3", FOLLOWED, true], [4, "5.4", FOLLOWED, true]] as const;
    for (let good = 0; good < 8; good += 1) expect(round(state, { answers })).toBe(null);
    expect(round(state, { answers })).toEqual(ballot("205.0"));
  });

  test("a non-voter, a candidate and a leader do not wait for anything", () => {
    expect(afterTwo({ voter: false })).toBe(null);
    expect(afterTwo({ pursues: ballot("5.0") })).toBe(null);
    const state = follower();
    state.own = ballot("205.0");
    state.leader = state.own;
    for (let good = 0; good < 5; good += 1)
      round(state, { pursues: state.own, leads: true, promised: state.own });
    expect(state.preference.rounds).toBe(0);
  });

  test("needs both kinds of quorum", () => {
    const quorums = flexible([0, 1, 2, 3, 4], { phase1: 4, phase2: 2 });
    expect(afterTwo({ quorums })).toBe(null);
    const state = follower();
    const answers = [...WELL, [3, "2.3", FOLLOWED, true]] as const;
    const rounds = [1, 2, 3].map(() => round(state, { quorums, answers }));
    expect(rounds.at(-1)).toEqual(ballot("205.0"));
  });
});

describe("a lead that was taken over", () => {
  /** Takes over, leads happily for so many rounds, and is outbid by member 1 again. */
  function lead(state: ElectionState, rounds: number): void {
    const { own } = state;
    const of = `${own.round}.0`;
    const answers = [
      [1, FOLLOWED, of, true],
      [2, "2.2", of, true],
    ] as const;
    for (let kept = 0; kept < rounds; kept += 1)
      expect(round(state, { answers, pursues: own, leads: true, promised: own })).toBe(null);
    hearPromise(state, { round: own.round + 96, proposer: 1 });
  }

  /** Rounds until the next take-over from member 1. */
  function wait(state: ElectionState): number {
    const leader = `${state.leader.round}.1`;
    const answers = [
      [1, leader, leader, true],
      [2, "2.2", leader, true],
    ] as const;
    for (let rounds = 1; rounds < 100; rounds += 1)
      if (round(state, { answers, promised: state.leader }) !== null) return rounds;
    return Number.POSITIVE_INFINITY;
  }

  test("and does not last makes the next wait twice as long, up to a limit", () => {
    const state = follower();
    const waits: number[] = [];
    for (let time = 0; time < 6; time += 1) {
      waits.push(wait(state));
      lead(state, 5);
    }
    expect(waits).toEqual([3, 6, 12, 24, 3 * PATIENCE_MAX, 3 * PATIENCE_MAX]);
  });

  test("and lasts makes the wait as long as at first", () => {
    const state = follower();
    expect(wait(state)).toBe(3);
    lead(state, 5);
    expect(wait(state)).toBe(6);
    lead(state, 61);
    expect(wait(state)).toBe(3);
  });

  test("is not kept by a leader that has lost its quorum", () => {
    const state = follower();
    expect(wait(state)).toBe(3);
    const { own } = state;
    for (let alone = 0; alone < 50; alone += 1)
      round(state, { answers: [], pursues: own, leads: true, promised: own });
    lead(state, 0);
    expect(wait(state)).toBe(6);
  });
});

test("a blank election prefers nobody", () => {
  const state = createElection(0, 5);
  expect(round(state, { answers: [], promised: BALLOT_NONE })).toBe(null);
  expect(state.preference.rounds).toBe(0);
});
