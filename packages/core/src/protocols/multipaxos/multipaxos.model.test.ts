import type { Effect, QuorumSystem } from "@synod/core";
import { explore } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { multipaxos } from "./index.ts";
import { type MultipaxosModelOptions, multipaxosModel } from "./testing/model.ts";

type Protocol = typeof multipaxos;
type Out = Effect<Parameters<Protocol["messages"]["encode"]>[1]>[];

const ALL = { statesMax: 10_000_000, depthMax: 10_000 };

/** Phases 1 and 2; that a slot is chosen is told by later accepts alone. */
const PHASES = ["prepare", "promise", "accept", "accepted"] as const;

/** Nodes 0 and 1 stand for election once each, with a command each. */
const TWO_LEADERS: MultipaxosModelOptions = {
  size: 3,
  elections: [1, 1, 0],
  requests: { 0: ["a#1"], 1: ["b#1"] },
  kinds: PHASES,
};

describe("3 nodes, 2 open slots, real cores behind real effect queues: whole state spaces", () => {
  test("two leaders, messages of both phases in any order", () => {
    const model = multipaxosModel(TWO_LEADERS);
    const chosen = new Set<string | null>();
    const check: typeof model.check = (state) => {
      chosen.add(model.chosen(state, 2));
      return model.check(state);
    };
    expect(explore({ ...model, check }, ALL)).toEqual({
      states: 159_327,
      transitions: 587_856,
      depth: 38,
      complete: true,
      violation: null,
    });
    // Either command may win the contested slot, or neither yet.
    expect(chosen).toEqual(new Set([null, "a#1", "b#1"]));
  });

  test("two leaders, told at once what is chosen", () => {
    const model = multipaxosModel({ ...TWO_LEADERS, kinds: [...PHASES, "commit"] });
    expect(explore(model, ALL)).toEqual({
      states: 361_263,
      transitions: 1_226_838,
      depth: 40,
      complete: true,
      violation: null,
    });
  });

  test("two leaders, and a crash of any node at any moment", () => {
    expect(explore(multipaxosModel({ ...TWO_LEADERS, crashes: 1 }), ALL)).toEqual({
      states: 1_266_799,
      transitions: 5_177_648,
      depth: 42,
      complete: true,
      violation: null,
    });
  });

  test("one leader, told at once what is chosen, and two crashes", () => {
    const kinds = [...PHASES, "commit"] as const;
    const model = multipaxosModel({ ...TWO_LEADERS, elections: [1, 0, 0], kinds, crashes: 2 });
    expect(explore(model, ALL)).toEqual({
      states: 27_923,
      transitions: 84_029,
      depth: 24,
      complete: true,
      violation: null,
    });
  });
});

/** Enough leaders for two different accepted values to meet in what a third one is told. */
const THREE_LEADERS: MultipaxosModelOptions = {
  ...TWO_LEADERS,
  elections: [1, 1, 1],
  requests: { 0: ["a#1"], 1: ["b#1"], 2: ["c#1"] },
};

test("three leaders, cut: 500,000 states depth first", () => {
  const cut = { statesMax: 500_000, depthMax: 10_000, order: "depth" } as const;
  expect(explore(multipaxosModel(THREE_LEADERS), cut)).toMatchObject({
    states: 500_000,
    complete: false,
    violation: null,
  });
});

describe("cut state spaces, the nearest 150,000 states", () => {
  const CUT = { statesMax: 150_000, depthMax: 10_000 };

  test("one leader tries twice, any one message comes twice", () => {
    const model = multipaxosModel({ ...TWO_LEADERS, elections: [2, 1, 0], duplicates: 1 });
    expect(explore(model, CUT)).toMatchObject({
      states: 150_000,
      complete: false,
      violation: null,
    });
  });
});

type Input = Parameters<Protocol["step"]>[1];

/** The real protocol with something changed in what goes into a step or comes out of it. */
function seeded(change: {
  readonly input?: (input: Input) => Input;
  readonly output?: (effects: Out, input: Input) => Out;
}): Protocol {
  const { input = (same) => same, output = (same) => same } = change;
  return {
    ...multipaxos,
    step: (state, what, now) => output(multipaxos.step(state, input(what), now), what),
  };
}

function isKind(input: Input, kind: string): boolean {
  return input.kind === "message" && input.message.kind === kind;
}

const promisesForgotten = seeded({
  output: (effects, input) =>
    isKind(input, "prepare") ? effects.filter((effect) => effect.kind !== "persist") : effects,
});

