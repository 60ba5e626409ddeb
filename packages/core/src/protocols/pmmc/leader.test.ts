import { describe, expect, test } from "vitest";
import { ballot, p1a, p1b, p2b, propose, pvalue } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

const ROLES = [["leader"], ["leader"], ["replica"], ["acceptor"], ["acceptor"], ["acceptor"]];

/** Leader 0; another leader 1, a replica 2, acceptors 3 to 5. */
function solo(options: Parameters<typeof createSolo>[0] = {}): Solo {
  return createSolo({ size: 6, roles: ROLES, ...options });
}

const ping = (of: string) => ({ kind: "ping", ballot: ballot(of) }) as const;
const pong = (of: string) => ({ kind: "pong", ballot: ballot(of) }) as const;

describe("proposals", () => {
  test("a passive leader keeps them, and commands them once its ballot is adopted", () => {
    const leader = solo();
    expect(leader.message(2, propose(1, "a#1"))).toEqual([]);
    expect(leader.lead().slice(-1)).toEqual([
      "sendNow 3,4,5: p2a ballot=1.0 slot=1 epoch=0 value=a#1",
    ]);
  });

  test("of two for one slot the first counts", () => {
    const leader = solo();
    leader.lead();
    leader.message(2, propose(1, "a#1"));
    expect(leader.message(2, propose(1, "b#1"))).toEqual([]);
  });

  test("what acceptors report takes the place of what was proposed, and only that", () => {
    const leader = solo();
    for (const [slot, name] of [
      [1, "a#1"],
      [3, "c#1"],
    ] as const)
      leader.message(2, propose(slot, name));
    leader.timeout("scout");
    leader.message(3, p1b("1.0", [pvalue("0.1", 1, "x#1"), pvalue("0.1", 2, "y#1")]));
    expect(leader.message(4, p1b("1.0", [pvalue("0.2", 2, "z#1")]))).toEqual([
      "sendNow 3,4,5: p2a ballot=1.0 slot=1 epoch=0 value=x#1",
      "sendNow 3,4,5: p2a ballot=1.0 slot=2 epoch=0 value=z#1",
      "sendNow 3,4,5: p2a ballot=1.0 slot=3 epoch=0 value=c#1",
    ]);
  });

  test("one for a decided slot is answered with the decision", () => {
    const leader = solo();
    leader.lead();
    leader.message(2, propose(1, "a#1"));
    leader.message(3, p2b("1.0", 1));
    leader.message(4, p2b("1.0", 1));
    expect(leader.message(2, propose(1, "b#1"))).toEqual([
      "sendNow 2: decision slot=1 ballot=0.0 value=a#1",
    ]);
  });

  test("a leader that waits for another one passes them on, once", () => {
    const leader = solo();
    leader.message(1, ping("1.1"));
    expect(leader.message(2, propose(1, "a#1"))).toEqual([
      "sendNow 1: propose slot=1 value=a#1 passedOn=true",
    ]);
    expect(leader.message(2, propose(2, "b#1", true))).toEqual([]);
  });

  test("old slots are recovered a few at a time", () => {
    const leader = solo({ tuning: { commandersMax: 2 } });
    leader.timeout("scout");
    leader.message(
      3,
      p1b(
        "1.0",
        [1, 2, 3].map((slot) => pvalue("0.1", slot, `s#${slot}`)),
      ),
    );
    expect(leader.message(4, p1b("1.0"))).toHaveLength(2);
    leader.message(3, p2b("1.0", 2));
    expect(leader.message(5, p2b("1.0", 2)).slice(-1)).toEqual([
      "sendNow 3,4,5: p2a ballot=1.0 slot=3 epoch=0 value=s#3",
    ]);
  });
});

