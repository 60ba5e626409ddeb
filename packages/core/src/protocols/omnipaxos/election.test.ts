import { BALLOT_NONE, type Ballot, flexible, majority } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  beginRound,
  createElection,
  type ElectionState,
  endRound,
  hasNews,
  hearPromise,
  onReply,
  resumeElection,
  type Surroundings,
  wayToLeader,
} from "./election.ts";
import { ballotOf, numberOf, priorityOf } from "./priority.ts";
import { ballot } from "./testing/solo.ts";

const around = (fields: Partial<Surroundings> = {}): Surroundings => ({
  quorums: majority([0, 1, 2, 3, 4]),
  voter: true,
  promised: BALLOT_NONE,
  pursues: null,
  leads: false,
  caughtUp: true,
  takeOverRounds: 0,
  ...fields,
});

/** As a follower of `leader`, happy until now, in its first round. */
function followerOf(leader: string, self = 0): ElectionState {
  const state = createElection(self, 0);
  hearPromise(state, ballot(leader));
  beginRound(state);
  return state;
}

function hear(
  state: ElectionState,
  from: number,
  own: string,
  leader: string,
  happy: boolean,
  round = state.round,
): void {
  onReply(state, from, { round, ballot: ballot(own), leader: ballot(leader), happy });
}

describe("ballots", () => {
  test("order by number, then priority, then member", () => {
    expect(ballotOf(3, 7, 2)).toEqual(ballot("307.2"));
    expect([numberOf(ballot("307.2")), priorityOf(ballot("307.2"))]).toEqual([3, 7]);
  });
});

describe("who is happy", () => {
  test("a follower that hears its leader happy; whoever else is", () => {
    const state = followerOf("101.1");
    hear(state, 1, "101.1", "101.1", true);
    expect(endRound(state, around({ promised: ballot("101.1") }))).toBe(null);
    expect(state.happy).toBe(true);
  });

  test("not one that hears its leader unhappy, or happy neighbours only", () => {
    for (const [from, own, happy] of [
      [1, "101.1", false],
      [2, "100.2", true],
    ] as const) {
      const state = followerOf("101.1");
      hear(state, from, own, "101.1", happy);
      endRound(state, around({ promised: ballot("101.1") }));
      expect(state.happy).toBe(false);
      expect(state.own).toEqual(ballot("100.0"));
    }
  });

  test("a leader that a quorum follows, not one whose neighbours follow another", () => {
    const pursued = { promised: ballot("100.0"), pursues: ballot("100.0"), leads: true };
    for (const [leader, happy] of [
      ["100.0", true],
      ["200.4", false],
    ] as const) {
      const state = createElection(0, 0);
      beginRound(state);
      for (const from of [1, 2]) hear(state, from, `90.${from}`, leader, false);
      const next = endRound(state, around(pursued));
      expect([leader, next === null]).toEqual([leader, happy]);
      // Its neighbours are unhappy with the other one: it outbids a ballot that it never met.
      if (!happy) expect(next).toEqual(ballot("300.0"));
    }
  });

  test("a leader past phase 1 needs a phase-2 quorum only, a candidate both", () => {
    const quorums = flexible([0, 1, 2, 3, 4], { phase1: 4, phase2: 2 });
    for (const leads of [true, false]) {
      const state = createElection(0, 0);
      beginRound(state);
      hear(state, 1, "90.1", "100.0", false);
      endRound(state, around({ quorums, leads, pursues: ballot("100.0") }));
      expect(state.happy).toBe(leads);
    }
  });
});

