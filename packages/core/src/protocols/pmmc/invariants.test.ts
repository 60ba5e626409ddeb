import { type Effect, EMPTY_FOOTPRINT, majority } from "@synod/core";
import { describe, expect, test } from "vitest";
import { pmmc } from "./index.ts";
import {
  afterStep,
  createHistory,
  memberProblem,
  onDurable,
  onEffects,
  onSent,
  type PmmcHistory,
} from "./invariants.ts";
import type { PmmcMessage } from "./messages.ts";
import type { PmmcState } from "./state.ts";
import { ballot, p1a, p1b, p2a, p2b, pvalue, value } from "./testing/make.ts";

/** Each invariant by name, with something that it must not let pass. */

const MEMBERS = [0, 1, 2];

function history(): PmmcHistory {
  return createHistory(majority(MEMBERS));
}

function member(): PmmcState {
  const state = pmmc.create({
    self: 0,
    members: MEMBERS,
    quorums: majority(MEMBERS),
    seed: 1,
    roles: [],
    tuning: { window: 2 },
  });
  state.phase = "running";
  return state;
}

function replica(state: PmmcState) {
  if (state.replica === null) throw new Error("no replica");
  return state.replica;
}

function accept(past: PmmcHistory, node: number, of: string, slot: number, text: string) {
  return onDurable(past, node, { kind: "accepted", ...pvalue(of, slot, text) });
}

/** Slot 1 is chosen in ballot 2.0. */
function chosen(): PmmcHistory {
  const past = history();
  for (const node of [0, 1]) expect(accept(past, node, "2.0", 1, "a#1")).toBeNull();
  return past;
}

function finds(name: string, wrong: () => string | null, problem: RegExp): void {
  test(name, () => expect(wrong()).toMatch(problem));
}

describe("of what becomes durable:", () => {
  finds(
    "A1-ballots-rise",
    () => {
      const past = history();
      expect(onDurable(past, 0, { kind: "adopted", ballot: ballot("2.0") })).toBeNull();
      return onDurable(past, 0, { kind: "adopted", ballot: ballot("2.0") });
    },
    /adopts 2\.0 at 2\.0/,
  );

  finds(
    "A2-accepts-at-its-ballot",
    () => {
      const past = history();
      onDurable(past, 0, { kind: "adopted", ballot: ballot("2.0") });
      return accept(past, 0, "1.9", 1, "a#1");
    },
    /accepts slot 1 in 1\.9 at 2\.0/,
  );

  finds(
    "A4-one-command-per-ballot",
    () => {
      const past = history();
      accept(past, 0, "1.0", 1, "a#1");
      return accept(past, 1, "1.0", 1, "b#1");
    },
    /two commands in slot 1, ballot 1\.0/,
  );

  finds("A5-chosen-stays", () => accept(chosen(), 2, "3.0", 1, "b#1"), /chosen in 2\.0/);

  test("A5-chosen-stays, found out of order", () => {
    const past = history();
    accept(past, 2, "3.0", 1, "b#1");
    accept(past, 0, "2.0", 1, "a#1");
    expect(accept(past, 1, "2.0", 1, "a#1")).toMatch(/chosen in 2\.0/);
  });

  test("a checkpoint may write old acceptances again, but not fall back", () => {
    const past = chosen();
    onDurable(past, 0, { kind: "adopted", ballot: ballot("5.0") });
    const meta = {
      kind: "meta",
      own: ballot("0.0"),
      gcSlot: 0,
      highest: 1,
      impaired: false,
    } as const;
    expect(onDurable(past, 0, { ...meta, adopted: ballot("5.0") })).toBeNull();
    expect(accept(past, 0, "2.0", 1, "a#1")).toBeNull();
    expect(onDurable(past, 0, { ...meta, adopted: ballot("4.0") })).toMatch(/falls to 4\.0/);
  });
});

