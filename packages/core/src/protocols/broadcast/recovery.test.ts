import { describe, expect, test } from "vitest";
import type { About, JournalRecord } from "../../effect.ts";
import { b, bytes } from "../paxos/testing/values.ts";
import { decodeRecord } from "./records.ts";
import { type Cluster, createCluster } from "./testing/cluster.ts";
import { createSolo } from "./testing/solo.ts";

function started(tuning: Readonly<Record<string, number>> = {}): Cluster {
  const cluster = createCluster({ size: 3, tuning });
  cluster.startAll();
  return cluster;
}

function isOf(kind: string): (record: JournalRecord) => boolean {
  return ({ record }) => decodeRecord(record)?.kind === kind;
}

describe("a restart", () => {
  test("remembers what was promised and accepted in each slot", () => {
    const cluster = started({ window: 2, batchBytesMax: 1, resendMs: 1e6 });
    cluster.control.passes = (_from, to, message) =>
      to === 1 && message.kind === "decree" && message.message.kind !== "accepted";
    cluster.propose(0, "a#1", "a#2");
    cluster.run(5);
    const before = [...cluster.node(1).state.instances].map(([slot, { acceptor }]) => {
      return { slot, acceptor: structuredClone(acceptor) };
    });
    expect(before.map(({ slot }) => slot)).toEqual([1, 2]);
    cluster.crash(1);
    cluster.start(1);
    for (const { slot, acceptor } of before)
      expect(cluster.node(1).state.instances.get(slot)?.acceptor).toEqual(acceptor);
  });

  test("never uses a ballot again", () => {
    const cluster = started({ resendMs: 1e6 });
    cluster.control.passes = () => false;
    cluster.propose(0, "a#1");
    cluster.run(5);
    cluster.crash(0);
    cluster.start(0);
    cluster.trace.length = 0;
    cluster.propose(0, "b#1");
    cluster.run(5);
    expect(cluster.trace).toContain("  0 -x 1 slot=1 prepare ballot=2.0");
  });

  test("delivers what is not in the snapshot, and that once", () => {
    const cluster = started({ retainBytes: 0 });
    for (const name of ["a#1", "a#2", "a#3"]) {
      cluster.propose(0, name);
      cluster.run(20);
      if (name === "a#2") cluster.compact(1);
    }
    cluster.crash(1, 9);
    cluster.trace.length = 0;
    cluster.start(1);
    cluster.run(100);
    expect(cluster.trace.filter((line) => line.startsWith("  1 delivers"))).toEqual([
      "  1 delivers 3: a#3",
    ]);
    expect(cluster.order()).toBe("a#1 a#2 a#3");
  });

  test("with decided values of which no mark was left asks for them", () => {
    const cluster = started();
    cluster.propose(0, "a#1");
    cluster.run(20);
    cluster.crash(2);
    cluster.start(2);
    cluster.run(100);
    expect(cluster.order()).toBe("a#1");
  });
});

