import { describe, expect, test } from "vitest";
import { command, decision, p2a, value } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

const ROLES = [["replica"], ["replica"], ["leader"], ["leader"], ["acceptor"]];

/** Replica 0 of 0 and 1; leaders 2 and 3. */
function solo(options: Parameters<typeof createSolo>[0] = {}): Solo {
  return createSolo({ size: 5, roles: ROLES, ...options });
}

describe("proposing", () => {
  test("gives each request the next slot, and tells all leaders", () => {
    const replica = solo();
    expect(replica.propose("a#1")).toEqual([
      "sendNow 2,3: propose slot=1 value=a#1 passedOn=false",
    ]);
    expect(replica.propose("a#2")).toEqual([
      "sendNow 2,3: propose slot=2 value=a#2 passedOn=false",
    ]);
  });

  test("with a leader of its own it tells that one alone", () => {
    const colocated = createSolo();
    colocated.lead();
    expect(colocated.propose("a#1")).toEqual([
      "sendNow 1,2: p2a ballot=1.0 slot=1 epoch=0 value=a#1",
      "persist accepted 1.0 1:a#1",
      "send 0: p2b commander=1.0 ballot=1.0 slot=1 gcSlot=0",
    ]);
  });

  test("stays within WINDOW, then joins what has gathered", () => {
    const replica = solo({ tuning: { window: 2 } });
    for (const name of ["a#1", "a#2", "a#3", "a#4"]) replica.propose(name);
    expect(replica.state.replica?.slotIn).toBe(3);
    expect(replica.message(2, decision(1, "1.2", "a#1"))).toEqual([
      "note learned 1:a#1",
      "deliver 1: a#1",
      "sendNow 2,3: propose slot=3 value=a#3+a#4 passedOn=false",
    ]);
  });

  test("passes over slots that are decided", () => {
    const replica = solo();
    replica.message(2, decision(2, "1.2", "x#1"));
    replica.propose("a#1");
    expect(replica.propose("a#2")).toEqual([
      "sendNow 2,3: propose slot=3 value=a#2 passedOn=false",
    ]);
  });

  test("proposes again what lost its slot, the same bytes in a new one", () => {
    const replica = solo();
    replica.propose("a#1");
    expect(replica.message(2, decision(1, "1.2", "x#1"))).toEqual([
      "note learned 1:x#1",
      "deliver 1: x#1",
      "sendNow 2,3: propose slot=2 value=a#1 passedOn=false",
    ]);
    expect(replica.observed).toEqual(["displaced"]);
  });

  test("does not propose again what was decided where it was proposed", () => {
    const replica = solo();
    replica.propose("a#1");
    expect(replica.message(2, decision(1, "1.2", "a#1")).slice(1)).toEqual(["deliver 1: a#1"]);
  });

  test("says again what nobody answers, to all leaders", () => {
    const replica = solo();
    replica.propose("a#1");
    expect(replica.timeout("retry")).toEqual([]);
    expect(replica.timeout("retry")).toEqual([
      "sendNow 2,3: propose slot=1 value=a#1 passedOn=true",
    ]);
  });

  test("refuses what does not fit into its queue, definitely", () => {
    const replica = solo({ tuning: { window: 1, queueBytesMax: 150 } });
    for (const name of ["a#1", "a#2", "a#3"]) replica.propose(name);
    expect(replica.propose("a#4", "a#5")).toEqual(["release never a#4+a#5"]);
  });
});

describe("executing", () => {
  test("in the order of slots, whatever the order of decisions", () => {
    const replica = solo();
    expect(replica.message(2, decision(3, "1.2", "c#1"))).toEqual(["note learned 3:c#1"]);
    expect(replica.message(3, decision(1, "1.2", "a#1"))).toEqual([
      "note learned 1:a#1",
      "deliver 1: a#1",
    ]);
    expect(replica.message(3, decision(2, "1.2", "-"))).toEqual([
      "note learned 2:-",
      "deliver 2: -",
      "deliver 3: c#1",
    ]);
  });

  test("a decision that is told twice is executed once", () => {
    const replica = solo();
    replica.message(2, decision(1, "1.2", "a#1"));
    expect(replica.message(3, decision(1, "1.2", "a#1"))).toEqual([]);
  });

  test("where the acceptor holds the command, a mark is enough", () => {
    const replica = createSolo({ self: 1 });
    replica.message(0, p2a("2.0", 1, "a#1"));
    expect(replica.message(0, decision(1, "2.0", null))).toEqual([
      "note decided 1 in 2.0",
      "deliver 1: a#1",
    ]);
  });

  test("a mark for another ballot than the accepted one is not believed", () => {
    const replica = createSolo({ self: 1 });
    replica.message(0, p2a("2.0", 1, "a#1"));
    expect(replica.message(0, decision(1, "3.0", null))).toEqual([]);
    expect(replica.message(2, decision(2, "3.0", null))).toEqual([]);
  });

  test("a stop ends it: nothing is delivered or proposed after it", () => {
    const replica = solo();
    replica.propose("a#1");
    replica.message(2, decision(2, "1.2", "b#1"));
    expect(replica.message(2, decision(1, "1.2", "stop#1+c#1"))).toEqual([
      "note learned 1:stop#1+c#1",
      "deliver 1: stop#1+c#1",
    ]);
    expect(replica.propose("a#2")).toEqual(["release never a#2"]);
    expect(replica.input({ kind: "stop", command: command("stop#2") })).toEqual([
      "release never stop#2",
    ]);
  });

  test("a backlog is delivered over several steps", () => {
    const replica = solo({ tuning: { deliverBytes: value("a#1").length } });
    const values = ["a#1", "a#2", "a#3"].map(value);
    expect(replica.message(1, { kind: "decisions", first: 1, values }).at(-1)).toBe(
      "deliver 1: a#1",
    );
    expect(replica.timeout("deliver")).toEqual(["deliver 2: a#2"]);
    expect(replica.timeout("deliver")).toEqual(["deliver 3: a#3"]);
  });
});

