import { describe, expect, test } from "vitest";
import { majority } from "../../quorum.ts";
import { afterStep, createHistory, onDurable, onSent, replicaProblem } from "./invariants.ts";
import type { PaxosRecord } from "./records.ts";
import { createState, type PaxosState } from "./state.ts";
import { b, bytes } from "./testing/values.ts";

/** Each invariant is shown what it must not let pass, and what it must. */
const MEMBERS = [0, 1, 2];
const QUORUMS = majority(MEMBERS);
const X = bytes("x");
const Y = bytes("y");

function accepted(round: number, proposer: number, value = X): PaxosRecord {
  return { kind: "accepted", ballot: b(round, proposer), value };
}

/** A history with these records, of which none may be wrong. */
function history(...records: readonly (readonly [number, PaxosRecord])[]) {
  const made = createHistory(QUORUMS);
  for (const [node, record] of records) expect(onDurable(made, node, record)).toBeNull();
  return made;
}

function replica(self = 0): PaxosState {
  const settings = { self, members: MEMBERS, quorums: QUORUMS, seed: 1, roles: [], tuning: {} };
  const state = createState(settings);
  state.voter = true;
  return state;
}

/** A complaint is expected. */
function complains(name: string, ...cases: readonly (() => string | null)[]): void {
  test.each(cases.map((run, index) => [index + 1, run] as const))(`${name}, case %i`, (_, run) => {
    expect(run()).not.toBeNull();
  });
}

describe("what becomes durable", () => {
  complains("accepted-after-promised", () =>
    onDurable(history([0, { kind: "promised", ballot: b(2, 0) }]), 0, accepted(1, 1)),
  );
  complains("one-value-per-ballot", () =>
    onDurable(history([0, accepted(1, 1)]), 1, accepted(1, 1, Y)),
  );
  complains(
    "chosen-value-binds",
    () => onDurable(history([0, accepted(1, 1)], [1, accepted(1, 1)]), 2, accepted(2, 2, Y)),
    () => onDurable(history([2, accepted(2, 2, Y)], [0, accepted(1, 1)]), 1, accepted(1, 1)),
  );

  test("a checkpoint may write an old acceptance again", () => {
    const made = history([0, accepted(1, 1)], [0, { kind: "promised", ballot: b(5, 0) }]);
    expect(onDurable(made, 0, accepted(1, 1))).toBeNull();
  });

  test("different values in different ballots are no choice", () => {
    expect(history([0, accepted(1, 0)], [1, accepted(1, 1, Y)]).chosen).toBeNull();
    expect(history([0, accepted(1, 0)], [1, accepted(1, 0)]).chosen?.value).toEqual(X);
  });
});

describe("what is said", () => {
  complains(
    "durable-before-visible",
    () => onSent(history(), 0, { kind: "prepare", ballot: b(1, 0) }),
    () => onSent(history(), 0, { kind: "promise", ballot: b(1, 1), accepted: null }),
    () => onSent(history([1, accepted(1, 1)]), 0, { kind: "accepted", ballot: b(1, 1) }),
    () =>
      onSent(history(), 0, {
        kind: "told",
        incarnation: 1,
        number: 1,
        accepted: { ballot: b(1, 1), value: X },
      }),
  );
  complains(
    "promise-hides-nothing",
    () =>
      onSent(history([0, accepted(1, 1)], [0, { kind: "promised", ballot: b(2, 2) }]), 0, {
        kind: "promise",
        ballot: b(2, 2),
        accepted: null,
      }),
    () =>
      onSent(history([0, accepted(1, 1)]), 0, {
        kind: "told",
        incarnation: 1,
        number: 1,
        accepted: null,
      }),
  );
  complains("one-proposal-per-ballot", () => {
    const made = history();
    const accept = { kind: "accept", ballot: b(1, 0) } as const;
    expect(onSent(made, 0, { ...accept, value: X })).toBeNull();
    expect(onSent(made, 0, { ...accept, value: bytes("x") })).toBeNull();
    return onSent(made, 0, { ...accept, value: Y });
  });

  test("a ballot is covered by the proposer's record or by its own promise", () => {
    const prepare = { kind: "prepare", ballot: b(1, 0) } as const;
    for (const kind of ["began", "promised"] as const)
      expect(onSent(history([0, { kind, ballot: b(1, 0) }]), 0, prepare)).toBeNull();
  });

  test("an acceptance in the promised ballot itself need not be told", () => {
    const promise = { kind: "promise", ballot: b(1, 1), accepted: null } as const;
    expect(onSent(history([0, accepted(1, 1)]), 0, promise)).toBeNull();
  });
});

describe("what a replica believes", () => {
  complains(
    "chosen-on-a-quorum",
    () => {
      const state = replica();
      state.learner.chosen = X;
      return afterStep(history([0, accepted(1, 1)]), state);
    },
    () => {
      const state = replica();
      state.learner.chosen = Y;
      return afterStep(history([0, accepted(1, 1)], [1, accepted(1, 1)]), state);
    },
  );
  complains("promise-never-falls", () =>
    afterStep(history([0, { kind: "promised", ballot: b(2, 0) }]), replica()),
  );
  complains("accepted-below-promised", () => {
    const state = replica();
    state.acceptor.accepted = { ballot: b(1, 1), value: X };
    return replicaProblem(state);
  });
  complains(
    "own-ballots-only",
    () => {
      const state = replica();
      state.proposer.highest = b(9, 9);
      state.proposer.attempt = {
        phase: "prepare",
        ballot: b(1, 1),
        promisedBy: new Set(),
        found: null,
      };
      return replicaProblem(state);
    },
    () => {
      const state = replica();
      state.proposer.attempt = {
        phase: "prepare",
        ballot: b(1, 0),
        promisedBy: new Set(),
        found: null,
      };
      return replicaProblem(state);
    },
  );
  complains("decided-is-the-end", () => {
    const state = replica();
    state.learner.chosen = X;
    state.requests.push({ client: "a", sequence: 1 });
    return replicaProblem(state);
  });

  test("a blank replica is in order", () => {
    expect(afterStep(history(), replica())).toBeNull();
  });
});
