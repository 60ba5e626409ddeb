import { describe, expect, test } from "vitest";
import { EMPTY_FOOTPRINT } from "../../command.ts";
import { majority } from "../../quorum.ts";
import { createProposer } from "../paxos/index.ts";
import { commandOf } from "../paxos/testing/model.ts";
import { b, bytes } from "../paxos/testing/values.ts";
import {
  afterStep,
  atRest,
  type BroadcastHistory,
  createHistory,
  onDelivered,
  onDurable,
  onProposed,
  onSent,
  replicaProblem,
} from "./invariants.ts";
import type { InstanceMessage } from "./messages.ts";
import type { BroadcastRecord } from "./records.ts";
import { type BroadcastState, createState, instanceAt } from "./state.ts";

/** Each invariant is shown what it must not let pass, and what it must. */
const MEMBERS = [0, 1, 2];
const QUORUMS = majority(MEMBERS);
const X = bytes("x");
const Y = bytes("y");

function accepted(round: number, proposer: number, value = X, slot = 7): BroadcastRecord {
  return { kind: "accepted", slot, ballot: b(round, proposer), value };
}

/** A history with these records, of which none may be wrong. */
function history(...records: readonly (readonly [number, BroadcastRecord])[]): BroadcastHistory {
  const made = createHistory(QUORUMS);
  for (const [node, record] of records) expect(onDurable(made, node, record)).toBeNull();
  return made;
}

function replica(self = 0): BroadcastState {
  const settings = { self, members: MEMBERS, quorums: QUORUMS, seed: 1, roles: [], tuning: {} };
  const state = createState(settings);
  state.voter = true;
  return state;
}

function sent(made: BroadcastHistory, message: InstanceMessage, slot = 7): string | null {
  return onSent(made, 0, { kind: "decree", slot, message });
}

/** A complaint is expected. */
function complains(name: string, ...cases: readonly (() => string | null)[]): void {
  test.each(cases.map((run, index) => [index + 1, run] as const))(`${name}, case %i`, (_, run) => {
    expect(run()).not.toBeNull();
  });
}

describe("what becomes durable", () => {
  complains("accepted-after-promised", () =>
    onDurable(history([0, { kind: "promised", slot: 7, ballot: b(2, 0) }]), 0, accepted(1, 1)),
  );
  complains("one-value-per-ballot", () =>
    onDurable(history([0, accepted(1, 1)]), 1, accepted(1, 1, Y)),
  );
  complains("chosen-value-binds", () =>
    onDurable(history([0, accepted(1, 1)], [1, accepted(1, 1)]), 2, accepted(2, 2, Y)),
  );

  test("slots have nothing to do with each other", () => {
    const made = history([0, { kind: "promised", slot: 8, ballot: b(2, 0) }], [1, accepted(1, 1)]);
    expect(onDurable(made, 0, accepted(1, 1))).toBeNull();
    expect(onDurable(made, 2, accepted(1, 1, Y, 8))).toBeNull();
  });
});

describe("what is said", () => {
  complains(
    "durable-before-visible",
    () => sent(history(), { kind: "prepare", ballot: b(1, 0) }),
    () => sent(history([0, accepted(1, 1)]), { kind: "accepted", ballot: b(1, 1) }, 8),
  );
  complains("promise-hides-nothing", () =>
    sent(history([0, accepted(1, 1)], [0, { kind: "promised", slot: 7, ballot: b(2, 2) }]), {
      kind: "promise",
      ballot: b(2, 2),
      accepted: null,
    }),
  );
  complains("one-proposal-per-ballot", () => {
    const made = history();
    expect(sent(made, { kind: "accept", ballot: b(1, 0), value: X })).toBeNull();
    expect(sent(made, { kind: "accept", ballot: b(1, 0), value: Y }, 8)).toBeNull();
    return sent(made, { kind: "accept", ballot: b(1, 0), value: Y });
  });
  complains("reader-told-all", () => {
    const told = { kind: "told", incarnation: 1, number: 1 } as const;
    const made = history([0, accepted(1, 1)]);
    expect(onSent(made, 0, { ...told, openUpTo: 7 })).toBeNull();
    expect(onSent(made, 1, { ...told, openUpTo: 0 })).toBeNull();
    return onSent(made, 0, { ...told, openUpTo: 6 });
  });
});