describe("preemption", () => {
  test("does not begin a higher ballot while the other leader answers", () => {
    const leader = solo();
    leader.lead();
    leader.message(3, p2b("1.0", 1, "7.1"));
    expect(leader.timers.has("resend")).toBe(false);
    expect(leader.timeout("ping")).toEqual(["sendNow 1: ping ballot=7.1"]);
    const waited = leader.timers.get("scout");
    leader.timers.set("scout", 1);
    leader.message(1, pong("7.1"));
    expect(leader.timers.get("scout")).toBeGreaterThanOrEqual(600);
    expect(waited).toBeGreaterThanOrEqual(600);
    // Only its owner can answer for a ballot.
    leader.timers.set("scout", 1);
    leader.message(4, pong("7.1"));
    expect(leader.timers.get("scout")).toBe(1);
    expect(leader.timeout("scout")[0]).toBe("persist ballot 8.0");
  });

  test("by a ballot that is not higher is none", () => {
    const leader = solo();
    leader.lead();
    leader.message(3, p2b("0.9", 1, "0.9"));
    leader.message(3, p1b("1.0"));
    expect(leader.state.leader.active).not.toBeNull();
  });

  test("a colocated acceptor that adopts a higher ballot tells its leader at once", () => {
    const leader = createSolo();
    leader.lead();
    leader.message(2, p1a("5.2"));
    expect(leader.state.leader.active).toBeNull();
    expect(leader.timeout("ping")).toEqual(["sendNow 2: ping ballot=5.2"]);
  });

  test("a leader that gets nowhere does not keep others waiting", () => {
    const leader = solo();
    leader.lead();
    leader.message(2, propose(1, "a#1"));
    expect(leader.message(1, ping("1.0"))).toEqual(["sendNow 1: pong ballot=1.0"]);
    for (let round = 0; round < 3; round += 1) leader.timeout("resend");
    expect(leader.message(1, ping("1.0"))).toEqual([]);
    leader.message(3, p2b("1.0", 1));
    leader.message(4, p2b("1.0", 1));
    expect(leader.message(1, ping("1.0"))).toEqual(["sendNow 1: pong ballot=1.0"]);
  });

  test("a passive leader names the one that it waits for itself", () => {
    const leader = solo();
    leader.message(3, ping("9.1"));
    expect(leader.message(3, ping("2.0"))).toEqual(["sendNow 3: pong ballot=9.1"]);
    expect(leader.message(1, ping("2.0"))).toEqual([]);
  });
});

test("the wait grows by a factor with preemptions and falls by a constant with decisions", () => {
  const leader = solo({ tuning: { timeoutMs: 100, timeoutGrowth: 150, timeoutStepMs: 20 } });
  const waits: number[] = [];
  for (const by of ["2.1", "4.1", "6.1"]) {
    leader.timeout("scout");
    leader.message(3, p1b(by));
    waits.push(leader.state.leader.timeoutMs);
  }
  expect(waits).toEqual([150, 225, 337.5]);
  leader.lead();
  for (let slot = 1; slot <= 20; slot += 1) {
    leader.message(2, propose(slot, `a#${slot}`));
    leader.message(3, p2b("7.0", slot));
    leader.message(4, p2b("7.0", slot));
    waits.push(leader.state.leader.timeoutMs);
  }
  expect(waits.slice(3, 5)).toEqual([297.5, 277.5]);
  expect(waits.at(-1)).toBe(100);
});

describe("ballots", () => {
  test("of different leaders never collide, whatever they have seen", () => {
    const first = solo();
    const second = solo({ self: 1 });
    expect(first.timeout("scout")[0]).toBe("persist ballot 1.0");
    expect(second.timeout("scout")[0]).toBe("persist ballot 1.1");
    first.message(3, p1b("1.1"));
    expect(first.timeout("scout")[0]).toBe("persist ballot 2.0");
  });

  test("are not used again after a restart, heard of or not", () => {
    const leader = solo({ records: [{ kind: "ballot", ballot: ballot("4.0") }] });
    leader.timeout("scout");
    expect(leader.state.leader.ballot).toEqual(ballot("5.0"));
  });
});

test("whoever may not vote does not lead", () => {
  const leader = solo({ voter: false });
  expect(leader.timers.has("scout")).toBe(false);
  expect(leader.input({ kind: "timeout", name: "scout" })).toEqual([]);
});

test("alone it leads at once, and decides by its own disk", () => {
  const alone = createSolo({ size: 1 });
  expect(alone.timers.get("scout")).toBe(0);
  alone.lead();
  expect(alone.propose("a#1")).toEqual([
    "persist accepted 1.0 1:a#1",
    "send 0: p2b commander=1.0 ballot=1.0 slot=1 gcSlot=0",
  ]);
  expect(alone.durable()).toEqual(["note decided 1 in 1.0", "deliver 1: a#1"]);
});
