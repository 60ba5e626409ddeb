import { describe, expect, test } from "vitest";
import { journalRecord, type OmniPaxosRecord } from "./records.ts";
import {
  acceptSync,
  ballot,
  createSolo,
  learn,
  prepare,
  promise,
  type Solo,
  synced,
  value,
} from "./testing/solo.ts";

const NONCE = 0x20_0000;

/** Starts from these records, of which some are damaged. */
function damaged(
  records: readonly OmniPaxosRecord[],
  isDamaged: (record: OmniPaxosRecord, at: number) => boolean,
  delivered = 0,
): Solo {
  return createSolo({
    records: records.filter((record, at) => !isDamaged(record, at)),
    missing: records.filter(isDamaged).map((record) => journalRecord(record).about),
    delivered,
  });
}

const THREE: readonly OmniPaxosRecord[] = [
  synced("100.1", 1, ["a#1"]),
  { kind: "accepted", ballot: ballot("100.1"), first: 2, values: [value("a#2")] },
  { kind: "accepted", ballot: ballot("100.1"), first: 3, values: [value("a#3")] },
];

describe("a damaged record in the middle of the log", () => {
  test("takes everything after it; what it was at most is durable at once and told", () => {
    const solo = damaged(THREE, (_, at) => at === 1);
    expect(solo.log()).toBe("1:a#1 @100.1");
    expect(solo.started[0]).toBe(
      "checkpoint meta 100.1 100.1 0 0 false | accepted 100.1 1 [a#1] | lost 3@100.1 | chosen 0",
    );
    expect(solo.observed).toContain("log lost");
    expect(solo.message(2, prepare("200.2"))[1]).toContain("length=1 chosenUpTo=0 lost=3@100.1");
    expect([solo.state.voter, solo.state.impaired]).toEqual([true, false]);
  });

  test("takes nothing when a later sync has written the slot again", () => {
    const records = [...THREE, synced("200.2", 2, ["b#2", "b#3"])];
    const solo = damaged(records, (_, at) => at === 1);
    expect(solo.log()).toBe("1:a#1 2:b#2 3:b#3 @200.2");
    expect(solo.state.lost).toBe(null);
  });

  test("when it is an empty sync, the ballot of the log is not forgotten", () => {
    const solo = damaged([...THREE, synced("200.2", 4, [])], (_, at) => at === 3);
    expect(solo.state.lost).toEqual({ acceptedIn: ballot("200.2"), length: 3 });
    expect(solo.state.promised).toEqual(ballot("200.2"));
  });

  test("below what is decided costs nothing but a question", () => {
    const records: readonly OmniPaxosRecord[] = [...THREE, { kind: "chosen", chosenUpTo: 3 }];
    const solo = damaged(records, (_, at) => at === 1);
    expect([solo.state.decidedUpTo, solo.state.known.chosenUpTo]).toEqual([1, 3]);
    expect(solo.timers.has("catchUp")).toBe(true);
    solo.message(1, learn(2, ["a#2", "a#3"]));
    expect(solo.state.lost).toBe(null);
    expect(solo.observed).toContain("log repaired");
  });

  test("below a snapshot is no loss at all", () => {
    const records: readonly OmniPaxosRecord[] = [...THREE, { kind: "chosen", chosenUpTo: 3 }];
    expect(damaged(records, (_, at) => at === 1, 3).state.lost).toBe(null);
  });

  test("and a snapshot that is gone take the log with them: it is learned from the start", () => {
    const meta = { kind: "meta", promised: ballot("100.1"), acceptedIn: ballot("100.1") } as const;
    const head = { ...meta, compactedUpTo: 5, stoppedAt: 0, impaired: false };
    const records = [head, { ...THREE[1], first: 6 } as OmniPaxosRecord];
    const solo = createSolo({ records });
    expect([solo.state.length, solo.state.lost, solo.state.known.chosenUpTo]).toEqual([
      0,
      { acceptedIn: ballot("100.1"), length: 6 },
      5,
    ]);
    solo.message(1, learn(1, ["a#1", "a#2", "a#3", "a#4", "a#5", "a#6"]));
    expect([solo.state.deliveredUpTo, solo.state.lost]).toEqual([6, null]);
  });

  test("is repaired by the sync of a leader", () => {
    const solo = damaged(THREE, (_, at) => at === 1);
    solo.message(2, prepare("200.2"));
    solo.message(2, acceptSync("200.2", NONCE + 1, "100.1", 1, ["a#1"]));
    expect([solo.log(), solo.state.lost]).toEqual(["1:a#1 @200.2", null]);
  });
});