describe("taking over", () => {
  function lonely(happyNeighbour: boolean, heard: readonly number[]): Ballot | null {
    const state = followerOf("101.1");
    for (const from of heard) hear(state, from, `100.${from}`, "101.1", happyNeighbour);
    return endRound(state, around({ promised: ballot("101.1") }));
  }

  test("when nobody that answers is happy, and a quorum answers", () => {
    expect(lonely(false, [2, 3])).toEqual(ballot("200.0"));
    expect(lonely(true, [2, 3])).toBe(null);
    expect(lonely(false, [2])).toBe(null);
  });

  test("X9: doubled answers of one neighbour are no quorum", () => {
    expect(lonely(false, [2, 2, 2, 2])).toBe(null);
  });

  test("a non-voter never does", () => {
    const state = followerOf("101.1");
    for (const from of [2, 3]) hear(state, from, `100.${from}`, "101.1", false);
    expect(endRound(state, around({ promised: ballot("101.1"), voter: false }))).toBe(null);
    expect(state.own).toEqual(ballot("100.0"));
  });

  test("answers to an older round do not count", () => {
    const state = followerOf("101.1");
    for (const from of [2, 3]) hear(state, from, `100.${from}`, "101.1", false, state.round - 1);
    expect(endRound(state, around({ promised: ballot("101.1") }))).toBe(null);
  });

  test("a candidate that was promised just now has a round to show itself", () => {
    const state = followerOf("101.1");
    for (const from of [2, 3]) hear(state, from, `100.${from}`, "101.1", false);
    hearPromise(state, ballot("200.4"));
    expect([state.leader, state.happy]).toEqual([ballot("200.4"), true]);
  });

  test("a ballot is learnt from its owner only, not from others that follow it", () => {
    const state = followerOf("101.1");
    hear(state, 1, "101.1", "101.1", true);
    hear(state, 2, "100.2", "500.3", true);
    endRound(state, around({ promised: ballot("101.1") }));
    expect(state.leader).toEqual(ballot("101.1"));
  });
});

describe("after a restart", () => {
  test("the own ballot is below all, the remembered leader is looked for", () => {
    const state = createElection(0, 7);
    resumeElection(state, ballot("107.0"));
    expect([state.own, state.leader]).toEqual([ballot("7.0"), ballot("107.0")]);
    beginRound(state);
    for (const from of [1, 2]) hear(state, from, `100.${from}`, "107.0", false);
    expect(endRound(state, around({ promised: ballot("107.0") }))).toEqual(ballot("207.0"));
  });

  test("a replica that gave its ballot up without promising another takes a new one", () => {
    const state = createElection(0, 0);
    beginRound(state);
    for (const from of [1, 2]) hear(state, from, `90.${from}`, "100.0", true);
    expect(endRound(state, around({ promised: ballot("100.0") }))).toEqual(ballot("200.0"));
  });
});

describe("what others are told", () => {
  test("a change of mind once, nothing without one", () => {
    const state = followerOf("101.1");
    expect([hasNews(state), hasNews(state)]).toEqual([true, false]);
    hear(state, 2, "100.2", "101.1", false);
    endRound(state, around({ promised: ballot("101.1") }));
    expect([state.happy, hasNews(state), hasNews(state)]).toEqual([false, true, false]);
  });
});

describe("the way to the leader", () => {
  function way(replies: readonly (readonly [number, string, string, boolean])[]) {
    const state = followerOf("101.1");
    for (const [from, own, leader, happy] of replies) hear(state, from, own, leader, happy);
    endRound(state, around({ promised: ballot("101.1") }));
    beginRound(state);
    return wayToLeader(state);
  }

  test("is the leader when it is heard, else a neighbour that is happy, else nobody", () => {
    const direct = [1, "101.1", "101.1", true] as const;
    const neighbour = [2, "100.2", "101.1", true] as const;
    const other = [3, "100.3", "201.4", true] as const;
    expect(way([direct, neighbour])).toEqual({ leader: 1, hop: 1 });
    expect(way([neighbour])).toEqual({ leader: 1, hop: 2 });
    expect(way([neighbour, other])).toEqual({ leader: 4, hop: 3 });
    expect(way([[2, "100.2", "101.1", false]])).toEqual({ leader: null, hop: null });
  });
});
