import { ABOUT_META } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { PmmcRecord } from "./records.ts";
import { ballot, p1a, p2a, pvalue, value } from "./testing/make.ts";
import { createSolo } from "./testing/solo.ts";

const accepted = (of: string, slot: number, text: string): PmmcRecord => ({
  kind: "accepted",
  ...pvalue(of, slot, text),
});
const decided = (of: string, slot: number): PmmcRecord => ({
  kind: "decided",
  slot,
  ballot: ballot(of),
});

describe("after a restart", () => {
  test("an acceptor holds its ballot and every pvalue, the highest of each slot", () => {
    const solo = createSolo({
      records: [
        accepted("1.1", 1, "a#1"),
        { kind: "adopted", ballot: ballot("4.2") },
        accepted("4.2", 1, "b#1"),
        accepted("4.2", 2, "c#1"),
      ],
    });
    expect(solo.message(1, p1a("2.1"))).toEqual([
      "send 1: p1b ballot=4.2 first=1 gcSlot=0 last=end pvalues=[1:4.2:b#1 2:4.2:c#1]",
    ]);
  });

  test("the marker of collected slots is still there", () => {
    const adopted = ballot("3.1");
    const own = ballot("0.0");
    const solo = createSolo({
      records: [{ kind: "meta", adopted, own, gcSlot: 7, highest: 9, impaired: false }],
      delivered: 7,
    });
    expect(solo.message(1, p1a("5.1"))[1]).toBe(
      "send 1: p1b ballot=5.1 first=1 gcSlot=7 last=end pvalues=[]",
    );
    const query = { kind: "readQuery", incarnation: 1, number: 1 } as const;
    expect(solo.message(1, query)).toEqual(["sendNow 1: readReply incarnation=1 number=1 slot=9"]);
  });

  test("marks mean what was accepted in their ballot or above", () => {
    const solo = createSolo({
      records: [
        accepted("1.1", 1, "a#1"),
        decided("1.1", 1),
        accepted("2.1", 2, "b#1"),
        decided("1.1", 2),
        accepted("1.1", 3, "c#1"),
        decided("2.1", 3),
        { kind: "learned", slot: 4, value: value("d#1") },
      ],
    });
    expect(solo.started.filter((line) => line.startsWith("deliver"))).toEqual([
      "deliver 1: a#1",
      "deliver 2: b#1",
    ]);
  });

  test("delivery goes on after the snapshot", () => {
    const records = [1, 2, 3].map(
      (slot): PmmcRecord => ({ kind: "learned", slot, value: value(`s#${slot}`) }),
    );
    const solo = createSolo({ records, delivered: 2 });
    expect(solo.started.filter((line) => line.startsWith("deliver"))).toEqual(["deliver 3: s#3"]);
    expect(solo.message(1, { kind: "ask", first: 1 })).toEqual([
      "sendNow 1: decisions first=1 values=[s#1 s#2 s#3]",
    ]);
  });

  test("a configuration that had ended stays ended", () => {
    const solo = createSolo({
      records: [{ kind: "learned", slot: 1, value: value("stop#1") }],
      delivered: 1,
    });
    expect(solo.propose("a#1")).toEqual(["release never a#1"]);
  });
});

describe("damage", () => {
  const slot1 = { kind: "slots", log: 0, first: 1, last: 1 } as const;

  test.each([
    ["one slot", [slot1]],
    ["a ballot", [ABOUT_META]],
    ["nobody knows what", "unnamed"],
  ] as const)("of %s takes the right to vote and to lead, for ever", (_, missing) => {
    const records = [accepted("1.1", 2, "a#1"), decided("1.1", 2)];
    const solo = createSolo({ records, missing });
    expect(solo.started[0]).toBe("persist impaired");
    expect(solo.message(1, p1a("5.1"))).toEqual([]);
    expect(solo.message(1, p2a("5.1", 1, "b#1"))).toEqual([]);
    expect(solo.timers.has("scout")).toBe(false);
    solo.input({ kind: "admit" });
    expect(solo.state.voter).toBe(false);
    const again = createSolo({ records: [{ kind: "impaired" }] });
    expect(again.message(1, p1a("5.1"))).toEqual([]);
    expect(again.started[0]).not.toBe("persist impaired");
  });

  test("a mark is not believed when what it meant may be gone", () => {
    const solo = createSolo({
      records: [accepted("1.1", 1, "a#1"), decided("1.1", 1)],
      missing: [slot1],
    });
    expect(solo.started.some((line) => line.startsWith("deliver"))).toBe(false);
  });

  test("a record that cannot be read is damage", () => {
    const solo = createSolo({ records: [{ record: new Uint8Array([255]), about: ABOUT_META }] });
    expect(solo.state.impaired).toBe(true);
  });
});