describe("phase 1 with a promise that shows less than was accepted", () => {
  const lost = { acceptedIn: ballot("100.1"), length: 3 };

  /** A blank candidate, promised by itself and by these. */
  function candidate(...promises: [number, Parameters<typeof promise>[1]][]): Solo {
    const solo = createSolo();
    solo.campaign("300.0");
    solo.durable();
    for (const [from, fields] of promises) solo.message(from, promise("300.0", fields));
    return solo;
  }

  const unknown = { acceptedIn: ballot("100.1"), length: 1, lost, values: [value("a#1")] };

  test("does not count as one that shows a short log", () => {
    const solo = candidate([1, unknown]);
    expect(solo.state.role.kind).toBe("candidate");
    // It asks again, in the same ballot: the log may be repaired by now.
    expect(solo.timeout("resend")).toEqual([
      "send 1,2: prepare ballot=300.0 acceptedIn=0.0 length=0 chosenUpTo=0",
    ]);
    solo.message(2, promise("300.0"));
    expect(solo.state.role.kind).toBe("leader");
  });

  test("counts when somebody shows a log at least as good", () => {
    for (const [acceptedIn, length, leads] of [
      ["100.1", 3, true],
      ["200.1", 1, true],
      ["100.1", 2, false],
      ["90.1", 9, false],
    ] as const) {
      const values = Array.from({ length }, (_, index) => value(`b#${index + 1}`));
      const shown = { acceptedIn: ballot(acceptedIn), length, values };
      const solo = createSolo({ size: 5 });
      solo.campaign("300.0");
      solo.durable();
      solo.message(1, promise("300.0", unknown));
      solo.message(2, promise("300.0", shown));
      expect([acceptedIn, length, solo.state.role.kind === "leader"]).toEqual([
        acceptedIn,
        length,
        leads,
      ]);
      if (leads) expect(solo.state.length).toBe(length);
    }
  });

  test("a candidate's own damaged log is worth what is decided of it", () => {
    const solo = damaged(THREE, (_, at) => at === 1);
    solo.campaign("300.0");
    expect(solo.timeout("resend")[0]).toContain("prepare ballot=300.0 acceptedIn=0.0 length=0");
    solo.durable();
    const values = [1, 2, 3].map((number) => value(`a#${number}`));
    for (const from of [1, 2])
      solo.message(from, promise("300.0", { acceptedIn: ballot("100.1"), length: 3, values }));
    expect(solo.log()).toBe("1:a#1 2:a#2 3:a#3 @300.0");
  });
});

describe("damage that cannot be named costs the vote", () => {
  test.each([
    ["nobody knows what", "unnamed" as const, "persist impaired"],
    [
      "the end of the configuration",
      [journalRecord({ kind: "stopped", slot: 4 }).about],
      "checkpoint meta 100.1 100.1 0 0 true",
    ],
  ])("%s", (_, missing, durable) => {
    const solo = createSolo({ records: THREE, missing });
    expect([solo.state.voter, solo.state.impaired]).toEqual([false, true]);
    expect(solo.message(2, prepare("200.2"))).toEqual([]);
    expect(solo.started[0]).toContain(durable);
  });
});
