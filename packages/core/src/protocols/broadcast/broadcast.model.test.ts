import { explore } from "@synod/simulator";
import { describe, expect, test } from "vitest";
import { broadcast } from "./index.ts";
import { type BroadcastModelOptions, broadcastModel, PHASES } from "./testing/model.ts";

const ALL = { statesMax: 1_000_000, depthMax: 10_000 };

/** Nodes 0 and 1 broadcast one message each, and both want the first slot for it. */
const TWO_HOLDERS: BroadcastModelOptions = {
  size: 3,
  requests: { 0: ["a#1"], 1: ["b#1"] },
  kinds: PHASES,
};

const ONE_HOLDER: BroadcastModelOptions = {
  size: 3,
  requests: { 0: ["a#1"] },
  kinds: [...PHASES, "decided"],
};

describe("3 nodes, real cores behind real effect queues: whole state spaces", () => {
  test("two holders, messages of both phases in any order", () => {
    const model = broadcastModel(TWO_HOLDERS);
    const decided = new Set<string | null>();
    const check: typeof model.check = (state) => {
      decided.add(model.chosen(state, 1));
      return model.check(state);
    };
    expect(explore({ ...model, check }, ALL)).toEqual({
      states: 184_584,
      transitions: 751_615,
      depth: 38,
      complete: true,
      violation: null,
    });
    expect(decided).toEqual(new Set([null, "a#1", "b#1"]));
  });

  test("one holder, everybody told at once, and a crash of any node at any moment", () => {
    expect(explore(broadcastModel({ ...ONE_HOLDER, crashes: 1 }), ALL)).toEqual({
      states: 5_407,
      transitions: 15_761,
      depth: 20,
      complete: true,
      violation: null,
    });
  });
});

test("one holder falls or tires others, who complete its slot: the nearest 15,000 states", () => {
  const model = broadcastModel({ ...ONE_HOLDER, crashes: 1, turns: [0, 1, 0] });
  expect(explore(model, { statesMax: 15_000, depthMax: 10_000 })).toMatchObject({
    states: 15_000,
    violation: null,
  });
});

test("two slots at a time, the nearest 15,000 states", () => {
  const model = broadcastModel({ ...ONE_HOLDER, requests: { 0: ["a#1", "a#2"] }, window: 2 });
  expect(explore(model, { statesMax: 15_000, depthMax: 10_000 })).toMatchObject({
    states: 15_000,
    violation: null,
  });
});

describe("seeded bugs give a nearest counter-example", () => {
  test("without a slot, answers count for another instance", () => {
    const model = broadcastModel({
      ...ONE_HOLDER,
      requests: { 0: ["a#1", "a#2"] },
      window: 2,
      protocol: {
        ...broadcast,
        step: (state, input, now) => {
          if (
            input.kind !== "message" ||
            input.message.kind !== "decree" ||
            input.message.message.kind !== "accepted" ||
            input.from === state.settings.self
          )
            return broadcast.step(state, input, now);
          const message = { ...input.message, slot: 2 };
          return broadcast.step(state, { ...input, message }, now);
        },
      },
    });
    const { violation, states } = explore(model, ALL);
    expect([states, violation?.problem]).toEqual([
      19_938,
      "node 0 takes slot 2 for decided, but no quorum has",
    ]);
  });

  test("one vote decides", () => {
    const members = [0, 1, 2];
    const model = broadcastModel({
      ...ONE_HOLDER,
      quorums: {
        name: "seeded",
        members,
        isPhase1: (voters) => voters.size > 1,
        isPhase2: (voters) => voters.size > 0,
      },
    });
    const { violation, states } = explore(model, ALL);
    expect([states, violation?.problem]).toEqual([
      50,
      "node 0 takes slot 1 for decided, but no quorum has",
    ]);
  });
});
