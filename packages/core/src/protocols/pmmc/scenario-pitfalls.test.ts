import { formatBallot } from "@synod/core";
import { describe, expect, test } from "vitest";
import { APART, ballot, COLOCATED, p2a } from "./testing/make.ts";
import { createNet, type Net } from "./testing/net.ts";

/**
 * What is known to go wrong in implementations of the paper, one test each: pitfalls of the
 * reference code and of PMMC-Rust. The net checks every invariant of the paper after every step.
 */

function started(roles: readonly (readonly string[])[], tuning = {}): Net {
  const net = createNet({ roles, tuning });
  net.startAll();
  return net;
}

const all = (net: Net, ...ids: number[]) => ids.map((id) => net.member(id).executed);

test("1. pmax compares with the highest ballot so far, not with the first pvalue", () => {
  const acceptors = Array.from({ length: 5 }, () => ["acceptor"]);
  const net = started([["replica"], ["leader"], ["leader"], ...acceptors]);
  // In slot 1 ballot 6.2 has chosen b; before it, 1.1 and 4.1 had got one acceptor each.
  const accepts = (at: number, of: string, text: string): void =>
    net.input(at, { kind: "message", from: 1, message: p2a(of, 1, text) });
  accepts(3, "1.1", "a#1");
  accepts(5, "4.1", "c#1");
  for (const at of [4, 6, 7]) accepts(at, "6.2", "b#1");
  net.post.splice(0);
  // PMMC-Rust, told of 1, 6 and 4 in this order, takes 4: each is higher than the first.
  net.member(1).state.leader.seen = ballot("6.2");
  net.timeout(1, "scout");
  net.settle(({ to, from, message }) => {
    const other =
      message.kind.startsWith("p1") && ![3, 4, 5].some((id) => id === to || id === from);
    return !other;
  });
  expect(net.member(1).state.leader.active).not.toBeNull();
  expect(net.member(0).executed).toEqual(["1: b#1"]);
});

test("2. a scout is not satisfied by one answer, and an acceptor keeps the higher pvalue", () => {
  const net = started(APART);
  net.timeout(2, "scout");
  net.settle(({ to, from }) => (to === 4 || from === 4) && to !== 5 && to !== 6);
  expect(net.member(2).state.leader.active).toBeNull();
  net.settle();
  expect(net.member(2).state.leader.active).not.toBeNull();
});

test("3. every answer may come twice and late, and counts once", () => {
  const net = started(APART);
  net.timeout(2, "scout");
  net.propose(0, "a#1");
  const twice: Net["post"] = [];
  for (let count = 0; count < 200 && net.post.length > 0; count += 1) {
    const letter = net.post.shift();
    if (letter === undefined) break;
    const isAnswer = letter.message.kind === "p1b" || letter.message.kind === "p2b";
    if (isAnswer && letter.from !== 4) continue;
    net.arrive(letter);
    net.arrive(letter);
    if (isAnswer) twice.push(letter);
  }
  // Acceptor 4 alone was heard, ever so often: nothing is adopted by it.
  expect(twice.length).toBeGreaterThan(0);
  expect(net.member(2).state.leader.active).toBeNull();
});

test("4. news of a ballot that is not higher preempts nobody", () => {
  const net = started(APART);
  net.lead(2);
  const before = net.member(2).state.leader.active;
  net.input(2, {
    kind: "message",
    from: 3,
    message: { kind: "ping", ballot: { round: 1, proposer: 1 } },
  });
  net.settle();
  expect(net.member(2).state.leader.active).toEqual(before);
});

test("5. a command whose answer was lost is decided again, and sessions know", () => {
  const net = started(APART);
  net.lead(2);
  net.propose(0, "a#1");
  net.settle();
  net.propose(1, "a#1");
  net.settle();
  expect(all(net, 0, 1)).toEqual([
    ["1: a#1", "2: a#1"],
    ["1: a#1", "2: a#1"],
  ]);
});

describe("6. lost messages are said again:", () => {
  test.each(["p1a", "p1b", "propose", "p2a", "p2b", "decision"] as const)("%s", (kind) => {
    const net = started(APART);
    net.timeout(2, "scout");
    net.propose(0, "a#1");
    for (let round = 0; round < 10 && net.post.length > 0; round += 1) {
      net.settle(({ message }) => message.kind !== kind);
      for (let at = net.post.length - 1; at >= 0; at -= 1)
        if (net.post[at]?.message.kind === kind) net.post.splice(at, 1);
    }
    net.tick(["resend", "retry", "report"], 4);
    expect(all(net, 0, 1)).toEqual([["1: a#1"], ["1: a#1"]]);
  });
});