const reportsIgnored = seeded({
  input: (input) =>
    input.kind === "message" && input.message.kind === "promise"
      ? { ...input, message: { ...input.message, entries: [] } }
      : input,
});

/** Turned round, the highest ballot that is reported looks like the lowest. */
const lowestPicked = seeded({
  input: (input) => {
    if (input.kind !== "message" || input.message.kind !== "promise") return input;
    const entries = input.message.entries.map((entry) => {
      const { round, proposer } = entry.ballot;
      return { ...entry, ballot: { round: 100 - round, proposer: 100 - proposer } };
    });
    return { ...input, message: { ...input.message, entries } };
  },
});

const acceptedTooEarly = seeded({
  output: (effects, input) =>
    effects.map((effect) =>
      effect.kind === "send" && isKind(input, "accept") ? { ...effect, kind: "sendNow" } : effect,
    ),
});

/** What the replicas take for quorums; the invariants know better. */
function quorums(phase1: number, phase2: number): QuorumSystem {
  return {
    name: "seeded",
    members: [0, 1, 2],
    isPhase1: (voters) => voters.size >= phase1,
    isPhase2: (voters) => voters.size >= phase2,
  };
}

interface Seeded {
  readonly name: string;
  readonly options: Partial<MultipaxosModelOptions>;
  readonly problem: string;
  /** States seen until then. */
  readonly states: number;
  readonly steps: number;
}

test("a leader that picks the lowest ballot is found by depth, with three leaders", () => {
  const model = multipaxosModel({ ...THREE_LEADERS, protocol: lowestPicked });
  const { states, violation } = explore(model, { ...ALL, order: "depth" });
  expect([states, violation?.problem]).toEqual([430_158, "two values in slot 2"]);
});

describe("seeded bugs give a nearest counter-example, which can be played again and read", () => {
  const cases: readonly Seeded[] = [
    {
      name: "one vote chooses",
      options: { quorums: quorums(2, 1) },
      problem: "node 0 takes slot 1 for chosen, but no quorum has",
      states: 406,
      steps: 9,
    },
    {
      name: "one promise elects",
      options: { quorums: quorums(1, 2) },
      problem: "two values in slot 2",
      states: 27_447,
      steps: 14,
    },
    {
      name: "what promises report is ignored",
      options: { protocol: reportsIgnored },
      problem: "two values in slot 2",
      states: 21_064,
      steps: 20,
    },
    {
      name: "accepted is said before it is durable",
      options: { protocol: acceptedTooEarly },
      problem: "node 1 shows an acceptance of slot 1 in 1.0 that is not durable",
      states: 238,
      steps: 8,
    },
    {
      name: "accepted is said before it is durable: what comes of it",
      options: { protocol: acceptedTooEarly, crashes: 1, visible: false },
      problem: "node 0 takes slot 1 for chosen, but no quorum has",
      states: 4_278,
      steps: 11,
    },
    {
      name: "promises of others are not persisted",
      options: { protocol: promisesForgotten },
      problem: "node 1 shows a promise for 1.0 that is not durable",
      states: 7,
      steps: 3,
    },
    {
      name: "promises of others are not persisted: what comes of it, with a crash",
      options: { protocol: promisesForgotten, crashes: 1, visible: false },
      problem: "two values in slot 2",
      states: 103_268,
      steps: 19,
    },
  ];

  const message = "(prepare|promise|accept|accepted) ballot=\\d\\.\\d .*";
  const readable = new RegExp(
    `^(timeout \\d election|sync \\d|loopback \\d|crash \\d|\\d > \\d arrives: ${message})$`,
  );

  test.each(cases)("$name", ({ options, problem, ...expected }) => {
    const model = multipaxosModel({ ...TWO_LEADERS, ...options });
    const { violation, states } = explore(model, ALL);
    if (violation === null) throw new Error("nothing found");
    let [state] = model.initial;
    const trace = violation.path.map((action) => {
      if (state === undefined) throw new Error("the trace cannot be played again");
      const text = model.describe(state, action);
      state = model.apply(state, action) ?? undefined;
      return text;
    });
    expect(violation.problem).toBe(problem);
    expect(state === undefined ? null : model.check(state)).toBe(problem);
    for (const text of trace) expect(text).toMatch(readable);
    expect({ states, steps: trace.length }).toMatchObject({
      states: expected.states,
      steps: expected.steps,
    });
  });
});
