import { describe, expect, test } from "vitest";
import type { Accept } from "../paxos/messages.ts";
import { commandOf } from "../paxos/testing/model.ts";
import { b, bytes, textOf } from "../paxos/testing/values.ts";
import { type Cluster, createCluster } from "./testing/cluster.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

/**
 * Ten ways in which a total-order broadcast over Paxos has been got wrong, each with what must
 * happen instead.
 */
function started(size: number, seed = 1, tuning: Record<string, number> = {}): Cluster {
  const cluster = createCluster({ size, seed, tuning });
  cluster.startAll();
  return cluster;
}

/** The accept that the latest input made it send; null: none. */
function acceptOf(solo: Solo): Accept | null {
  for (const effect of solo.effects)
    if (effect.kind === "sendNow" && effect.message.kind === "decree")
      if (effect.message.message.kind === "accept") return effect.message.message;
  return null;
}

describe("TOB1: a vote counts once for its acceptor, however often it comes", () => {
  test("a lone proposer decides nothing with two of three acceptors dead", () => {
    const cluster = started(3);
    cluster.faults.duplicate = 1;
    cluster.crash(1);
    cluster.crash(2);
    cluster.propose(0, "a#1");
    cluster.run(5_000);
    expect(cluster.node(0).delivered).toEqual([]);
    cluster.startAll();
    cluster.run(5_000);
    expect(cluster.order()).toBe("a#1");
  });

  test("an acceptance that comes three times is one", () => {
    const solo = createSolo({ size: 5 });
    solo.propose("a#1");
    for (const from of [1, 2])
      solo.decree(from, 1, { kind: "promise", ballot: b(1, 0), accepted: null });
    for (const from of [1, 1, 1]) solo.decree(from, 1, { kind: "accepted", ballot: b(1, 0) });
    expect(solo.delivered).toEqual([]);
    solo.decree(2, 1, { kind: "accepted", ballot: b(1, 0) });
    expect(solo.delivered).toEqual(["1: a#1"]);
  });
});

test("TOB2: promises are counted for the ballot under way, and any quorum will do", () => {
  const solo = createSolo({ size: 5 });
  solo.propose("a#1");
  solo.decree(1, 1, { kind: "promise", ballot: b(1, 0), accepted: null });
  solo.decree(4, 1, { kind: "nack", refused: b(1, 0), promised: b(2, 4) });
  solo.timeout("turn");
  expect(solo.said()).toContain("1,2,3,4: slot=1 prepare ballot=3.0");
  // Of the ballot before: late, and worth nothing any more.
  solo.decree(3, 1, { kind: "promise", ballot: b(1, 0), accepted: null });
  solo.decree(2, 1, { kind: "promise", ballot: b(3, 0), accepted: null });
  expect(acceptOf(solo)).toBeNull();
  solo.decree(1, 1, { kind: "promise", ballot: b(3, 0), accepted: null });
  expect(acceptOf(solo)?.ballot).toEqual(b(3, 0));
});

test("TOB3: no ballot is ever used by two members, or twice by one", () => {
  const cluster = started(3, 3, { yieldMs: 3 });
  const users = new Map<string, string>();
  cluster.control.passes = (from, _to, message) => {
    if (message.kind !== "decree" || message.message.kind !== "prepare") return true;
    const { round, proposer } = message.message.ballot;
    const key = `${message.slot}: ${round}.${proposer}`;
    const { incarnation } = cluster.node(from);
    const user = `${from}, life ${incarnation}`;
    if ((users.get(key) ?? user) !== user) throw new Error(`ballot ${key} is used twice`);
    users.set(key, user);
    return cluster.now() % 3 > 1;
  };
  for (let n = 1; n <= 15; n += 1) {
    for (const id of cluster.members) cluster.propose(id, `m${id}#${n}`);
    cluster.run(7);
    const id = n % 3;
    cluster.crash(id);
    cluster.start(id);
  }
  expect(users.size).toBeGreaterThan(10);
});

describe("TOB4: the value of the highest ballot of all that is reported", () => {
  const ours = bytes("ours");
  const theirs = bytes("theirs");

  /** Has accepted in ballot 1.1 itself, then outbids it. */
  function proposer(): Solo {
    const solo = createSolo({ size: 5 });
    solo.propose("a#1");
    solo.decree(1, 1, { kind: "accept", ballot: b(1, 1), value: ours });
    solo.decree(1, 1, { kind: "nack", refused: b(1, 0), promised: b(1, 1) });
    solo.timeout("turn");
    return solo;
  }

  test("where it is above what the own acceptor holds", () => {
    const solo = proposer();
    const ballot = b(2, 0);
    solo.decree(3, 1, { kind: "promise", ballot, accepted: null });
    solo.decree(2, 1, {
      kind: "promise",
      ballot,
      accepted: { ballot: b(1, 2), value: theirs },
    });
    expect(textOf(acceptOf(solo)?.value)).toBe("theirs");
  });

  test("where it is what the own acceptor holds, too", () => {
    const solo = proposer();
    const ballot = b(2, 0);
    for (const from of [2, 3])
      solo.decree(from, 1, {
        kind: "promise",
        ballot,
        accepted: { ballot: b(1, 1), value: ours },
      });
    expect(textOf(acceptOf(solo)?.value)).toBe("ours");
  });
});

