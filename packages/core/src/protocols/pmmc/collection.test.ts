import { describe, expect, test } from "vitest";
import { decision, p1a, p2a, report, value } from "./testing/make.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

/** Acceptor 3 of replicas 0, 1, 2. */
function acceptor(options: Parameters<typeof createSolo>[0] = {}): Solo {
  const roles = [["replica"], ["replica"], ["replica"], ["acceptor"], ["leader"]];
  const solo = createSolo({ self: 3, size: 5, roles, ...options });
  for (let slot = 1; slot <= 5; slot += 1) solo.message(4, p2a("1.4", slot, `s#${slot}`));
  return solo;
}

describe("an acceptor forgets", () => {
  test("what more than half of the replicas hold durably, and leaves the marker", () => {
    const solo = acceptor();
    solo.message(0, report(4, 5));
    expect(solo.state.acceptor.gcSlot).toBe(0);
    solo.message(2, report(3, 5));
    expect(solo.message(4, p1a("2.4"))[1]).toBe(
      "send 4: p1b ballot=2.4 first=1 gcSlot=3 last=end pvalues=[4:1.4:s#4 5:1.4:s#5]",
    );
  });

  test("nothing on the word of who is no replica, or of one replica alone", () => {
    const solo = acceptor();
    for (const from of [0, 0, 3, 4]) solo.message(from, report(5, 5));
    expect(solo.state.acceptor.gcSlot).toBe(0);
  });

  test("and accepts nothing there any more", () => {
    const solo = acceptor();
    for (const from of [0, 1]) solo.message(from, report(5, 5));
    expect(solo.message(4, p2a("9.4", 5, "x#1"))).toEqual([
      "send 4: p2b commander=9.4 ballot=1.4 slot=5 gcSlot=5",
    ]);
  });

  test("executed is not durable: it goes by snapshots", () => {
    const solo = acceptor();
    for (const from of [0, 1, 2]) solo.message(from, report(0, 5));
    expect(solo.state.acceptor.accepted.size).toBe(5);
  });

  test("and cuts its journal by itself, with the marker in it", () => {
    const solo = acceptor({ tuning: { checkpointBytes: 1 } });
    solo.message(0, report(4, 5));
    solo.message(4, p2a("1.4", 6, "s#6"));
    expect(solo.message(1, report(4, 5))).toEqual([
      "checkpoint meta 1.4 own 0.0 collected 4 | accepted 1.4 5:s#5 | accepted 1.4 6:s#6",
    ]);
  });
});

test("a replica reports what is durable and what is executed, on a timer and at once", () => {
  const solo = createSolo({ size: 5, roles: [["replica"], [], [], [], []] });
  expect(solo.started).toContain("sendNow 1,2,3,4: report stableUpTo=0 decidedUpTo=0");
  solo.message(1, decision(1, "1.1", "a#1"));
  expect(solo.timeout("report")).toEqual(["sendNow 1,2,3,4: report stableUpTo=0 decidedUpTo=1"]);
  expect(solo.compact(1)).toEqual([
    "checkpoint meta 0.0 own 0.0 collected 0 | learned 1:a#1",
    "sendNow 1,2,3,4: report stableUpTo=1 decidedUpTo=1",
  ]);
});

describe("a checkpoint", () => {
  test("keeps what is accepted and not collected, though the snapshot holds it", () => {
    const solo = createSolo({ self: 1, tuning: { retainBytes: 0 } });
    for (const slot of [1, 2]) solo.message(0, p2a("1.0", slot, `s#${slot}`));
    solo.message(0, decision(1, "1.0", null));
    expect(solo.compact(1)[0]).toBe(
      "checkpoint meta 1.0 own 0.0 collected 0 | accepted 1.0 1:s#1 | accepted 1.0 2:s#2",
    );
  });

  test("keeps of decisions as much as replicas that lag may ask for", () => {
    const solo = createSolo({ self: 1, tuning: { retainBytes: 2 * (value("a#1").length + 32) } });
    const values = ["a#1", "a#2", "a#3"].map(value);
    solo.message(0, { kind: "decisions", first: 1, values });
    expect(solo.compact(3)[0]).toBe(
      "checkpoint meta 0.0 own 0.0 collected 0 | learned 2:a#2 | learned 3:a#3",
    );
    expect(solo.message(0, { kind: "ask", first: 1 })).toEqual([
      "sendNow 0: behind compactedUpTo=1",
    ]);
  });
});

test("an installed state takes the place of slots, and of own proposals in them", () => {
  const solo = createSolo({ size: 5, roles: [["replica"], ["leader"], [], [], []] });
  solo.propose("a#1");
  solo.message(1, decision(4, "1.1", "d#1"));
  const position = { log: 0, index: 3 };
  expect(solo.input({ kind: "installed", position, image: new Uint8Array() })).toEqual([
    "checkpoint meta 0.0 own 0.0 collected 0 | learned 4:d#1",
    "sendNow 1,2,3,4: report stableUpTo=3 decidedUpTo=3",
    "deliver 4: d#1",
  ]);
  expect(solo.propose("b#1")).toEqual(["sendNow 1,2,3,4: propose slot=5 value=b#1 passedOn=false"]);
});
