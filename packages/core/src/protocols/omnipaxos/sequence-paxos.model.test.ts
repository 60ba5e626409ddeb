import type { Effect } from "@synod/core";
import { explore } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import type { OmniPaxosMessage } from "./messages.ts";
import { type SequenceModelOptions, sequenceModel, sequencePaxosAlone } from "./testing/model.ts";

const ALL = { statesMax: 10_000_000, depthMax: 10_000 };
const CUT = { statesMax: 40_000, depthMax: 10_000 };

/** Both phases; that something is decided is told by later accepts and syncs alone. */
const PHASES = ["prepare", "promise", "acceptSync", "accept", "accepted"] as const;

/** Nodes 0 and 1 are told to lead once each, with a command each. */
const TWO_LEADERS: SequenceModelOptions = {
  size: 3,
  elections: [1, 1, 0],
  requests: { 0: ["a#1"], 1: ["b#1"] },
  kinds: PHASES,
};

const ONE_LEADER: SequenceModelOptions = { ...TWO_LEADERS, elections: [1, 0, 0] };

describe("Sequence Paxos alone, 3 nodes: real cores behind real effect queues", () => {
  test("one leader, and a crash of any node at any moment: the whole space", () => {
    expect(explore(sequenceModel({ ...ONE_LEADER, crashes: 1 }), ALL)).toEqual({
      states: 3_075,
      transitions: 9_056,
      depth: 23,
      complete: true,
      violation: null,
    });
  });

  test("two leaders, messages of both phases in any order: the nearest states", () => {
    const model = sequenceModel(TWO_LEADERS);
    const chosen = new Set<string | null>();
    const check: typeof model.check = (state) => {
      chosen.add(model.chosen(state, 1));
      return model.check(state);
    };
    expect(explore({ ...model, check }, CUT)).toMatchObject({ states: 40_000, violation: null });
    // Either command may come first, or none is decided yet.
    expect(chosen).toEqual(new Set([null, "a#1", "b#1"]));
  });

  test("two leaders, depth first", () => {
    const model = sequenceModel({ ...TWO_LEADERS, kinds: [...PHASES, "decide"] });
    const found = explore(model, { ...CUT, order: "depth" });
    expect(found).toMatchObject({ states: 40_000, violation: null });
  });

  test("one leader, two crashes, and members that ask to be prepared: the nearest states", () => {
    const kinds = [...PHASES, "decide", "prepareRequest"] as const;
    const model = sequenceModel({ ...ONE_LEADER, kinds, crashes: 2, duplicates: 1 });
    expect(explore(model, CUT)).toMatchObject({ states: 40_000, violation: null });
  });
});

type Input = Parameters<typeof sequencePaxosAlone.step>[1];
type Out = Effect<OmniPaxosMessage>[];

/** The real core with something changed in what comes out of a step. */
function seeded(output: (effects: Out, input: Input) => Out): typeof sequencePaxosAlone {
  return {
    ...sequencePaxosAlone,
    step: (state, input, now) => output(sequencePaxosAlone.step(state, input, now), input),
  };
}

function isKind(input: Input, kind: string): boolean {
  return input.kind === "message" && input.message.kind === kind;
}

describe("seeded bugs give a nearest counter-example", () => {
  const acceptedTooEarly = seeded((effects, input) =>
    effects.map((effect) =>
      effect.kind === "send" && isKind(input, "acceptSync")
        ? { ...effect, kind: "sendNow" }
        : effect,
    ),
  );
  const promisesForgotten = seeded((effects, input) =>
    isKind(input, "prepare") ? effects.filter((effect) => effect.kind !== "persist") : effects,
  );
  const oneVote = {
    name: "one vote",
    members: [0, 1, 2],
    isPhase1: (voters: ReadonlySet<number>) => voters.size >= 2,
    isPhase2: (voters: ReadonlySet<number>) => voters.size >= 1,
  };

  test.each<[string, Partial<SequenceModelOptions>, string]>([
    [
      "one vote decides",
      { quorums: oneVote },
      "node 0 takes slot 1 for decided, but no quorum has",
    ],
    [
      "accepted is said before it is durable",
      { protocol: acceptedTooEarly },
      "node 1 shows a log of 1 in 100.0 that is not durable",
    ],
    [
      "promises are not persisted",
      { protocol: promisesForgotten },
      "node 1 shows a promise for 100.0 that is not durable",
    ],
  ])("%s", (_, options, problem) => {
    const model = sequenceModel({ ...TWO_LEADERS, ...options });
    const { violation } = explore(model, CUT);
    expect(violation?.problem).toBe(problem);
  });
});