test("7. no ballot is used again after a restart, even one that nobody heard of", () => {
  const net = started(APART);
  net.timeout(2, "scout");
  net.post.splice(0);
  net.crash(2);
  net.start(2);
  net.settle();
  net.lead(2);
  expect(formatBallot(net.member(2).state.leader.ballot)).toBe("2.2");
});

test("8. after garbage collection a new leader commands only what is left", () => {
  const net = started(COLOCATED);
  net.lead(0);
  for (let n = 1; n <= 20; n += 1) {
    net.propose(0, `a#${n}`);
    net.settle();
  }
  for (const id of [0, 1, 2]) net.compact(id);
  net.settle();
  net.propose(0, "b#1");
  net.settle();
  net.crash(0);
  const reported: number[] = [];
  net.timeout(1, "scout");
  net.settle(({ message }) => {
    if (message.kind === "p1b") reported.push(message.pvalues.length);
    return true;
  });
  expect(Math.max(0, ...reported)).toBeLessThanOrEqual(1);
  expect(net.member(1).state.acceptor.accepted.size).toBeLessThanOrEqual(1);
});

test("9. a leader that knows nothing of a collected slot does not propose in it (RS1)", () => {
  const net = started(APART);
  net.lead(2);
  net.propose(0, "a#1");
  net.settle();
  for (const id of [0, 1]) net.compact(id);
  net.settle(({ to }) => to !== 3);
  net.post.splice(0);
  expect(net.member(4).state.acceptor.gcSlot).toBe(1);
  // Leader 3 was given another command for slot 1, and has heard of no decision.
  net.input(3, {
    kind: "message",
    from: 1,
    message: { kind: "propose", slot: 1, value: new Uint8Array(), passedOn: true, epochs: [] },
  });
  net.post.splice(0);
  net.timeout(3, "scout");
  const asked: number[] = [];
  net.settle(({ message }) => {
    if (message.kind === "p2a") asked.push(message.slot);
    return true;
  });
  expect(net.member(3).state.leader.active).not.toBeNull();
  expect(asked).toEqual([]);
});

test("12. a replica that was cut off does not answer reads from what it has", () => {
  const net = started(COLOCATED);
  net.lead(0);
  net.propose(0, "a#1");
  net.settle(({ to, from }) => to !== 2 && from !== 2);
  net.post.splice(0);
  expect(net.member(2).executed).toEqual([]);
  net.read(2, 7);
  net.settle();
  expect(net.member(2).readable.has(7)).toBe(false);
  net.tick(["report", "retry"], 3);
  expect(net.member(2).executed).toEqual(["1: a#1"]);
  expect(net.member(2).readable.get(7)).toBe(1);
});

test("duels: three leaders that all begin at once end up with one, by pings", () => {
  const net = started(APART.map((roles, id) => (id === 4 ? ["acceptor", "leader"] : roles)));
  for (const id of [2, 3, 4]) net.timeout(id, "scout");
  net.settle();
  const leading = [2, 3, 4].filter((id) => net.member(id).state.leader.active !== null);
  expect(leading).toHaveLength(1);
  const before = net.member(leading[0] as number).state.leader.ballot;
  net.tick(["ping"], 20);
  expect(net.member(leading[0] as number).state.leader.ballot).toEqual(before);
  net.propose(0, "a#1");
  net.settle();
  expect(net.member(1).executed).toEqual(["1: a#1"]);
});

test("the ping-pong of section 3: a preempted leader does not begin a ballot at once", () => {
  const net = started(APART);
  net.lead(2);
  net.lead(3);
  net.propose(0, "a#1");
  net.settle();
  expect(net.member(0).executed).toEqual(["1: a#1"]);
  expect(net.member(2).state.leader).toMatchObject({ active: null, scout: null });
  expect(net.member(2).timersSet()).toEqual(["ping", "scout"]);
  net.tick(["ping"], 5);
  expect(net.member(3).state.leader.active).not.toBeNull();
});

test("growth: what acceptors hold is bounded by what replicas have not made durable", () => {
  const net = started(COLOCATED, { retainBytes: 0 });
  net.lead(0);
  const most: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    for (let n = 1; n <= 10; n += 1) {
      net.propose(round % 3, `a#${10 * round + n}`);
      net.settle();
    }
    for (const id of [0, 1, 2]) net.compact(id);
    net.settle();
    const { acceptor, leader, replica } = net.member(1).state;
    most.push(acceptor.accepted.size, leader.proposals.size, replica?.decisions.size ?? 0);
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(1);
  expect(net.member(2).executed).toHaveLength(100);
});
