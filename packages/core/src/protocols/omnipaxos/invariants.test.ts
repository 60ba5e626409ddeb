import { majority } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  afterStep,
  createHistory,
  electionProblem,
  type OmniPaxosHistory,
  onDurable,
  onSent,
  replicaProblem,
} from "./invariants.ts";
import type { OmniPaxosRecord } from "./records.ts";
import { createState, type OmniPaxosState } from "./state.ts";
import {
  accepted,
  acceptedRecord,
  ballot,
  createSolo,
  leading,
  learn,
  prepare,
  promise,
  type Solo,
  synced,
  value,
} from "./testing/solo.ts";

/** A checker that has never complained proves nothing: each is shown what it must not let pass. */
function history(): OmniPaxosHistory {
  return createHistory(majority([0, 1, 2]));
}

function durable(seen: OmniPaxosHistory, node: number, ...records: OmniPaxosRecord[]): unknown {
  return records.map((record) => onDurable(seen, node, record)).find((problem) => problem !== null);
}

const promised = (of: string): OmniPaxosRecord => ({ kind: "promised", ballot: ballot(of) });

describe("what becomes durable", () => {
  test("one-value-per-ballot", () => {
    const seen = history();
    durable(seen, 1, synced("1.1", 1, ["a#1", "a#2"]));
    expect(durable(seen, 2, synced("1.1", 1, ["a#1", "b#2"]))).toBe(
      "two values in slot 2, ballot 1.1",
    );
  });

  test("one-value-per-slot", () => {
    const seen = history();
    for (const node of [0, 1]) durable(seen, node, synced("1.1", 1, ["a#1"]));
    durable(seen, 1, synced("2.2", 1, ["b#1"]));
    expect(durable(seen, 2, synced("2.2", 1, ["b#1"]))).toBe("two values in slot 1");
  });

  test("a sync accepts what it keeps, too", () => {
    const seen = history();
    durable(seen, 0, synced("1.1", 1, ["a#1"]), synced("2.2", 2, ["a#2"]));
    durable(seen, 1, synced("2.2", 1, ["a#1"]));
    expect(seen.chosen.get(1)).toEqual(value("a#1"));
    expect(seen.chosen.get(2)).toBe(undefined);
  });

  test("accepted-after-promised", () => {
    const seen = history();
    expect(durable(seen, 0, promised("2.2"), synced("1.1", 1, ["a#1"]))).toBe(
      "node 0 accepted 1.1 after 2.2",
    );
  });

  test("appended-in-its-ballot", () => {
    const seen = history();
    durable(seen, 0, synced("1.1", 1, ["a#1"]));
    expect(durable(seen, 0, acceptedRecord("2.2", 2, ["a#2"]))).toBe(
      "node 0 appends in 2.2 to a log of 1.1",
    );
    expect(durable(seen, 0, acceptedRecord("1.1", 3, ["a#3"]))).toBe(
      "node 0 leaves a gap before slot 3",
    );
    expect(durable(seen, 0, acceptedRecord("1.1", 2, ["a#2"]))).toBe(undefined);
  });
});

describe("what leaves", () => {
  test("durable-before-visible", () => {
    const seen = history();
    const problem = "node 0 shows a promise for 2.0 that is not durable";
    durable(seen, 0, promised("1.0"));
    expect(onSent(seen, 0, prepare("2.0"))).toBe(problem);
    expect(onSent(seen, 0, promise("2.0"))).toBe(problem);
    durable(seen, 0, synced("2.0", 1, ["a#1"]));
    expect(onSent(seen, 0, promise("2.0"))).toBe(null);
    expect(onSent(seen, 0, accepted("2.0", 1))).toBe(null);
    expect(onSent(seen, 0, accepted("2.0", 2))).toContain("a log of 2 in 2.0 that is not durable");
    expect(onSent(seen, 0, accepted("3.0", 1))).toContain("a log of 1 in 3.0 that is not durable");
  });

  test("promise-hides-nothing", () => {
    const seen = history();
    durable(seen, 0, synced("2.1", 1, ["a#1", "a#2"]), promised("3.2"));
    const problem = "node 0 promises 1@2.1, but accepted 2@2.1";
    const told = (fields: Parameters<typeof promise>[1]) => onSent(seen, 0, promise("3.2", fields));
    expect(told({ acceptedIn: ballot("2.1"), length: 1 })).toBe(problem);
    expect(told({ acceptedIn: ballot("1.1"), length: 9 })).not.toBe(null);
    expect(told({ lost: { acceptedIn: ballot("2.1"), length: 1 } })).not.toBe(null);
    expect(told({ acceptedIn: ballot("2.1"), length: 2 })).toBe(null);
    expect(told({ lost: { acceptedIn: ballot("2.1"), length: 2 } })).toBe(null);
    expect(told({ chosenUpTo: 2 })).toBe(null);
  });
});