describe("requests are a set:", () => {
  test("one that is pending is not taken a second time, until it was executed", () => {
    const replica = solo();
    replica.propose("a#1");
    expect(replica.propose("a#1", "b#1")).toEqual([
      "sendNow 2,3: propose slot=2 value=b#1 passedOn=false",
    ]);
    replica.message(2, decision(1, "1.2", "a#1"));
    expect(replica.propose("a#1")).toEqual([
      "sendNow 2,3: propose slot=3 value=a#1 passedOn=false",
    ]);
  });

  test("one that another replica got decided is not proposed again when it loses its slot", () => {
    const replica = solo();
    replica.propose("a#1");
    expect(replica.message(2, decision(1, "1.2", "x#1+a#1")).slice(1)).toEqual([
      "deliver 1: x#1+a#1",
    ]);
    expect(replica.state.replica).toMatchObject({ requests: [], requestBytes: 0 });
  });

  test("after a state transfer the host says again what it has not heard of", () => {
    const replica = solo();
    replica.propose("a#1");
    const position = { log: 0, index: 3 };
    replica.input({ kind: "installed", position, image: new Uint8Array() });
    expect(replica.propose("a#1")).toEqual([
      "sendNow 2,3: propose slot=4 value=a#1 passedOn=false",
    ]);
  });
});

test("a gap below a decision is filled with no-ops once it holds things up", () => {
  const replica = solo();
  replica.message(2, decision(3, "1.2", "c#1"));
  expect(replica.timeout("retry")).toEqual([]);
  expect(replica.timeout("retry")).toEqual([
    "sendNow 2,3: propose slot=1 value=- passedOn=false",
    "sendNow 2,3: propose slot=2 value=- passedOn=false",
  ]);
  // A no-op that loses its slot is not worth another one.
  replica.message(2, decision(1, "1.2", "x#1"));
  expect(replica.state.replica?.requests).toEqual([]);
});

describe("catching up", () => {
  test("asks who is further, then the others in turn", () => {
    const replica = createSolo({ size: 3 });
    replica.message(2, { kind: "report", stableUpTo: 0, decidedUpTo: 4 });
    expect(replica.timeout("retry")).toEqual(["sendNow 2: ask first=1"]);
    expect(replica.timeout("retry")).toEqual(["sendNow 1: ask first=1"]);
    const values = ["a#1", "b#1"].map(value);
    const lines = replica.message(1, { kind: "decisions", first: 1, values });
    expect(lines).toContain("sendNow 1: ask first=3");
    expect(lines.slice(-2)).toEqual(["deliver 1: a#1", "deliver 2: b#1"]);
  });

  test("answers with what it has, in chunks, or with where its snapshot begins", () => {
    const replica = solo({ tuning: { chunkBytes: 2 * value("a#1").length + 8, retainBytes: 0 } });
    const values = ["a#1", "a#2", "a#3", "a#4"].map(value);
    replica.message(1, { kind: "decisions", first: 1, values });
    expect(replica.message(1, { kind: "ask", first: 2 })).toEqual([
      "sendNow 1: decisions first=2 values=[a#2 a#3]",
    ]);
    expect(replica.message(1, { kind: "ask", first: 5 })).toEqual([]);
    replica.compact(3);
    expect(replica.message(1, { kind: "ask", first: 3 })).toEqual([
      "sendNow 1: behind compactedUpTo=3",
    ]);
  });

  test("asks for a state that only a snapshot holds, and not again at once", () => {
    const replica = solo({ tuning: { stateRetryMs: 400, retryMs: 200 } });
    const behind = { kind: "behind", compactedUpTo: 9 } as const;
    expect(replica.message(1, behind)).toEqual(["requestState 9 from 1"]);
    expect(replica.message(1, behind)).toEqual([]);
    replica.timeout("retry");
    replica.timeout("retry");
    expect(replica.message(1, behind)).toEqual(["requestState 9 from 1"]);
  });
});
