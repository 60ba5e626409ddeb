import { majority } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  afterStep,
  createHistory,
  type MultipaxosHistory,
  onDurable,
  onSent,
  replicaProblem,
} from "./invariants.ts";
import type { Leader } from "./state.ts";
import {
  accept,
  accepted,
  acceptedRecord,
  ballot,
  createSolo,
  learn,
  prepare,
  promise,
  reported,
  type Solo,
  value,
} from "./testing/solo.ts";

/** A checker that has never complained proves nothing: each is shown what it must not let pass. */
function history(size = 3): MultipaxosHistory {
  return createHistory(majority(Array.from({ length: size }, (_, id) => id)));
}

describe("one-value-per-ballot", () => {
  test("two values in one slot and ballot, whoever accepted them", () => {
    const seen = history();
    expect(onDurable(seen, 1, acceptedRecord("1.1", 1, ["a#1", "a#2"]))).toBe(null);
    expect(onDurable(seen, 1, acceptedRecord("1.1", 1, ["a#1", "a#2"]))).toBe(null);
    expect(onDurable(seen, 2, acceptedRecord("1.1", 2, ["b#2"]))).toBe(
      "two values in slot 2, ballot 1.1",
    );
  });
});

describe("one-value-per-slot", () => {
  test("two quorums for two values", () => {
    const seen = history();
    for (const node of [0, 1])
      expect(onDurable(seen, node, acceptedRecord("1.1", 1, ["a#1"]))).toBe(null);
    expect(onDurable(seen, 1, acceptedRecord("2.2", 1, ["b#1"]))).toBe(null);
    expect(onDurable(seen, 2, acceptedRecord("2.2", 1, ["b#1"]))).toBe("two values in slot 1");
  });

  test("is about quorums: a vote alone chooses nothing, one value may be chosen twice", () => {
    const seen = history();
    onDurable(seen, 0, acceptedRecord("1.1", 1, ["a#1"]));
    expect(seen.chosen.size).toBe(0);
    for (const node of [1, 2]) onDurable(seen, node, acceptedRecord("2.2", 1, ["b#1"]));
    expect(seen.chosen.get(1)).toEqual(value("b#1"));
    for (const node of [0, 1])
      expect(onDurable(seen, node, acceptedRecord("3.0", 1, ["b#1"]))).toBe(null);
  });
});

describe("accepted-after-promised", () => {
  test.each([
    ["a promise", { kind: "promised", ballot: ballot("2.2") } as const],
    [
      "a checkpoint",
      {
        kind: "meta",
        promised: ballot("2.2"),
        compactedUpTo: 0,
        stoppedAt: 0,
        impaired: false,
      } as const,
    ],
    ["another acceptance", acceptedRecord("2.2", 7, ["a#7"])],
  ])("an acceptance below %s", (_, record) => {
    const seen = history();
    expect(onDurable(seen, 0, record)).toBe(null);
    expect(onDurable(seen, 1, acceptedRecord("1.1", 1, ["a#1"]))).toBe(null);
    expect(onDurable(seen, 0, acceptedRecord("1.1", 1, ["a#1"]))).toBe(
      "node 0 accepted 1.1 after 2.2",
    );
  });

  test("but a checkpoint may write old acceptances again", () => {
    const seen = history();
    onDurable(seen, 0, acceptedRecord("1.1", 1, ["a#1"]));
    onDurable(seen, 0, { kind: "promised", ballot: ballot("2.2") });
    expect(onDurable(seen, 0, acceptedRecord("1.1", 1, ["a#1"]))).toBe(null);
    expect(onDurable(seen, 0, acceptedRecord("1.1", 1, ["a#1", "a#2"]))).not.toBe(null);
  });

  test("a lower promise after a higher one takes nothing back", () => {
    const seen = history();
    onDurable(seen, 0, { kind: "promised", ballot: ballot("2.2") });
    onDurable(seen, 0, { kind: "promised", ballot: ballot("1.1") });
    expect(seen.promised.get(0)).toEqual(ballot("2.2"));
  });
});

describe("durable-before-visible", () => {
  test("a prepare or promise without a durable promise", () => {
    const seen = history();
    const problem = "node 0 shows a promise for 2.0 that is not durable";
    onDurable(seen, 0, { kind: "promised", ballot: ballot("1.0") });
    expect(onSent(seen, 0, prepare("2.0"))).toBe(problem);
    expect(onSent(seen, 0, promise(ballot("2.0")))).toBe(problem);
    onDurable(seen, 0, { kind: "promised", ballot: ballot("2.0") });
    expect(onSent(seen, 0, prepare("2.0"))).toBe(null);
    expect(onSent(seen, 0, promise(ballot("2.0")))).toBe(null);
  });

  test("an accepted for a slot whose acceptance is not durable here, in that ballot", () => {
    const seen = history();
    onDurable(seen, 0, acceptedRecord("1.1", 1, ["a#1"]));
    onDurable(seen, 1, acceptedRecord("1.1", 1, ["a#1", "a#2"]));
    expect(onSent(seen, 0, accepted("1.1", 1))).toBe(null);
    expect(onSent(seen, 0, accepted("2.2", 1))).toContain("slot 1 in 2.2 that is not durable");
    expect(onSent(seen, 0, accepted("1.1", 1, 2))).toContain("slot 2 in 1.1 that is not durable");
    expect(onSent(seen, 2, accepted("1.1", 1))).toContain("node 2 shows an acceptance of slot 1");
    // Accepts and all the rest may leave at once.
    expect(onSent(seen, 0, accept("9.0", 1, ["a#1"]))).toBe(null);
  });
});

