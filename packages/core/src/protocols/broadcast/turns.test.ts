import { describe, expect, test } from "vitest";
import { b, bytes } from "../paxos/testing/values.ts";
import { createCluster } from "./testing/cluster.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

describe("a member that hears another proposer", () => {
  test("lets it go first, and offers what waits", () => {
    const solo = createSolo();
    solo.decree(2, 1, { kind: "prepare", ballot: b(1, 2) });
    solo.propose("a#1");
    expect(solo.said()).toEqual(["2: offer value=a#1"]);
    solo.propose("a#2");
    expect(solo.said()).toEqual(["2: offer value=a#2"]);
  });

  test("proposes itself once that one is silent", () => {
    const solo = createSolo();
    solo.decree(2, 1, { kind: "prepare", ballot: b(1, 2) });
    solo.propose("a#1");
    solo.timeout("turn");
    expect(solo.said()).toEqual(["1,2: slot=1 prepare ballot=2.0"]);
  });

  test("proposes itself what a whole turn has passed over, however busy that one is", () => {
    const solo = createSolo();
    solo.decree(2, 1, { kind: "prepare", ballot: b(1, 2) });
    solo.propose("a#1");
    const decideAndGoOn = (slot: number): void => {
      solo.hear(2, { kind: "learn", first: slot, values: [bytes("")], decidedUpTo: slot });
      solo.decree(2, slot + 1, { kind: "prepare", ballot: b(1, 2) });
    };
    decideAndGoOn(1);
    solo.timeout("turn");
    expect(solo.said()).toEqual(["2: offer value=a#1"]);
    decideAndGoOn(2);
    solo.timeout("turn");
    expect(solo.said()).toEqual(["1,2: slot=3 prepare ballot=2.0"]);
  });

  test("does not take one that it has just refused for another at work", () => {
    const solo = createSolo({ self: 1 });
    solo.propose("a#1");
    solo.decree(0, 1, { kind: "prepare", ballot: b(1, 0) });
    expect(solo.said()).toEqual(["0: slot=1 nack refused=1.0 promised=1.1"]);
    expect(solo.state.atWork).toBeNull();
  });
});

describe("a member that is outbid", () => {
  /** Its ballot in slot 1 is outbid; how long it lets others go first then, ms. */
  function turnAfterNack(solo: Solo): number {
    const { attempt } = solo.state.instances.get(1)?.proposer ?? {};
    const refused = attempt?.ballot ?? b(0, 0);
    solo.decree(2, 1, { kind: "nack", refused, promised: b(refused.round + 1, 2) });
    const timer = solo.effects.find((effect) => effect.kind === "timer" && effect.name === "turn");
    const ms = timer?.kind === "timer" ? (timer.ms ?? 0) : 0;
    solo.timeout("turn");
    return ms;
  }

  const tuning = { yieldMs: 10, yieldMaxMs: 10_000 };

  test("waits twice as long with each turn that is cut short, up to a limit", () => {
    const solo = createSolo({ tuning });
    solo.propose("a#1");
    const waits = Array.from({ length: 60 }, () => turnAfterNack(solo));
    expect(Math.max(...waits.slice(0, 4))).toBeLessThanOrEqual(20 + 160);
    expect(Math.max(...waits.slice(10))).toBeGreaterThan(5_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_020);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(10);
  });

  test("is as patient in the next slot, and less so with each that it gets decided", () => {
    const solo = createSolo({ tuning });
    solo.propose("a#1");
    for (let times = 0; times < 5; times += 1) turnAfterNack(solo);
    expect(solo.state.outbid).toBe(5);
    solo.hear(2, { kind: "learn", first: 1, values: [bytes("")], decidedUpTo: 1 });
    expect(solo.state.outbid).toBe(5);
    solo.timeout("turn");
    const ballot = b(1, 0);
    solo.decree(1, 2, { kind: "promise", ballot, accepted: null });
    solo.decree(1, 2, { kind: "accepted", ballot });
    expect(solo.delivered).toEqual(["1: ", "2: a#1"]);
    expect(solo.state.outbid).toBe(4);
  });
});

describe("a slot that stays open", () => {
  test("is completed with what was accepted there, and the own batch goes to the next", () => {
    const solo = createSolo();
    solo.decree(2, 1, { kind: "accept", ballot: b(1, 2), value: bytes("") });
    solo.propose("a#1");
    solo.timeout("turn");
    expect(solo.said()).toEqual([
      "1,2: slot=1 prepare ballot=2.0",
      "1,2: slot=2 prepare ballot=1.0",
    ]);
    expect(solo.state.pending.map(({ slot }) => slot)).toEqual([2]);
  });

  test("is completed by whoever accepted there, although it has nothing to broadcast", () => {
    const cluster = createCluster({ size: 3 });
    cluster.startAll();
    cluster.control.passes = (_from, to, message) =>
      message.kind !== "decree" || message.message.kind !== "accept" || to === 1;
    cluster.propose(0, "a#1");
    cluster.run(2.5);
    cluster.crash(0);
    cluster.heal();
    cluster.run(3_000);
    expect(cluster.order()).toBe("a#1");
  });

  test("below one that is decided gets a no-op where nothing is accepted", () => {
    const cluster = createCluster({ size: 3, tuning: { window: 2, batchBytesMax: 1 } });
    cluster.startAll();
    cluster.control.passes = (_from, _to, message) =>
      message.kind !== "decree" || message.message.kind !== "accept" || message.slot === 2;
    cluster.propose(0, "a#1", "a#2");
    cluster.run(6);
    cluster.crash(0);
    cluster.heal();
    cluster.run(3_000);
    expect(cluster.order()).toBe("a#2");
    expect(cluster.history.delivered.get(1)?.commands).toBe("");
  });
});

describe("a member that may not propose", () => {
  test("offers what it holds to those who may, until it is delivered", () => {
    const cluster = createCluster({ size: 4, seed: 2 });
    cluster.node(3).voter = false;
    cluster.startAll();
    cluster.propose(3, "a#1");
    cluster.run(3_000);
    expect(cluster.order()).toBe("a#1");
    expect(cluster.counts.get("offer")).toBeGreaterThan(0);
  });

  test("neither accepts nor promises", () => {
    const solo = createSolo({ voter: false });
    solo.decree(1, 1, { kind: "prepare", ballot: b(1, 1) });
    expect(solo.said()).toEqual([]);
    solo.decree(1, 1, { kind: "accept", ballot: b(1, 1), value: bytes("") });
    expect(solo.said()).toEqual([]);
  });
});

test("what does not fit is released, and nothing that is here already counts twice", () => {
  const solo = createSolo({ tuning: { queueBytesMax: 80 } });
  solo.propose("a#1");
  solo.propose("a#1", "a#2", "a#3");
  expect(solo.state.pending).toHaveLength(2);
  expect(solo.effects).toContainEqual({
    kind: "release",
    requests: [{ client: "a", sequence: 3 }],
    outcome: "never",
  });
});