describe("a replica in its configuration", () => {
  test("decided-on-a-quorum", () => {
    const solo = createSolo();
    solo.message(1, learn(1, ["a#1"]));
    const seen = history();
    expect(afterStep(seen, solo.state)).toBe("node 0 takes slot 1 for decided, but no quorum has");
    seen.chosen.set(1, value("b#1"));
    expect(afterStep(seen, solo.state)).toBe("node 0 holds another value in slot 1");
    seen.chosen.set(1, value("a#1"));
    expect(afterStep(seen, solo.state)).toBe(null);
  });

  test("promise-never-falls", () => {
    const seen = history();
    durable(seen, 0, promised("2.2"));
    expect(afterStep(seen, createSolo().state)).toBe("node 0 fell below its durable promise 2.2");
    expect(afterStep(seen, createSolo({ voter: false }).state)).toBe(null);
  });
});

describe("a replica alone", () => {
  function broken(change: (solo: Solo) => void): string | null {
    const solo = createSolo({ records: [synced("1.1", 1, ["a#1", "a#2"])] });
    expect(replicaProblem(solo.state)).toBe(null);
    change(solo);
    return replicaProblem(solo.state);
  }

  function leader(change: (solo: Solo) => void): string | null {
    const solo = leading({ tuning: { window: 1 } });
    change(solo);
    return replicaProblem(solo.state);
  }

  test("accepted-below-promised", () => {
    const change = ({ state }: Solo): unknown => (state.promised = ballot("1.0"));
    expect(broken(change)).toBe("accepted 1.1 above its promise");
  });

  test("log-is-whole", () => {
    expect(broken(({ state }) => state.log.delete(1))).toBe("slot 1 is missing from the log");
    expect(broken(({ state }) => (state.length = 1))).toBe("holds 2 values outside of its log");
  });

  test("decided-is-held", () => {
    expect(broken(({ state }) => (state.decidedUpTo = 3))).toBe("decided 3 of 2 slots");
    expect(broken(({ state }) => (state.deliveredUpTo = 1))).toBe("delivered more than is decided");
  });

  test("lost-is-better", () => {
    const lose = (of: string, length: number) => (solo: Solo) => {
      solo.state.lost = { acceptedIn: ballot(of), length };
    };
    expect(broken(lose("1.1", 2))).toBe("has lost 2@1.1, but shows 2@1.1");
    expect(broken(lose("1.1", 3))).toBe(null);
  });

  test("leader-keeps-its-ballot", () => {
    expect(leader(({ state }) => (state.promised = ballot("200.1")))).toBe(
      "pursues 100.0 but promised 200.1",
    );
    expect(leader(({ state }) => (state.acceptedIn = ballot("0.0")))).toBe(
      "leads 100.0 with a log of 0.0",
    );
  });

  test("window-is-bounded", () => {
    const open = ({ state }: Solo): void => {
      for (const slot of [1, 2]) state.log.set(slot, value("a#1"));
      state.length = 2;
    };
    expect(leader(open)).toBe("2 slots are open");
  });
});

describe("an election", () => {
  /** Of a replica that has just been made, after something that must not be. */
  function elected(change: (state: OmniPaxosState) => void, tuning = {}): string | null {
    const members = [0, 1, 2];
    const quorums = majority(members);
    const state = createState({ self: 0, members, quorums, seed: 1, roles: [], tuning });
    expect(electionProblem(state)).toBe(null);
    change(state);
    return electionProblem(state);
  }

  test("own-is-not-above-leader", () => {
    expect(elected(({ election }) => (election.own = ballot("200.0")))).toBe(
      "takes 100.0 for the leader's, but its own is 200.0",
    );
  });

  test("preferred-over-lower", () => {
    const waits = ({ election: { preference } }: OmniPaxosState): void => {
      preference.rounds = 1;
      preference.over = ballot("101.1");
    };
    expect(elected(waits, { priority: 1 })).toBe("is preferred with 101.0 over 101.1");
    expect(elected(waits, { priority: 2 })).toBe(null);
    const won = ({ election: { preference } }: OmniPaxosState): void => {
      preference.won = ballot("200.0");
      preference.over = ballot("101.1");
    };
    expect(elected(won)).toBe("is preferred with 200.0 over 101.1");
  });

  test("waits-as-follower", () => {
    const stands = ({ election: { preference }, sequence }: OmniPaxosState): void => {
      preference.rounds = 1;
      sequence.role = { kind: "candidate", ballot: ballot("101.0"), promises: new Map() };
    };
    expect(elected(stands, { priority: 1 })).toBe("waits for the lead of 0.0 as a candidate");
  });

  test("round-is-bounded", () => {
    const trip = { smoothed: Number.NaN, deviation: 0, round: 1 };
    const measured = ({ pace }: OmniPaxosState) => pace.trips.set(1, trip);
    expect(elected(measured, { electionMinMs: 100 })).toBe("a round lasts NaN ms");
  });
});