test("TOB5: to accept is to promise", () => {
  const solo = createSolo();
  solo.decree(2, 1, { kind: "accept", ballot: b(3, 2), value: bytes("x") });
  solo.decree(1, 1, { kind: "prepare", ballot: b(2, 1) });
  expect(solo.said()).toEqual(["1: slot=1 nack refused=2.1 promised=3.2"]);
  solo.decree(1, 1, { kind: "accept", ballot: b(2, 1), value: bytes("y") });
  expect(solo.said()).toEqual(["1: slot=1 nack refused=2.1 promised=3.2"]);
});

describe("TOB6: every message belongs to one instance", () => {
  test("acceptances of one slot decide no other one, although the ballots are equal", () => {
    const solo = createSolo({ tuning: { window: 2, batchBytesMax: 1 } });
    solo.propose("a#1", "a#2");
    for (const slot of [1, 2])
      solo.decree(1, slot, { kind: "promise", ballot: b(1, 0), accepted: null });
    solo.decree(1, 2, { kind: "accepted", ballot: b(1, 0) });
    expect([...solo.state.decided.keys()]).toEqual([2]);
    expect(solo.delivered).toEqual([]);
    solo.decree(1, 1, { kind: "accepted", ballot: b(1, 0) });
    expect(solo.delivered).toEqual(["1: a#1", "2: a#2"]);
  });

  test("messages of past instances change nothing in later ones", () => {
    const cluster = started(3, 5, { window: 1, batchBytesMax: 1 });
    cluster.faults.duplicate = 1;
    cluster.faults.delayMs = 40;
    for (let n = 1; n <= 10; n += 1) cluster.propose(n % 3, `m#${n}`);
    cluster.run(8_000);
    expect(cluster.order()?.split(" ").sort()).toEqual(
      Array.from({ length: 10 }, (_, n) => `m#${n + 1}`).sort(),
    );
  });
});

test("TOB7: who loses a slot proposes its own message again, not the winner's", () => {
  const solo = createSolo();
  solo.propose("mine#1");
  solo.hear(1, { kind: "learn", first: 1, values: [bytes("")], decidedUpTo: 1 });
  expect(solo.said()).toEqual(["1,2: slot=2 prepare ballot=1.0"]);
  solo.decree(1, 2, { kind: "promise", ballot: b(1, 0), accepted: null });
  solo.decree(1, 2, { kind: "accepted", ballot: b(1, 0) });
  expect(solo.delivered).toEqual(["1: ", "2: mine#1"]);
});

test("TOB7: of three that propose at once, each message is delivered once, everywhere", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const cluster = started(3, seed);
    for (const id of cluster.members) cluster.propose(id, `m${id}#1`);
    cluster.run(3_000);
    expect(cluster.order()?.split(" ").sort()).toEqual(["m0#1", "m1#1", "m2#1"]);
    expect(cluster.history.delivered.size).toBeLessThanOrEqual(3);
  }
});

test("TOB8: a member delivers what it has not broadcast, and holds nothing for it", () => {
  const cluster = started(3);
  cluster.propose(0, "a#1");
  cluster.run(50);
  for (const { delivered, state } of cluster.nodes) {
    expect(delivered).toEqual(["a#1"]);
    expect(state.pending).toEqual([]);
    expect(state.keys.size).toBe(0);
  }
});

describe("TOB9: what comes twice, or in a flood, stops nobody", () => {
  test("a slot that is decided again, by anybody's word", () => {
    const solo = createSolo();
    const learn = { kind: "learn", first: 1, values: [bytes("")], decidedUpTo: 1 } as const;
    solo.hear(1, learn);
    solo.hear(2, learn);
    solo.hear(2, { kind: "decided", slot: 1, ballot: b(4, 2) });
    solo.decree(1, 1, { kind: "accepted", ballot: b(1, 0) });
    expect(solo.delivered).toEqual(["1: "]);
    expect(solo.state.decidedUpTo).toBe(1);
  });

  test("two hundred messages at once from everybody", () => {
    const cluster = started(3);
    cluster.faults.duplicate = 0.5;
    for (const id of cluster.members)
      cluster.propose(id, ...Array.from({ length: 200 }, (_, n) => `m${id}#${n + 1}`));
    cluster.run(3_000);
    expect(cluster.order()?.split(" ")).toHaveLength(600);
  });
});

describe("TOB10: a message is its sender and its sequence", () => {
  test("equal payloads are two messages", () => {
    const cluster = started(3);
    const one = { ...commandOf("a#1"), payload: bytes("same") };
    cluster.input(0, { kind: "propose", commands: [one, { ...one, sequence: 2 }] });
    cluster.run(100);
    expect(cluster.order()).toBe("a#1 a#2");
  });

  test("a copy of it is the same message, and is proposed once", () => {
    const solo = createSolo();
    solo.propose("a#1");
    solo.input({ kind: "propose", commands: [{ ...commandOf("a#1") }] });
    expect(solo.state.pending).toHaveLength(1);
    expect(solo.said()).toEqual([]);
  });

  test("what the network has copied is known when it wins", () => {
    const cluster = started(2);
    cluster.propose(0, "a#1");
    cluster.run(100);
    expect(cluster.node(0).state.pending).toEqual([]);
    expect(cluster.history.delivered.size).toBe(1);
  });
});
