import { flexible, majority } from "@synod/core";
import { describe, expect, it } from "vitest";
import { checkBounds } from "./bounds.ts";
import { ChosenValues } from "./chosen-values.ts";
import { Configurations } from "./configurations.ts";
import { KeptWord } from "./kept-word.ts";

function accusations() {
  const seen: string[] = [];
  return { seen, accuse: (oracle: string, message: string) => seen.push(`${oracle}: ${message}`) };
}

/** Holds its promise, and in each slot the ballot given here. */
function held(promised: number, slots: Readonly<Record<number, number>> = {}, compactedUpTo = 0) {
  return { promised, compactedUpTo, accepted: (slot: number) => slots[slot] ?? null };
}

describe("chosen values", () => {
  it("may be told again, by anybody, but never differ", () => {
    const { seen, accuse } = accusations();
    const chosen = new ChosenValues(accuse);
    chosen.chosen(0, 1, Uint8Array.of(1));
    chosen.chosen(1, 1, Uint8Array.of(1));
    chosen.chosen(1, 2, Uint8Array.of(2));
    expect(seen).toEqual([]);
    chosen.chosen(2, 2, Uint8Array.of(3));
    expect(seen).toHaveLength(1);
  });
});

describe("a voter's word", () => {
  it("binds it to the highest ballot that it promised", () => {
    const { seen, accuse } = accusations();
    const word = new KeptWord(accuse);
    word.promises(0, 5);
    expect(word.accepts(0, 1, 5)).toBe(false);
    expect(word.accepts(0, 1, 7)).toBe(true);
    word.promises(0, 9);
    // Telling again what was accepted before the promise is no new acceptance.
    word.accepts(0, 1, 7);
    expect(seen).toEqual([]);
    word.accepts(0, 2, 8);
    expect(seen).toHaveLength(1);
  });

  it("outlives a restart: the promise", () => {
    const { seen, accuse } = accusations();
    const word = new KeptWord(accuse);
    word.promises(0, 5);
    word.startsWith(0, held(5));
    expect(seen).toEqual([]);
    word.startsWith(0, held(4));
    expect(seen).toHaveLength(1);
  });

  it("outlives a restart: what it accepted, unless that is chosen and compacted", () => {
    const { seen, accuse } = accusations();
    const word = new KeptWord(accuse);
    word.accepts(0, 1, 5);
    word.accepts(0, 2, 5);
    word.startsWith(0, held(5, { 2: Number.POSITIVE_INFINITY }, 1));
    word.startsWith(0, held(5, { 2: 6 }));
    expect(seen).toEqual([]);
    word.startsWith(0, held(5, { 2: 4 }));
    word.startsWith(0, held(5));
    expect(seen).toHaveLength(2);
  });

  it("makes a value chosen only together with a quorum in the same ballot", () => {
    const { seen, accuse } = accusations();
    const word = new KeptWord(accuse);
    const isQuorum = (voters: ReadonlySet<number>): boolean => voters.size >= 2;
    word.proposes(0, 1, 5, "a");
    word.accepts(1, 1, 5);
    word.chooses(0, 1, isQuorum);
    expect(seen).toEqual([]);
    word.proposes(0, 2, 5, "a");
    word.accepts(1, 2, 4);
    word.chooses(0, 2, isQuorum);
    expect(seen).toHaveLength(1);
  });

  it("makes it tell in a promise all that it has accepted there", () => {
    const { seen, accuse } = accusations();
    const word = new KeptWord(accuse);
    word.accepts(0, 1, 5);
    word.accepts(0, 2, 5);
    word.tells(0, 1, 9, () => true);
    word.tells(0, 2, 9, (slot) => slot === 2);
    expect(seen).toEqual([]);
    word.tells(0, 1, 9, (slot) => slot === 2);
    expect(seen).toHaveLength(1);
  });

  it("allows one value in each slot of a ballot, and one leader", () => {
    const { seen, accuse } = accusations();
    const word = new KeptWord(accuse);
    expect(word.proposes(0, 1, 5, "a")).toBe(true);
    expect(word.proposes(0, 1, 5, "a")).toBe(false);
    word.proposes(0, 1, 6, "b");
    word.leads(0, 5);
    expect(seen).toEqual([]);
    word.proposes(0, 1, 5, "b");
    word.leads(0, 5);
    expect(seen).toHaveLength(2);
  });
});

const position = { log: 0, index: 0 };
const status = {
  node: 0,
  cluster: "",
  configuration: 1,
  protocol: "",
  replica: {
    role: "",
    leader: null,
    ballot: "",
    chosenUpTo: 0,
    compactedUpTo: 0,
    voter: true,
    detail: {},
  },
  membership: {
    state: "member" as const,
    members: [],
    quorums: null,
    began: position,
    stopping: false,
    holders: [],
    settled: true,
    waitsFor: "",
    applicants: [],
  },
  dataId: "",
  incarnation: 1,
  voter: true,
  nonVoterReason: "",
  ready: true,
  notReadyReason: "",
  executedUpTo: position,
  journalBytes: 0,
  snapshotBytes: 0,
  snapshotPosition: position,
  sessions: 0,
  outstanding: 0,
  diskFull: false,
  peers: [],
};

describe("configurations", () => {
  it("intersect", () => {
    const { seen, accuse } = accusations();
    const configurations = new Configurations(accuse);
    for (const count of [1, 2, 3, 4, 5]) {
      const members = Array.from({ length: count }, (_, node) => node);
      configurations.intersect(members, majority(members));
    }
    configurations.intersect([0, 1, 2], flexible([0, 1, 2], { phase1: 3, phase2: 1 }));
    expect(seen).toEqual([]);
    const one = (voters: ReadonlySet<number>): boolean => voters.size > 0;
    const quorums = { name: "one", members: [0, 1], isPhase1: one, isPhase2: one };
    configurations.intersect([0, 1], quorums);
    expect(seen).toHaveLength(1);
  });

  it("are the same for all", () => {
    const { seen, accuse } = accusations();
    const configurations = new Configurations(accuse);
    const runs = (node: number, configuration: number, ids: readonly number[]) => {
      const members = ids.map((id) => ({ id, address: "", zone: "", roles: [] }));
      const membership = { ...status.membership, members };
      configurations.runs({ node, configuration, membership });
    };
    runs(0, 1, [0, 1, 2]);
    runs(1, 1, [0, 1, 2]);
    runs(2, 2, [0, 1]);
    expect(seen).toEqual([]);
    runs(0, 2, [0, 2]);
    expect(seen).toHaveLength(1);
  });
});

describe("bounds", () => {
  const limits = { outstandingMax: 4, journalBytesMax: 1_000, sessionsMax: 8, nodes: 1 };

  it.each([
    ["requests", { outstanding: 17 }],
    ["journal", { journalBytes: 10_000_000 }],
    ["sessions", { sessions: 11 }],
    ["snapshots", { snapshotBytes: 10_000_000 }],
    ["reads", { replica: { ...status.replica, detail: { readsWaiting: 9 } } }],
    ["values", { replica: { ...status.replica, detail: { entries: 30_000 } } }],
  ])("sees too many %s", (what, change) => {
    const { seen, accuse } = accusations();
    checkBounds(status, limits, accuse);
    expect(seen).toEqual([]);
    checkBounds({ ...status, ...change }, limits, accuse);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toContain(what);
  });
});
