import { describe, expect, test } from "vitest";
import { APART, configure, decision, p1a, p1b, p2a, p2b, propose, pvalue } from "./testing/make.ts";
import { createNet } from "./testing/net.ts";
import { createSolo } from "./testing/solo.ts";

/**
 * Van Renesse and Altinbuken, "Paxos Made Moderately Complex": the pseudo-code of its figures, line
 * by line, and the examples of its text.
 */

/** A replica, a leader, three acceptors: no crash is survived, so every message is needed. */
const FEW = [["replica"], ["leader"], ["acceptor"], ["acceptor"], ["acceptor"]];

describe("figure 1, a replica", () => {
  test("propose(): while slot_in < slot_out + WINDOW, a request goes to slot_in", () => {
    const replica = createSolo({ size: 5, roles: FEW, tuning: { window: 5 } });
    for (let n = 1; n <= 9; n += 1) replica.propose(`a#${n}`);
    expect(replica.state.replica?.slotIn).toBe(6);
    expect([...(replica.state.replica?.proposals.keys() ?? [])]).toEqual([1, 2, 3, 4, 5]);
    expect(replica.state.replica?.requests).toHaveLength(4);
  });

  test("⟨decision, s, c⟩ for the slot of another proposal: c goes back to requests", () => {
    const replica = createSolo({ size: 5, roles: FEW });
    replica.propose("a#1");
    replica.propose("a#2");
    replica.message(1, decision(2, "1.1", "x#1"));
    // Slot 2 is not executed yet, so nothing is put back.
    expect(replica.state.replica?.proposals.size).toBe(2);
    expect(replica.message(1, decision(1, "1.1", "a#1")).slice(-1)).toEqual([
      "sendNow 1: propose slot=3 value=a#2 passedOn=false",
    ]);
  });

  test("perform(): a reconfiguration is executed by no state machine, and takes its slot", () => {
    const replica = createSolo({ size: 5, roles: FEW, tuning: { window: 5 } });
    const net = createNet({ roles: FEW, tuning: { window: 5 } });
    net.startAll();
    net.lead(1);
    net.order(0, configure(1, [1], [2, 3]));
    net.propose(0, "a#1");
    net.settle();
    expect(net.member(0).executed).toEqual(["1: config#1", "2: a#1"]);
    expect(net.member(0).state.epochs[1]).toMatchObject({ number: 1, first: 6 });
    expect(replica.state.epochs).toHaveLength(1);
  });
});

describe("figure 4, an acceptor", () => {
  test("p1a: b > ballot_num is adopted; the answer is ballot_num and accepted in any case", () => {
    const acceptor = createSolo({ self: 2, size: 5, roles: FEW });
    acceptor.message(1, p2a("1.1", 1, "a#1"));
    expect(acceptor.message(1, p1a("2.1")).at(-1)).toMatch(/ballot=2.1 .*\[1:1.1:a#1\]/);
    expect(acceptor.message(1, p1a("1.1")).at(-1)).toMatch(/ballot=2.1 .*\[1:1.1:a#1\]/);
  });

  test("p2a: ⟨b, s, c⟩ is accepted if b = ballot_num; the answer is ballot_num", () => {
    const acceptor = createSolo({ self: 2, size: 5, roles: FEW });
    acceptor.message(1, p1a("2.1"));
    expect(acceptor.message(1, p2a("1.1", 1, "a#1"))).toEqual([
      "send 1: p2b commander=1.1 ballot=2.1 slot=1 gcSlot=0",
    ]);
    expect(acceptor.message(1, p2a("2.1", 1, "a#1"))).toEqual([
      "persist accepted 2.1 1:a#1",
      "send 1: p2b commander=2.1 ballot=2.1 slot=1 gcSlot=0",
    ]);
  });
});

test("figure 6, scout and commander: waitfor shrinks below half, each acceptor once", () => {
  const leader = createSolo({ self: 1, size: 5, roles: FEW });
  leader.timeout("scout");
  leader.message(2, p1b("1.1"));
  expect(leader.state.leader.active).toBeNull();
  leader.message(3, p1b("1.1"));
  expect(leader.state.leader.active).not.toBeNull();
  leader.message(0, propose(1, "a#1"));
  leader.message(4, p2b("1.1", 1));
  expect(leader.message(2, p2b("1.1", 1))).toEqual([
    "sendNow 0: decision slot=1 ballot=1.1 value=a#1",
  ]);
});

describe("figure 7, a leader", () => {
  test("proposals ◁ pmax(pvals): y's entries, and x's for the slots that y lacks", () => {
    const leader = createSolo({ self: 1, size: 5, roles: FEW });
    for (const [slot, name] of [
      [1, "x#1"],
      [2, "x#2"],
    ] as const)
      leader.message(0, propose(slot, name));
    leader.timeout("scout");
    leader.message(2, p1b("1.1", [pvalue("0.3", 2, "low#1"), pvalue("0.5", 3, "y#3")]));
    leader.message(3, p1b("1.1", [pvalue("0.4", 2, "y#2")]));
    const carried = [...leader.state.leader.commanders.values()].map(({ slot, value }) => [
      slot,
      new TextDecoder().decode(value).includes("x"),
    ]);
    expect(carried).toEqual([
      [1, true],
      [2, false],
      [3, false],
    ]);
  });

  test("⟨preempted, (r′, λ′)⟩: passive, then ballot_num = (r′ + 1, self)", () => {
    const leader = createSolo({ self: 1, size: 5, roles: FEW });
    leader.lead();
    leader.message(2, p2b("1.1", 1, "6.9"));
    expect(leader.state.leader.active).toBeNull();
    expect(leader.timeout("scout")[0]).toBe("persist ballot 7.1");
  });
});

test("section 2.1: of two that propose for one slot the loser gets the next one", () => {
  const net = createNet({
    roles: [["replica"], ["replica"], ["leader"], ["acceptor"], ["acceptor"], ["acceptor"]],
  });
  net.startAll();
  net.lead(2);
  net.propose(0, "a#1");
  net.propose(1, "b#1");
  net.settle();
  expect(net.member(0).executed).toEqual(["1: a#1", "2: b#1"]);
  expect(net.member(1).executed).toEqual(net.member(0).executed);
});

test("section 3: f crashes with f + 1 replicas, f + 1 leaders and 2f + 1 acceptors", () => {
  const net = createNet({ roles: APART });
  net.startAll();
  net.lead(2);
  net.propose(0, "a#1");
  net.settle();
  for (const id of [0, 2, 5]) net.crash(id);
  net.timeout(3, "scout");
  net.propose(1, "b#1");
  net.settle();
  net.tick(["retry", "resend"], 2);
  expect(net.member(1).executed).toEqual(["1: a#1", "2: b#1"]);
});