describe("promise-hides-nothing", () => {
  const of = ballot("3.2");

  function shown(fields: Parameters<typeof promise>[1]): string | null {
    const seen = history();
    onDurable(seen, 0, acceptedRecord("1.1", 4, ["a#1"]));
    onDurable(seen, 0, acceptedRecord("2.1", 4, ["b#1"]));
    onDurable(seen, 0, { kind: "promised", ballot: of });
    onDurable(seen, 1, acceptedRecord("2.1", 7, ["c#1"]));
    return onSent(seen, 0, promise(of, fields));
  }

  test("an acceptance that is not told, or only an older one of the slot", () => {
    const problem = "node 0 promises without its acceptance of slot 4";
    expect(shown({})).toBe(problem);
    expect(shown({ entries: [reported(4, "1.1", "a#1")] })).toBe(problem);
    expect(shown({ unknown: [{ first: 4, last: 4, ballot: ballot("1.1") }] })).toBe(problem);
    expect(shown({ unknown: [{ first: 5, last: 9, ballot: ballot("2.1") }] })).toBe(problem);
  });

  test("is kept by telling it, a higher one, that it is chosen, or that it is unknown", () => {
    for (const fields of [
      { entries: [reported(4, "2.1", "b#1")] },
      { entries: [reported(4, "2.2", "d#1")] },
      { entries: [reported(4, "0.0", "d#1", true)] },
      { omittedUpTo: 4, first: 5 },
      { omittedUpTo: 4 },
      { first: 1, last: 3 },
      { unknown: [{ first: 2, last: 9, ballot: ballot("2.1") }] },
    ])
      expect(shown(fields)).toBe(null);
  });

  test("does not speak of what was accepted later, in the ballot itself or above", () => {
    const seen = history();
    onDurable(seen, 0, acceptedRecord("3.2", 1, ["a#1"]));
    onDurable(seen, 0, acceptedRecord("4.1", 2, ["a#2"]));
    expect(onSent(seen, 0, promise(of))).toBe(null);
  });
});

describe("chosen-on-a-quorum", () => {
  test("what no quorum accepted, or another value, is taken for chosen", () => {
    const solo = createSolo();
    solo.message(1, learn(1, ["a#1"]));
    const seen = history();
    expect(afterStep(seen, solo.state)).toBe("node 0 takes slot 1 for chosen, but no quorum has");
    seen.chosen.set(1, value("b#1"));
    expect(afterStep(seen, solo.state)).toBe("node 0 holds another value in slot 1");
    seen.chosen.set(1, value("a#1"));
    expect(afterStep(seen, solo.state)).toBe(null);
  });
});

describe("promise-never-falls", () => {
  test("a voter that has forgotten its durable promise", () => {
    const seen = history();
    onDurable(seen, 0, { kind: "promised", ballot: ballot("2.2") });
    expect(afterStep(seen, createSolo().state)).toBe("node 0 fell below its durable promise 2.2");
    expect(afterStep(seen, createSolo({ voter: false }).state)).toBe(null);
  });
});

describe("of a replica alone", () => {
  function broken(change: (solo: Solo) => void): string | null {
    const solo = createSolo({ tuning: { retainBytes: 0 } });
    solo.message(1, accept("1.1", 1, ["a#1", "a#2", "a#3"], 2));
    solo.compact(1);
    expect(replicaProblem(solo.state)).toBe(null);
    change(solo);
    return replicaProblem(solo.state);
  }

  function leader(change: (role: Leader, solo: Solo) => void): string | null {
    const solo = createSolo({ tuning: { window: 1 } });
    solo.lead();
    expect(replicaProblem(solo.state)).toBe(null);
    change(solo.state.role as Leader, solo);
    return replicaProblem(solo.state);
  }

  test("accepted-below-promised", () => {
    expect(broken(({ state }) => (state.promised = ballot("1.0")))).toBe(
      "accepted 1.1 in slot 2 above its promise",
    );
  });

  test("prefix-is-whole", () => {
    expect(broken(({ state }) => state.log.delete(2))).toContain("slot 2 is missing");
    expect(broken(({ state }) => (state.chosenUpTo = 3))).toContain("slot 3 is missing");
    expect(broken(({ state }) => (state.compactedUpTo = 2))).toContain("slot 2 is compacted");
    expect(broken(({ state }) => (state.deliveredUpTo = 3))).toBe("delivered more than is chosen");
  });

  test("faulty-is-unknown", () => {
    const mark = (slot: number, upTo = "1.1") =>
      broken(({ state }) => state.faulty.set(slot, ballot(upTo)));
    expect(mark(4)).toBe(null);
    expect(mark(3)).toBe("slot 3 is faulty and held");
    expect(mark(1)).toBe("slot 1 is faulty but settled");
    expect(mark(4, "9.1")).toBe("slot 4 is faulty above the promise");
  });

  test("leader-holds-its-promise", () => {
    expect(leader((_, { state }) => (state.promised = ballot("2.1")))).toBe(
      "leads 1.0 but promised 2.1",
    );
  });

  test("window-is-bounded", () => {
    expect(leader((role) => role.open.set(2, new Set()))).toBe("2 slots are open");
  });
});