describe("of what is sent:", () => {
  finds("durable-before-visible", () => onSent(history(), 0, p1a("1.0")), /scouts in 1\.0/);
  test("durable-before-visible, of acceptors", () => {
    for (const message of [p1b("1.0"), p2b("1.0", 1)])
      expect(onSent(history(), 0, message)).toMatch(/says that it adopted 1\.0/);
  });

  finds(
    "A3-nothing-is-forgotten",
    () => onSent(chosen(), 0, p1b("2.0")),
    /does not tell .* slot 1/,
  );
  test("A3-nothing-is-forgotten, but for what is told otherwise", () => {
    const past = chosen();
    expect(onSent(past, 0, p1b("2.0", [pvalue("2.0", 1, "a#1")]))).toBeNull();
    expect(onSent(past, 0, p1b("2.0", [], { gcSlot: 1 }))).toBeNull();
    expect(onSent(past, 0, p1b("2.0", [], { first: 2 }))).toBeNull();
    expect(onSent(past, 0, p1b("2.0", [pvalue("1.0", 1, "a#1")]))).toMatch(/does not tell/);
  });

  finds(
    "C1-one-commander-per-ballot",
    () => {
      const past = history();
      expect(onSent(past, 0, p2a("1.0", 1, "a#1"))).toBeNull();
      return onSent(past, 0, p2a("1.0", 1, "b#1"));
    },
    /two commands in slot 1/,
  );

  finds(
    "C2-commanders-carry-the-chosen",
    () => onSent(chosen(), 0, p2a("3.0", 1, "b#1")),
    /3\.0 carries another/,
  );
});

describe("of a state:", () => {
  finds(
    "R1-one-command-per-slot",
    () => {
      const state = member();
      replica(state).decisions.set(1, value("b#1"));
      return afterStep(chosen(), state);
    },
    /another command in slot 1/,
  );
  test("R1-one-command-per-slot, and a quorum for it", () => {
    const state = member();
    replica(state).decisions.set(1, value("a#1"));
    expect(afterStep(chosen(), state)).toBeNull();
    expect(afterStep(history(), state)).toMatch(/no quorum has accepted/);
  });

  finds(
    "R4-slot-out-never-falls",
    () => {
      const past = chosen();
      const state = member();
      replica(state).decisions.set(1, value("a#1"));
      replica(state).slotOut = 2;
      expect(afterStep(past, state)).toBeNull();
      replica(state).slotOut = 1;
      return afterStep(past, state);
    },
    /falls back from slot 2 to 1/,
  );

  finds(
    "epochs-agree",
    () => {
      const past = history();
      afterStep(past, member());
      const state = member();
      state.epochs = [{ number: 0, first: 1, leaders: [0], acceptors: MEMBERS }];
      return afterStep(past, state);
    },
    /something else for epoch 0/,
  );

  finds(
    "R2-all-below-is-decided",
    () => {
      const state = member();
      replica(state).slotOut = 2;
      return memberProblem(state);
    },
    /slot 1 is executed and not decided/,
  );

  finds(
    "R5-within-the-window",
    () => {
      const state = member();
      replica(state).slotIn = 4;
      return memberProblem(state);
    },
    /slot_in 4 at slot_out 1/,
  );
  test("R5-within-the-window, of proposals", () => {
    const state = member();
    replica(state).proposals.set(3, { value: value("a#1"), names: ["a#1"], age: 0 });
    expect(memberProblem(state)).toMatch(/slot 3 is proposed at slot_out 1/);
  });

  finds(
    "commanders-in-their-epoch",
    () => {
      const state = member();
      const { ballot: own } = state.leader;
      const rest = { slot: 1, value: value("a#1"), votes: new Set<number>(), age: 0 };
      state.leader.commanders.set(1, { ...rest, ballot: own, epoch: 1 });
      return memberProblem(state);
    },
    /slot 1 is commanded in epoch 1/,
  );
});

describe("of what is delivered:", () => {
  const deliver = (index: number, ...names: string[]): Effect<PmmcMessage> => ({
    kind: "deliver",
    position: { log: 0, index },
    commands: names.map((client) => ({
      kind: "apply",
      client,
      sequence: 1,
      acknowledged: 1,
      origin: 0,
      payload: new Uint8Array(),
      footprint: EMPTY_FOOTPRINT,
    })),
    image: new Uint8Array(),
  });
  const input = { kind: "timeout", name: "deliver" } as const;

  finds(
    "R3-in-the-order-of-slots",
    () => {
      const state = member();
      return onEffects(history(), state, input, [deliver(1), deliver(3)]);
    },
    /executes slot 3, not 2/,
  );
  test("R3-in-the-order-of-slots, each with what was decided", () => {
    const state = member();
    replica(state).decisions.set(1, value("a#1"));
    expect(onEffects(history(), state, input, [deliver(1, "a")])).toBeNull();
    expect(onEffects(history(), state, input, [deliver(1, "b")])).toMatch(/decided is a#1/);
  });
});
