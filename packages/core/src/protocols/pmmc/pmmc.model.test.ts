import type { Effect, QuorumSystem } from "@synod/core";
import { explore } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { pmmc } from "./index.ts";
import { type PmmcModelOptions, pmmcModel } from "./testing/model.ts";

type Protocol = typeof pmmc;
type Input = Parameters<Protocol["step"]>[1];
type Out = Effect<Parameters<Protocol["messages"]["encode"]>[1]>[];

const ALL = { statesMax: 10_000_000, depthMax: 10_000 };
const PHASES = ["p1a", "p1b", "p2a", "p2b"] as const;

/** Leader 0 alone; its replica has been asked for one command. WINDOW is 1. */
const ONE_LEADER: PmmcModelOptions = {
  size: 3,
  scouts: [1, 0, 0],
  requests: { 0: ["a#1"] },
  kinds: [...PHASES, "decision"],
};

/** Two leaders, each with a command of its own for the same slot. */
const TWO_LEADERS: PmmcModelOptions = {
  ...ONE_LEADER,
  scouts: [1, 1, 0],
  requests: { 0: ["a#1"], 1: ["b#1"] },
  kinds: PHASES,
};

describe("3 members that hold all roles, real cores behind real queues: whole state spaces", () => {
  test("one leader, messages in any order", () => {
    expect(explore(pmmcModel(ONE_LEADER), ALL)).toEqual({
      states: 728,
      transitions: 1_801,
      depth: 19,
      complete: true,
      violation: null,
    });
  });

  test("one leader, and a crash of any member at any moment", () => {
    expect(explore(pmmcModel({ ...ONE_LEADER, crashes: 1 }), ALL)).toEqual({
      states: 7_537,
      transitions: 20_280,
      depth: 23,
      complete: true,
      violation: null,
    });
  });
});

describe("cut state spaces, the nearest 40,000 states", () => {
  const CUT = { statesMax: 40_000, depthMax: 10_000 };

  test.each([
    ["two leaders", {}],
    ["two leaders, and a crash", { crashes: 1 }],
    ["two leaders, any one message comes twice", { duplicates: 1 }],
  ])("%s", (_, more) => {
    expect(explore(pmmcModel({ ...TWO_LEADERS, ...more }), CUT)).toMatchObject({
      states: 40_000,
      complete: false,
      violation: null,
    });
  });
});

/** The real protocol with something changed in what goes into a step or comes out of it. */
function seeded(change: {
  readonly input?: (input: Input) => Input;
  readonly output?: (effects: Out, input: Input) => Out;
}): Protocol {
  const { input = (same) => same, output = (same) => same } = change;
  return {
    ...pmmc,
    step: (state, what, now) => output(pmmc.step(state, input(what), now), what),
  };
}

function isKind(input: Input, kind: string): boolean {
  return input.kind === "message" && input.message.kind === kind;
}

const pvaluesIgnored = seeded({
  input: (input) =>
    input.kind === "message" && input.message.kind === "p1b"
      ? { ...input, message: { ...input.message, pvalues: [] } }
      : input,
});

const acceptedTooEarly = seeded({
  output: (effects, input) =>
    effects.map((effect) =>
      effect.kind === "send" && isKind(input, "p2a") ? { ...effect, kind: "sendNow" } : effect,
    ),
});

const ballotsForgotten = seeded({
  output: (effects, input) =>
    isKind(input, "p1a") ? effects.filter((effect) => effect.kind !== "persist") : effects,
});

/** What the members take for quorums; the invariants know better. */
function quorums(phase1: number, phase2: number): QuorumSystem {
  return {
    name: "seeded",
    members: [0, 1, 2],
    isPhase1: (voters) => voters.size >= phase1,
    isPhase2: (voters) => voters.size >= phase2,
  };
}

describe("seeded bugs give a nearest counter-example", () => {
  test.each<[string, Partial<PmmcModelOptions>, string, { states: number; steps: number }]>([
    [
      "one vote decides",
      { quorums: quorums(2, 1) },
      "node 0: slot 1 is decided, but no quorum has accepted",
      { states: 1_057, steps: 10 },
    ],
    [
      "a ballot is adopted and not persisted",
      { protocol: ballotsForgotten },
      "node 1 says that it adopted 1.0, which is not durable",
      { states: 7, steps: 3 },
    ],
    [
      "accepted is said before it is durable",
      { protocol: acceptedTooEarly },
      "node 2 says that it adopted 1.0, which is not durable",
      { states: 574, steps: 9 },
    ],
    [
      "what acceptors report is ignored",
      { protocol: pvaluesIgnored },
      "slot 1 is chosen in 1.0, and another command accepted above",
      { states: 82_263, steps: 20 },
    ],
  ])("%s", (_, options, problem, expected) => {
    const { violation, states } = explore(pmmcModel({ ...TWO_LEADERS, ...options }), ALL);
    expect(violation?.problem).toBe(problem);
    expect({ states, steps: violation?.path.length }).toEqual(expected);
  });
});
