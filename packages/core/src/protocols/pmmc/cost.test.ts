import { describe, expect, test } from "vitest";
import { createNet, type Net } from "./testing/net.ts";

/** The card's table of costs, measured. */

function cluster(size: number, tuning = {}): Net {
  const net = createNet({ roles: Array.from({ length: size }, () => []), tuning });
  net.startAll();
  net.lead(0);
  net.propose(0, "a#1");
  net.settle();
  return net;
}

/** Messages of these kinds that it takes until nothing is on its way. */
function messages(net: Net, act: () => void): Record<string, number> {
  const counts: Record<string, number> = {};
  act();
  net.settle(({ message }) => {
    counts[message.kind] = (counts[message.kind] ?? 0) + 1;
    return true;
  });
  return counts;
}

/** Leaves out what is zero. */
function expected(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

describe.each([1, 2, 3, 4, 5, 7])("%i members that hold all roles", (n) => {
  test("a batch at the leader's member", () => {
    const net = cluster(n);
    const counts = messages(net, () => net.propose(0, "b#1", "c#1"));
    expect(counts).toEqual(expected({ p2a: n - 1, p2b: n - 1, decision: n - 1 }));
    for (const { executed } of net.members) expect(executed.at(-1)).toBe("2: b#1+c#1");
  });

  test("a batch at another member", () => {
    if (n === 1) return;
    const net = cluster(n);
    const counts = messages(net, () => net.propose(1, "b#1"));
    expect(counts).toEqual({ propose: 1, p2a: n - 1, p2b: n - 1, decision: n - 1 });
  });

  test("a read by a quorum", () => {
    const net = cluster(n);
    const counts = messages(net, () => net.read(n - 1, 7, 8));
    expect(counts).toEqual(expected({ readQuery: n - 1, readReply: n - 1 }));
    expect([...net.member(n - 1).readable.keys()]).toEqual([7, 8]);
  });

  test("a read under a lease", () => {
    const net = cluster(n, { leaseMs: 1000 });
    net.timeout(0, "lease");
    net.settle();
    expect(messages(net, () => net.read(0, 7))).toEqual({});
    expect(net.member(0).readable.get(7)).toBe(1);
  });

  test("an adopted ballot", () => {
    const net = createNet({ roles: Array.from({ length: n }, () => []) });
    net.startAll();
    const counts = messages(net, () => net.timeout(0, "scout"));
    expect(counts).toEqual(expected({ p1a: n - 1, p1b: n - 1 }));
  });
});

test.each([
  [2, 2, 3],
  [3, 3, 5],
])("%i replicas, %i leaders and %i acceptors on members of their own", (r, l, a) => {
  const roles = [
    ...Array.from({ length: r }, () => ["replica"]),
    ...Array.from({ length: l }, () => ["leader"]),
    ...Array.from({ length: a }, () => ["acceptor"]),
  ];
  const net = createNet({ roles });
  net.startAll();
  net.lead(r);
  // Leaders that are not preempted yet keep proposals to themselves.
  const counts = messages(net, () => net.propose(0, "a#1"));
  expect(counts).toEqual({ propose: l, p2a: a, p2b: a, decision: r });
});
