import { expect, test } from "vitest";
import { ballot, p1a, p2a } from "./testing/make.ts";
import { createSolo } from "./testing/solo.ts";

/** A member that only accepts, so that nothing but the acceptor answers. */
function acceptor(options: Parameters<typeof createSolo>[0] = {}) {
  const roles = [["replica", "leader"], ["leader"], ["acceptor"]];
  return createSolo({ self: 2, roles, ...options });
}

test("adopts rising ballots only, durably before it says so", () => {
  const solo = acceptor();
  expect(solo.message(0, p1a("1.0"))).toEqual([
    "persist adopted 1.0",
    "send 0: p1b ballot=1.0 first=1 gcSlot=0 last=end pvalues=[]",
  ]);
  expect(solo.message(1, p1a("1.1"))[0]).toBe("persist adopted 1.1");
  expect(solo.message(0, p1a("1.0"))).toEqual([
    "send 0: p1b ballot=1.1 first=1 gcSlot=0 last=end pvalues=[]",
  ]);
});

test("answers an equal question again, and writes nothing for it", () => {
  const solo = acceptor();
  solo.message(0, p1a("1.0"));
  expect(solo.message(0, p1a("1.0"))).toEqual([
    "send 0: p1b ballot=1.0 first=1 gcSlot=0 last=end pvalues=[]",
  ]);
  solo.message(0, p2a("1.0", 1, "a#1"));
  expect(solo.message(0, p2a("1.0", 1, "a#1"))).toEqual([
    "send 0: p2b commander=1.0 ballot=1.0 slot=1 gcSlot=0",
  ]);
});

test("accepts in its ballot or a higher one, never in a lower one", () => {
  const solo = acceptor();
  // Before any p1a: PMMC-Rust has no ballot to compare with there, and panics.
  expect(solo.message(0, p2a("2.0", 1, "a#1"))).toEqual([
    "persist accepted 2.0 1:a#1",
    "send 0: p2b commander=2.0 ballot=2.0 slot=1 gcSlot=0",
  ]);
  expect(solo.message(1, p2a("1.1", 1, "b#1"))).toEqual([
    "send 1: p2b commander=1.1 ballot=2.0 slot=1 gcSlot=0",
  ]);
  expect(solo.message(1, p1a("1.1"))).toEqual([
    "send 1: p1b ballot=2.0 first=1 gcSlot=0 last=end pvalues=[1:2.0:a#1]",
  ]);
});

test("keeps of each slot the pvalue of the highest ballot (state reduction)", () => {
  const solo = acceptor();
  solo.message(0, p2a("1.0", 2, "b#1"));
  solo.message(0, p2a("1.0", 1, "a#1"));
  solo.message(1, p2a("3.1", 1, "c#1"));
  solo.message(0, p2a("2.0", 2, "d#1"));
  expect(solo.message(1, p1a("4.1"))[1]).toBe(
    "send 1: p1b ballot=4.1 first=1 gcSlot=0 last=end pvalues=[1:3.1:c#1 2:1.0:b#1]",
  );
});

test("tells what it holds in parts, from the slot that it is asked for", () => {
  const solo = acceptor({ tuning: { chunkBytes: 1 } });
  for (const slot of [5, 2, 9]) solo.message(0, p2a("1.0", slot, `s#${slot}`));
  expect(solo.message(0, p1a("1.0", 3))).toEqual([
    "send 0: p1b ballot=1.0 first=3 gcSlot=0 last=8 pvalues=[5:1.0:s#5]",
  ]);
  expect(solo.message(0, p1a("1.0", 9))).toEqual([
    "send 0: p1b ballot=1.0 first=9 gcSlot=0 last=end pvalues=[9:1.0:s#9]",
  ]);
});

test("without the right to vote it is silent", () => {
  const solo = acceptor({ voter: false });
  const query = { kind: "readQuery", incarnation: 1, number: 1 } as const;
  for (const message of [p1a("1.0"), p2a("1.0", 1, "a#1"), query])
    expect(solo.message(0, message)).toEqual([]);
  solo.input({ kind: "admit" });
  expect(solo.message(0, p1a("1.0"))[0]).toBe("persist adopted 1.0");
});

test("tells readers its highest slot, the collected ones among them", () => {
  const solo = acceptor();
  const query = { kind: "readQuery", incarnation: 7, number: 3 } as const;
  expect(solo.message(0, query)).toEqual(["sendNow 0: readReply incarnation=7 number=3 slot=0"]);
  solo.message(0, p2a("1.0", 4, "a#1"));
  expect(solo.message(0, query)).toEqual(["sendNow 0: readReply incarnation=7 number=3 slot=4"]);
  solo.message(0, { kind: "report", stableUpTo: 9, decidedUpTo: 9 });
  expect(solo.message(0, query)).toEqual(["sendNow 0: readReply incarnation=7 number=3 slot=9"]);
});

test("while it has granted a lease it adopts nobody else's ballot", () => {
  const solo = acceptor({ tuning: { leaseMs: 100 }, now: 1000 });
  solo.message(0, p1a("1.0"));
  solo.clock.now = 1100;
  expect(solo.message(0, { kind: "renew", ballot: { round: 1, proposer: 0 }, round: 1 })).toEqual([
    "sendNow 0: grant ballot=1.0 round=1",
  ]);
  solo.clock.now = 1199;
  expect(solo.message(1, p1a("5.1"))).toEqual([]);
  expect(solo.message(0, p1a("2.0"))[0]).toBe("persist adopted 2.0");
  solo.clock.now = 1200;
  expect(solo.message(1, p1a("5.1"))[0]).toBe("persist adopted 5.1");
  expect(solo.message(0, { kind: "renew", ballot: { round: 2, proposer: 0 }, round: 2 })).toEqual(
    [],
  );
});

test("after a restart it helps nobody else to lead for the length of a lease", () => {
  const records = [{ kind: "adopted", ballot: ballot("1.0") }] as const;
  const solo = acceptor({ tuning: { leaseMs: 100 }, now: 1000, records });
  solo.clock.now = 1099;
  expect(solo.message(1, p1a("5.1"))).toEqual([]);
  solo.clock.now = 1100;
  expect(solo.message(1, p1a("5.1"))[0]).toBe("persist adopted 5.1");
});
