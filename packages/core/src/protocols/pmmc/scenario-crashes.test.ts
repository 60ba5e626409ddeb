import { describe, expect, test } from "vitest";
import { configure } from "./testing/make.ts";
import { createNet, type Net } from "./testing/net.ts";

/** Three replicas, three leaders, five acceptors, each on a member of its own: f = 2. */
const ROLES = [
  ...Array.from({ length: 3 }, () => ["replica"]),
  ...Array.from({ length: 3 }, () => ["leader"]),
  ...Array.from({ length: 5 }, () => ["acceptor"]),
];

function started(): Net {
  const net = createNet({ roles: ROLES });
  net.startAll();
  net.lead(3);
  return net;
}

test("two of five acceptors, two of three leaders and two of three replicas may crash", () => {
  const net = started();
  net.propose(0, "a#1");
  net.settle();
  for (const id of [0, 1, 3, 4, 6, 9]) net.crash(id);
  net.propose(2, "b#1");
  net.settle();
  expect(net.member(2).executed).toEqual(["1: a#1"]);
  net.timeout(5, "scout");
  net.settle();
  net.tick(["retry", "resend"], 2);
  expect(net.member(2).executed).toEqual(["1: a#1", "2: b#1"]);
});

test("with three of five acceptors down nothing is decided until one is back", () => {
  const net = started();
  for (const id of [6, 7, 8]) net.crash(id);
  net.propose(0, "a#1");
  net.settle();
  net.tick(["retry", "resend"], 3);
  expect(net.member(0).executed).toEqual([]);
  net.start(7);
  net.settle();
  net.tick(["retry", "resend"], 3);
  expect(net.member(0).executed).toEqual(["1: a#1"]);
});

test.each([
  ["what all leaders had heard of is decided", [3, 4, 5], ["1: a#1", "2: b#1"]],
  [
    "what only a dead leader had heard of leaves a gap, which gets a no-op",
    [3],
    ["1: -", "2: b#1"],
  ],
] as const)("what a leader left half done, the next one ends: %s", (_, heard, executed) => {
  const net = started();
  net.propose(0, "a#1");
  net.settle(({ to, message }) => {
    if (message.kind === "propose") return heard.some((id) => id === to);
    return message.kind !== "p2a";
  });
  net.post.splice(0);
  // Slot 2 is accepted by one acceptor.
  net.propose(0, "b#1");
  net.settle(({ to, message }) => message.kind !== "p2a" || to === 6);
  net.post.splice(0);
  for (const id of [0, 3]) net.crash(id);
  net.timeout(4, "scout");
  net.settle();
  net.tick(["retry", "resend"], 3);
  expect(net.member(1).executed).toEqual(executed);
  expect(net.member(2).executed).toEqual(executed);
});

test("all at once lose their power, and nothing that was executed is gone", () => {
  const net = started();
  for (let n = 1; n <= 5; n += 1) {
    net.propose(n % 3, `a#${n}`);
    net.settle();
  }
  const before = net.member(0).executed;
  expect(before).toHaveLength(5);
  const ids = ROLES.map((_, id) => id);
  for (const id of ids) net.crash(id);
  // Replicas noted their decisions, which a crash may take.
  for (const id of [0, 1, 2]) net.member(id).records = [];
  for (const id of ids) net.start(id);
  net.settle();
  net.timeout(5, "scout");
  net.settle();
  net.tick(["retry", "resend", "report"], 3);
  expect(net.member(1).executed).toEqual(before);
});

describe("reconfiguration", () => {
  /** Replica 0; leaders 1 and 2; acceptors 3 to 5; members 6 to 8 are nothing yet. */
  const roles = [
    ["replica"],
    ["leader"],
    ["leader"],
    ["acceptor"],
    ["acceptor"],
    ["acceptor"],
    ["spare"],
    ["spare"],
    ["spare"],
  ];
  const WINDOW = 3;

  function net(): Net {
    const made = createNet({ roles, tuning: { window: WINDOW } });
    made.startAll();
    made.lead(1);
    return made;
  }

  test("moves to other leaders and acceptors, and the old ones may go", () => {
    const made = net();
    made.order(0, configure(1, [2], [6, 7, 8]));
    made.settle();
    for (let n = 1; n < WINDOW; n += 1) {
      made.propose(0, `a#${n}`);
      made.settle();
    }
    expect(made.member(0).executed).toHaveLength(WINDOW);
    // Until replicas hold the slots of the old epoch durably, its acceptors are still needed.
    made.compact(0);
    made.settle();
    for (const id of [1, 3, 4, 5]) made.crash(id);
    made.propose(0, "b#1");
    made.settle();
    made.timeout(2, "scout");
    made.settle();
    made.tick(["retry", "resend"], 3);
    expect(made.member(0).executed.at(-1)).toBe(`${WINDOW + 1}: b#1`);
    expect(made.member(7).state.acceptor.accepted.size).toBe(1);
  });

  test("an active leader of both epochs goes on in its ballot", () => {
    const made = net();
    made.order(0, configure(1, [1], [5, 6, 7]));
    made.settle();
    for (let n = 1; n <= 6; n += 1) {
      made.propose(0, `a#${n}`);
      made.settle();
    }
    expect(made.member(0).executed).toHaveLength(7);
    expect(made.member(1).state.leader.ballot.round).toBe(1);
    expect([...made.member(6).state.acceptor.accepted.keys()]).toEqual([4, 5, 6, 7]);
    expect([...made.member(3).state.acceptor.accepted.keys()]).toEqual([1, 2, 3]);
  });

  test("an old majority that knows nothing of it decides nothing in the new epoch", () => {
    const made = net();
    made.order(0, configure(1, [1], [5, 6, 7]));
    made.settle();
    for (const name of ["a#1", "a#2", "a#3"]) {
      made.propose(0, name);
      made.settle();
    }
    // Leader 2 has heard of no epoch but the first; acceptor 5 is in both.
    made.member(2).state.epochs = made.member(2).state.epochs.slice(0, 1);
    made.timeout(2, "scout");
    const asked: number[] = [];
    made.settle(({ message, from }) => {
      if (message.kind === "p2a" && from === 2) asked.push(message.slot);
      return true;
    });
    expect(made.member(2).state.leader.active).not.toBeNull();
    expect(asked.filter((slot) => slot > WINDOW)).toEqual([]);
  });

  test("a replica that begins with a snapshot knows the epochs of what follows", () => {
    const two = createNet({
      roles: [["replica"], ["replica"], ["leader"], ["acceptor"], ["spare"]],
      tuning: { window: WINDOW, retainBytes: 0 },
    });
    for (const id of [0, 2, 3, 4]) two.start(id);
    two.settle();
    two.lead(2);
    two.order(0, configure(1, [2], [4]));
    two.settle();
    for (const name of ["a#1", "a#2", "a#3", "a#4"]) {
      two.propose(0, name);
      two.settle();
    }
    two.order(0, { ...configure(9, [2], [4]), kind: "barrier" });
    two.settle();
    const barrier = two.member(0).executed.length;
    two.compact(0, two.member(0).images.get(barrier));
    two.settle();
    two.start(1);
    two.settle();
    two.install(1, 0);
    expect(two.member(1).state.epochs.map(({ number }) => number)).toEqual([1]);
    two.propose(1, "b#1");
    two.settle();
    expect(two.member(1).executed.at(-1)).toBe(`${barrier + 1}: b#1`);
  });
});