describe("what is delivered", () => {
  const [one, two] = [commandOf("a#1"), commandOf("b#1")];

  function proposed(): BroadcastHistory {
    const made = createHistory(QUORUMS);
    onProposed(made, one);
    onProposed(made, two);
    return made;
  }

  complains(
    "no-creation",
    () => onDelivered(proposed(), 0, 1, [commandOf("a#2")]),
    () => onDelivered(proposed(), 0, 1, [{ ...one, payload: X, footprint: EMPTY_FOOTPRINT }]),
  );
  complains(
    "no-duplication",
    () => {
      const made = proposed();
      expect(onDelivered(made, 0, 1, [one])).toBeNull();
      return onDelivered(made, 0, 1, [one]);
    },
    () => onDelivered(proposed(), 0, 2, [one]),
  );
  complains("uniform-total-order", () => {
    const made = proposed();
    expect(onDelivered(made, 0, 1, [one])).toBeNull();
    expect(onDelivered(made, 1, 1, [one])).toBeNull();
    return onDelivered(made, 2, 1, [two]);
  });
});

describe("what a replica believes", () => {
  complains(
    "decided-on-a-quorum",
    () => {
      const state = replica();
      state.decided.set(7, X);
      return afterStep(history([0, accepted(1, 1)]), state);
    },
    () => {
      const state = replica();
      state.decided.set(7, Y);
      return afterStep(history([0, accepted(1, 1)], [1, accepted(1, 1)]), state);
    },
  );
  complains("promise-never-falls", () => {
    const state = replica();
    instanceAt(state, 7);
    return afterStep(history([0, { kind: "promised", slot: 7, ballot: b(2, 0) }]), state);
  });
  complains(
    "prefix-is-whole",
    () => replicaProblem({ ...replica(), decidedUpTo: 1 }),
    () => replicaProblem({ ...replica(), deliveredUpTo: 1 }),
  );
  complains(
    "decided-is-the-end",
    () => {
      const state = replica();
      instanceAt(state, 7);
      state.decided.set(7, X);
      return replicaProblem(state);
    },
    () => {
      const state = replica();
      state.lost.add(7);
      state.decided.set(7, X);
      return replicaProblem(state);
    },
  );
  complains("window-is-bounded", () => {
    const state = replica();
    for (let slot = 1; slot <= state.tuning.window + 1; slot += 1) attempt(state, slot, 0);
    return replicaProblem(state);
  });
  complains("own-ballots-only", () => {
    const state = replica();
    attempt(state, 1, 1);
    return replicaProblem(state);
  });
  complains("accepted-below-promised", () => {
    const state = replica();
    instanceAt(state, 1).acceptor.accepted = { ballot: b(1, 1), value: X };
    return replicaProblem(state);
  });
  complains(
    "held-until-delivered",
    () => replicaProblem(holding(5)),
    () => replicaProblem({ ...holding(0), keys: new Set() }),
  );

  test("a blank replica is well, and one that holds a message", () => {
    expect(replicaProblem(replica())).toBeNull();
    expect(replicaProblem(holding(0))).toBeNull();
  });
});

describe("at rest", () => {
  complains("validity-at-rest", () => atRest([replica(0), holding(0)]));
  complains("agreement-at-rest", () => atRest([replica(0), { ...replica(1), deliveredUpTo: 1 }]));

  test("all that is held is of others, and all have the same", () => {
    expect(atRest([replica(0), holding(0, false)])).toBeNull();
  });
});

function attempt(state: BroadcastState, slot: number, proposer: number): void {
  const instance = instanceAt(state, slot);
  instance.proposer = createProposer(state.settings.self);
  const promisedBy = new Set<number>();
  instance.proposer.attempt = { phase: "prepare", ballot: b(1, proposer), promisedBy, found: null };
}

/** A replica that holds one message, proposed in this slot. */
function holding(slot: number, own = true): BroadcastState {
  const state = replica(1);
  const id = { client: "a", sequence: 1 };
  const fate = { slot, offeredTo: null, passedOver: false };
  state.pending = [{ id, key: "1 a", bytes: X, own, ...fate }];
  state.keys = new Set(["1 a"]);
  return state;
}