describe("damage", () => {
  test("of a promise, or of an acceptance, still binds", () => {
    for (const kind of ["promised", "accepted"]) {
      const cluster = started({ resendMs: 1e6 });
      cluster.control.passes = (from, to) => from + to === 1;
      cluster.propose(0, "a#1");
      cluster.run(3.5);
      cluster.crash(1, 9);
      for (const record of cluster.records(1).filter(isOf(kind))) cluster.rot(1, record);
      cluster.start(1);
      const { acceptor } = cluster.node(1).state.instances.get(1) ?? {};
      expect(acceptor?.promised).toEqual(b(1, 0));
      expect(acceptor?.damaged).toBe(kind === "accepted");
      expect(cluster.node(1).state.voter).toBe(true);
    }
  });

  test("of the snapshot leaves slots that are compacted, in which it has no voice", () => {
    const cluster = started({ retainBytes: 0 });
    for (const name of ["a#1", "a#2"]) {
      cluster.propose(0, name);
      cluster.run(20);
    }
    cluster.compact(1);
    cluster.run(5);
    cluster.node(1).snapshot = { upTo: 0, delivered: [] };
    cluster.crash(1);
    cluster.control.passes = () => false;
    cluster.start(1);
    const { state } = cluster.node(1);
    expect([state.decidedUpTo, state.compactedUpTo]).toEqual([0, 2]);
    cluster.trace.length = 0;
    const prepare = { kind: "prepare", ballot: b(9, 2) } as const;
    const message = { kind: "decree", slot: 1, message: prepare } as const;
    cluster.input(1, { kind: "message", from: 2, message });
    cluster.propose(1, "b#1");
    cluster.run(1_000);
    expect(cluster.trace.filter((line) => /-[>x] .* slot=[12] /.test(line))).toEqual([]);
    expect([...state.instances.keys()].filter((slot) => slot <= 2)).toEqual([]);
    expect(cluster.trace.filter((line) => line.includes(" slot=3 prepare"))).not.toEqual([]);
  });

  test("of a decided value leaves a slot in which it has no voice, until it is told", () => {
    const cluster = started();
    cluster.propose(0, "a#1");
    cluster.run(20);
    cluster.compact(1);
    cluster.run(5);
    cluster.node(1).snapshot = { upTo: 0, delivered: [] };
    cluster.crash(1);
    for (const record of cluster.records(1).filter(isOf("learned"))) cluster.rot(1, record);
    cluster.control.passes = () => false;
    cluster.start(1);
    const { state } = cluster.node(1);
    expect([...state.lost]).toEqual([1]);
    cluster.trace.length = 0;
    const prepare = { kind: "prepare", ballot: b(9, 2) } as const;
    const message = { kind: "decree", slot: 1, message: prepare } as const;
    cluster.input(1, { kind: "message", from: 2, message });
    cluster.run(5);
    expect(cluster.trace.filter((line) => line.includes("promise"))).toEqual([]);
    cluster.crash(1);
    cluster.start(1);
    expect([...cluster.node(1).state.lost]).toEqual([1]);
    cluster.heal();
    cluster.run(1_000);
    expect(cluster.order()).toBe("a#1");
    expect(cluster.node(1).state.lost.size).toBe(0);
  });

  const NAMELESS: readonly (readonly [string, readonly About[] | "unnamed"])[] = [
    ["without a name", "unnamed"],
    ["of what is known by no ballot", [{ kind: "meta", log: 0, first: 0, last: 0 }]],
  ];

  test.each(NAMELESS)("%s costs the vote for good", (_name, missing) => {
    const solo = createSolo({ size: 1, voter: false });
    solo.state.phase = "recovering";
    const delivered = { log: 0, index: 0 };
    const image = bytes("");
    solo.input({ kind: "start", missing, delivered, image, incarnation: 2, voter: true });
    expect(solo.effects.map(({ kind }) => kind)).toContain(
      missing === "unnamed" ? "persist" : "checkpoint",
    );
    expect(solo.state).toMatchObject({ voter: false, impaired: true });
    solo.input({ kind: "admit" });
    expect(solo.state.voter).toBe(false);
  });
});

test("what is decided is believed of the ballot in which it was accepted here, of no other", () => {
  const solo = createSolo();
  solo.decree(1, 1, { kind: "accept", ballot: b(1, 1), value: bytes("") });
  solo.hear(2, { kind: "decided", slot: 1, ballot: b(2, 2) });
  expect(solo.delivered).toEqual([]);
  expect(solo.state.known).toEqual({ decidedUpTo: 1, from: 2 });
  solo.hear(1, { kind: "decided", slot: 1, ballot: b(1, 1) });
  expect(solo.delivered).toEqual(["1: "]);
});

test("a stop is the end: nothing is delivered after it, and nothing held any longer", () => {
  const cluster = started({ window: 2 });
  const command = {
    kind: "stop",
    client: "s",
    sequence: 1,
    acknowledged: 1,
    origin: 0,
    payload: bytes(""),
    footprint: { reads: [], writes: [] },
  } as const;
  cluster.input(0, { kind: "stop", command });
  cluster.propose(0, "a#1");
  cluster.run(100);
  expect(cluster.order()).toBe("s#1");
  expect(cluster.node(0).released).toContain("all never");
  cluster.propose(1, "b#1");
  expect(cluster.node(1).released).toContain("b#1 never");
  cluster.crash(2, 9);
  cluster.start(2);
  cluster.run(100);
  expect(cluster.order()).toBe("s#1");
  expect(cluster.node(2).state.stoppedAt).toBe(1);
});

test("an admitted member votes from then on", () => {
  const solo = createSolo({ voter: false });
  solo.input({ kind: "admit" });
  solo.decree(1, 1, { kind: "prepare", ballot: b(1, 1) });
  expect(solo.said()).toEqual(["1: slot=1 promise ballot=1.1 accepted=nothing"]);
});
