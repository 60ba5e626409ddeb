import { type Effect, flexible, majority } from "@synod/core";
import { explore } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { paxos } from "./index.ts";
import { type PaxosModelOptions, paxosModel } from "./testing/model.ts";

const ALL = { statesMax: 10_000_000, depthMax: 10_000 };

const PHASES = ["prepare", "promise", "accept", "accepted"] as const;

/** Members 0 and 1 want different values; all three accept. Two ballots. */
const TWO_PROPOSERS: PaxosModelOptions = {
  size: 3,
  requests: { 0: ["a#1"], 1: ["b#1"] },
  kinds: PHASES,
};

describe("3 acceptors, real cores behind real effect queues: whole state spaces", () => {
  test("two proposers, messages of both phases in any order", () => {
    const model = paxosModel(TWO_PROPOSERS);
    const chosen = new Set<string | null>();
    const check: typeof model.check = (state) => {
      chosen.add(model.chosen(state, 1));
      return model.check(state);
    };
    expect(explore({ ...model, check }, ALL)).toEqual({
      states: 8_673,
      transitions: 31_827,
      depth: 24,
      complete: true,
      violation: null,
    });
    // Either may win, or neither yet.
    expect(chosen).toEqual(new Set([null, "a#1", "b#1"]));
  });

  test("two proposers, and the word of what is chosen", () => {
    const model = paxosModel({ ...TWO_PROPOSERS, kinds: [...PHASES, "chosen"] });
    expect(explore(model, ALL)).toEqual({
      states: 14_190,
      transitions: 49_957,
      depth: 25,
      complete: true,
      violation: null,
    });
  });

  test("two proposers, and an acceptor that is wiped at any moment and never answers again", () => {
    expect(explore(paxosModel({ ...TWO_PROPOSERS, wipes: 1 }), ALL)).toEqual({
      states: 93_218,
      transitions: 453_125,
      depth: 29,
      complete: true,
      violation: null,
    });
  });

  test("two proposers, and a crash of any member at any moment", () => {
    expect(explore(paxosModel({ ...TWO_PROPOSERS, crashes: 1 }), ALL)).toEqual({
      states: 82_357,
      transitions: 423_251,
      depth: 28,
      complete: true,
      violation: null,
    });
  });
});

/** Three ballots: a proposer that crashes comes back and wants something else. */
const THREE_BALLOTS: PaxosModelOptions = {
  ...TWO_PROPOSERS,
  requestsAfterCrash: { 0: ["c#1"], 1: ["d#1"] },
  crashes: 1,
};

describe("cut state spaces", () => {
  test("three ballots and a crash, the nearest 30,000 states", () => {
    const cut = { statesMax: 30_000, depthMax: 10_000 };
    expect(explore(paxosModel(THREE_BALLOTS), cut)).toMatchObject({
      states: 30_000,
      complete: false,
      violation: null,
    });
  });

  test("three ballots, a crash and a wiped acceptor: 30,000 states depth first", () => {
    const cut = { statesMax: 30_000, depthMax: 10_000, order: "depth" } as const;
    expect(explore(paxosModel({ ...THREE_BALLOTS, wipes: 1 }), cut)).toMatchObject({
      states: 30_000,
      complete: false,
      violation: null,
    });
  });

  test("three ballots by a refusal, and roles that sit apart: 30,000 states depth first", () => {
    const roles = [["proposer"], ["proposer"], ["acceptor"], ["acceptor"], ["acceptor"]];
    const model = paxosModel({
      ...TWO_PROPOSERS,
      size: 5,
      roles,
      kinds: [...PHASES, "nack"],
      retries: [1, 0, 0, 0, 0],
    });
    const cut = { statesMax: 30_000, depthMax: 10_000, order: "depth" } as const;
    expect(explore(model, cut)).toMatchObject({ states: 30_000, complete: false, violation: null });
  });
});

type Out = Effect<Parameters<typeof paxos.messages.encode>[1]>[];

/** The real protocol, but an answer of this kind leaves before what it says is durable. */
function tooEarly(kind: "promise" | "accepted"): typeof paxos {
  return {
    ...paxos,
    step: (state, input, now): Out =>
      paxos.step(state, input, now).map((effect) => {
        if (effect.kind !== "send" || effect.message.kind !== kind) return effect;
        const isOwn = effect.to.includes(state.settings.self);
        return isOwn ? effect : { ...effect, kind: "sendNow" };
      }),
  };
}

describe("seeded bugs are found", () => {
  const members = [0, 1, 2];
  const one = { ...majority(members), name: "one" };
  const cases: readonly (readonly [string, Partial<PaxosModelOptions>, string])[] = [
    [
      "one acceptance decides",
      { quorums: { ...one, isPhase2: (voters) => voters.size > 0 } },
      "node 0 takes a value for chosen, but no quorum has",
    ],
    [
      "one promise suffices",
      { quorums: { ...one, isPhase1: (voters) => voters.size > 0 } },
      "another value is accepted in 1.1 than was chosen in 1.0",
    ],
  ];

  test.each(cases)("%s", (_name, options, problem) => {
    const model = paxosModel({ ...TWO_PROPOSERS, ...options });
    const { violation } = explore(model, ALL);
    expect(violation?.problem).toBe(problem);
  });

  test("flexible quorums that meet are as safe as majorities", () => {
    const quorums = flexible(members, { phase1: 2, phase2: 2 });
    expect(explore(paxosModel({ ...TWO_PROPOSERS, quorums }), ALL).violation).toBeNull();
  });

  test("a promise that is shown before it is durable", () => {
    const options = { ...TWO_PROPOSERS, protocol: tooEarly("promise") };
    const shown = explore(paxosModel(options), ALL).violation?.problem;
    expect(shown).toMatch(/shows a promise for 1\.[01] that is not durable/);
  });

  test("an acceptance that is shown before it is durable, and what comes of it", () => {
    const options = { ...TWO_PROPOSERS, protocol: tooEarly("accepted") };
    const shown = explore(paxosModel(options), ALL).violation?.problem;
    expect(shown).toMatch(/shows an acceptance in 1\.[01] that is not durable/);
    const crashed = paxosModel({ ...options, crashes: 1, visible: false });
    expect(explore(crashed, ALL).violation?.problem).toMatch(/takes a value for chosen/);
  });
});
