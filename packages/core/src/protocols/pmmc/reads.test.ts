import { describe, expect, test } from "vitest";
import { ballot, batch, configure, decision, p2a, propose } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

const ROLES = [["replica"], ["leader"], ["acceptor"], ["acceptor"], ["acceptor"]];

function solo(): Solo {
  return createSolo({ size: 5, roles: ROLES });
}

const reply = (number: number, slot: number, incarnation = 1) =>
  ({ kind: "readReply", incarnation, number, slot }) as const;

describe("quorum form", () => {
  test("asks the acceptors, and waits for the highest slot of a majority", () => {
    const reader = solo();
    expect(reader.read(41)).toEqual(["sendNow 2,3,4: readQuery incarnation=1 number=1"]);
    expect(reader.message(2, reply(1, 1))).toEqual([]);
    expect(reader.message(2, reply(1, 1))).toEqual([]);
    expect(reader.message(4, reply(1, 2))).toEqual([]);
    reader.message(1, decision(1, "1.1", "a#1"));
    expect(reader.message(1, decision(2, "1.1", "b#1")).at(-1)).toBe("readable 41 at 2");
  });

  test("with nothing accepted it is served at once", () => {
    const reader = solo();
    reader.read(1);
    reader.message(2, reply(1, 0));
    expect(reader.message(3, reply(1, 0))).toEqual(["readable 1 at 0"]);
  });

  test("undecided slots that it waits for get no-ops", () => {
    const reader = solo();
    reader.read(1);
    reader.message(2, reply(1, 2));
    reader.message(3, reply(1, 0));
    reader.timeout("retry");
    expect(reader.timeout("retry")).toEqual([
      "sendNow 1: propose slot=1 value=- passedOn=false",
      "sendNow 1: propose slot=2 value=- passedOn=false",
    ]);
  });

  test("answers to an earlier attempt or incarnation count for nothing", () => {
    const reader = solo();
    reader.read(1);
    reader.message(2, reply(1, 0, 9));
    reader.message(3, reply(2, 0));
    expect(reader.message(4, reply(1, 0))).toEqual([]);
    expect(reader.timeout("retry")).toEqual(["sendNow 2,3: readQuery incarnation=1 number=1"]);
  });

  test("reads that come while two rounds are under way share the next one", () => {
    const reader = solo();
    reader.read(1);
    reader.read(2);
    expect(reader.read(3)).toEqual([]);
    expect(reader.read(4)).toEqual([]);
    reader.message(2, reply(1, 0));
    expect(reader.message(3, reply(1, 0))).toEqual([
      "readable 1 at 0",
      "sendNow 2,3,4: readQuery incarnation=1 number=3",
    ]);
    reader.message(2, reply(3, 0));
    expect(reader.message(4, reply(3, 0))).toEqual(["readable 3,4 at 0"]);
  });

  test("one that ran into a new epoch asks the new acceptors before it is served", () => {
    const roles = [["replica"], ["leader"], ["acceptor"], [], []];
    const reader = createSolo({ size: 5, roles, tuning: { window: 2 } });
    reader.read(1);
    reader.message(2, reply(1, 1));
    reader.message(4, reply(1, 1));
    const value = batch([configure(1, [1], [3])]);
    const lines = reader.message(1, { kind: "decision", slot: 1, ballot: ballot("1.1"), value });
    expect(lines.filter((line) => /readable|readQuery/.test(line))).toEqual([
      "sendNow 2,3,4: readQuery incarnation=1 number=2",
    ]);
    reader.message(2, reply(2, 1));
    expect(reader.message(4, reply(2, 1))).toEqual([]);
    expect(reader.message(3, reply(2, 1))).toEqual(["readable 1 at 1"]);
  });
});

describe("lease form", () => {
  /** Leader and replica 0 with acceptors 1 to 3, a lease of 100 ms less a tenth. */
  function leased(): Solo {
    const roles = [["replica", "leader"], ["acceptor"], ["acceptor"], ["acceptor"]];
    const tuning = { leaseMs: 100, driftPerMille: 100 };
    const leader = createSolo({ size: 4, roles, tuning, now: 1000 });
    leader.lead();
    expect(leader.timeout("lease")).toEqual(["sendNow 1,2,3: renew ballot=1.0 round=1"]);
    leader.clock.now = 1040;
    return leader;
  }

  const grant = (round: number, of = "1.0") =>
    ({ kind: "grant", ballot: ballot(of), round }) as const;

  test("a majority grants it, from when it was asked for, less the drift", () => {
    const leader = leased();
    leader.message(1, grant(1));
    expect(leader.read(1)).toEqual(["sendNow 1,2,3: readQuery incarnation=1 number=1"]);
    leader.message(2, grant(1));
    expect(leader.read(2)).toEqual(["readable 2 at 0 until 1090"]);
    leader.clock.now = 1090;
    expect(leader.read(3)).toEqual(["sendNow 1,2,3: readQuery incarnation=1 number=3"]);
  });

  test("waits for every slot that was commanded", () => {
    const leader = leased();
    for (const from of [1, 2]) leader.message(from, grant(1));
    leader.message(1, propose(1, "a#1"));
    expect(leader.read(1)).toEqual([]);
    for (const from of [1, 2])
      leader.message(from, {
        kind: "p2b",
        commander: ballot("1.0"),
        ballot: ballot("1.0"),
        slot: 1,
        gcSlot: 0,
      });
    expect(leader.state.replica?.slotOut).toBe(2);
  });

  test("is asked for rarely by a leader that hears no grant: others may lead in between", () => {
    const leader = leased();
    const pauses: (number | undefined)[] = [];
    for (let round = 2; round <= 8; round += 1) {
      leader.timeout("lease");
      pauses.push(leader.timers.get("lease"));
    }
    expect(pauses).toEqual([33, 33, 33, 33, 33, 400, 400]);
    for (const from of [1, 2]) leader.message(from, grant(8));
    leader.timeout("lease");
    expect(leader.timers.get("lease")).toBe(33);
  });

  test("is lost with the ballot", () => {
    const leader = leased();
    for (const from of [1, 2]) leader.message(from, grant(1));
    leader.message(1, { kind: "ping", ballot: ballot("5.9") });
    leader.message(3, grant(1));
    expect(leader.read(1)).toEqual(["sendNow 1,2,3: readQuery incarnation=1 number=1"]);
  });

  test("grants in another ballot, or of one acceptor twice, make none", () => {
    const leader = leased();
    leader.message(1, grant(1));
    leader.message(1, grant(2));
    leader.message(2, grant(1, "1.9"));
    expect(leader.state.leader.lease.until).toBe(0);
  });
});

test("a member without a state machine reads nothing", () => {
  const acceptor = createSolo({ self: 2, size: 5, roles: ROLES });
  expect(acceptor.read(1)).toEqual([]);
  acceptor.message(1, p2a("1.1", 1, "a#1"));
  expect(acceptor.propose("a#1")).toEqual(["release never a#1"]);
});
