import { ABOUT_META, InvariantViolation } from "@synod/core";
import { describe, expect, test } from "vitest";
import { multipaxos } from "./index.ts";
import { journalRecord, type MultipaxosRecord } from "./records.ts";
import {
  accept,
  acceptedRecord,
  ballot,
  commit,
  createSolo,
  heartbeat,
  learn,
  prepare,
  UNREADABLE,
  value,
} from "./testing/solo.ts";

function learnedRecord(first: number, texts: readonly string[]): MultipaxosRecord {
  return { kind: "learned", first, values: texts.map(value) };
}

function meta(fields: Partial<Extract<MultipaxosRecord, { kind: "meta" }>>): MultipaxosRecord {
  const none = { compactedUpTo: 0, stoppedAt: 0, impaired: false };
  return { kind: "meta", promised: ballot("0.0"), ...none, ...fields };
}

function about(first: number, last: number) {
  return { kind: "slots", log: 0, first, last } as const;
}

describe("recovery", () => {
  test("of nothing is a blank replica that waits for a leader", () => {
    const solo = createSolo();
    expect(solo.started).toEqual([]);
    expect(solo.timers.get("election")).toBeGreaterThanOrEqual(solo.state.tuning.electionMs);
  });

  test("who led the configuration before stands at once, if it votes, above its promise", () => {
    const records = [{ kind: "promised", ballot: ballot("3.1") }] as const;
    expect(createSolo({ led: true, records }).started).toEqual([
      "persist promised 4.0",
      "send 0,1,2: prepare ballot=4.0 chosenUpTo=0",
    ]);
    expect(createSolo({ led: true, voter: false }).started).toEqual([]);
  });

  test("takes up the highest promise, whichever record made it", () => {
    const promises = [ballot("3.1"), ballot("5.2"), ballot("4.0")];
    const records = promises.map((of) => ({ kind: "promised", ballot: of }) as const);
    expect(createSolo({ records }).state.promised).toEqual(ballot("5.2"));
    expect(createSolo({ records: [acceptedRecord("6.1", 1, ["a#1"])] }).state.promised).toEqual(
      ballot("6.1"),
    );
    const checkpointed = createSolo({ records: [meta({ promised: ballot("7.1") })] });
    expect(checkpointed.state.promised).toEqual(ballot("7.1"));
    // Never uses a ballot again, its own included.
    const own = createSolo({ records: [{ kind: "promised", ballot: ballot("7.0") }] });
    expect(own.campaign()).toContain("persist promised 8.0");
  });

  test("takes up acceptances in the order of the records, and promises them", () => {
    const records = [acceptedRecord("1.1", 1, ["a#1", "a#2"]), acceptedRecord("2.2", 2, ["b#2"])];
    const solo = createSolo({ records });
    expect(solo.log()).toEqual(["1:1.1:a#1", "2:2.2:b#2"]);
    expect(solo.message(2, prepare("3.2")).at(-1)).toContain("entries=[1:1.1:a#1 2:2.2:b#2]");
  });

  test("a vote cast before the crash is repeated after it, without another record", () => {
    const solo = createSolo({ records: [acceptedRecord("1.1", 1, ["a#1"])] });
    expect(solo.message(1, accept("1.1", 1, ["a#1"]))).toEqual([
      "send 1: accepted ballot=1.1 runs=[1] chosenUpTo=0",
    ]);
  });

  test("delivers again what is marked as chosen and not in the snapshot", () => {
    const records = [
      acceptedRecord("1.1", 1, ["a#1", "a#2", "a#3", "a#4"]),
      { kind: "chosen", chosenUpTo: 3 } as const,
    ];
    expect(createSolo({ records, delivered: 1 }).started).toEqual([
      "deliver 2: a#2",
      "deliver 3: a#3",
    ]);
    const older = [...records, { kind: "chosen", chosenUpTo: 2 } as const];
    expect(createSolo({ records: older }).state.chosenUpTo).toBe(3);
  });

  test("learned values are chosen by themselves, up to the first gap", () => {
    const records = [learnedRecord(1, ["a#1", "a#2"]), learnedRecord(4, ["a#4"])];
    const solo = createSolo({ records });
    expect(solo.state.chosenUpTo).toBe(2);
    expect(solo.message(1, learn(3, ["a#3"]))).toEqual([
      "note learned 3:[a#3]",
      "note chosen 4",
      "deliver 3: a#3",
      "deliver 4: a#4",
    ]);
  });

  test("a snapshot may lie any distance beyond the records", () => {
    const records = [acceptedRecord("1.1", 1, ["a#1", "a#2"]), acceptedRecord("1.1", 9, ["a#9"])];
    const solo = createSolo({ records, delivered: 6 });
    expect(solo.state.chosenUpTo).toBe(6);
    expect(solo.state.deliveredUpTo).toBe(6);
    expect(solo.state.compactedUpTo).toBe(6);
    // Values accepted below a transferred snapshot may have lost: they are not kept as chosen.
    expect(solo.log()).toEqual(["9:1.1:a#9"]);
  });

  test("slots kept below the snapshot go on being told to those that lag", () => {
    const records = [
      meta({ promised: ballot("1.1"), compactedUpTo: 1 }),
      acceptedRecord("1.1", 2, ["a#2", "a#3"]),
      { kind: "chosen", chosenUpTo: 3 } as const,
    ];
    const solo = createSolo({ records, delivered: 3 });
    expect(solo.state.compactedUpTo).toBe(1);
    expect(solo.message(2, { kind: "catchUp", first: 2, last: 3 })).toEqual([
      "sendNow 2: learn first=2 values=[a#2 a#3] chosenUpTo=3",
    ]);
  });

  test("slots below a hole under the snapshot are compacted", () => {
    const records = [learnedRecord(1, ["a#1"]), learnedRecord(3, ["a#3", "a#4"])];
    const solo = createSolo({ records, delivered: 4 });
    expect(solo.state.compactedUpTo).toBe(2);
    expect(solo.log()).toEqual(["3!:0.0:a#3", "4!:0.0:a#4"]);
  });

  test("a lost snapshot is noticed: the records begin above what is there", () => {
    const solo = createSolo({ records: [meta({ compactedUpTo: 5 })], delivered: 0 });
    expect(solo.state.chosenUpTo).toBe(0);
    expect(solo.state.known.chosenUpTo).toBe(5);
    expect(solo.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=1 last=5"]);
  });

  test("the end of the configuration survives, in a record or in the snapshot's last slot", () => {
    const said = createSolo({
      records: [learnedRecord(1, ["stop#1", "a#2"]), { kind: "stopped", slot: 1 }],
      delivered: 1,
    });
    expect(said.started).toEqual([]);
    expect(said.state.stoppedAt).toBe(1);
    const checkpointed = createSolo({ records: [meta({ compactedUpTo: 4, stoppedAt: 4 })] });
    expect(checkpointed.state.stoppedAt).toBe(4);
    const found = createSolo({ records: [learnedRecord(1, ["a#1+stop#1", "a#2"])], delivered: 1 });
    expect(found.started).toEqual([]);
    expect(found.state.stoppedAt).toBe(1);
    expect(found.propose("b#1")).toEqual(["release never b#1"]);
  });

  test("what comes before the end, and the end, are delivered from an older snapshot", () => {
    const solo = createSolo({
      records: [
        learnedRecord(1, ["a#1", "b#1", "stop#1", "a#2"]),
        { kind: "chosen", chosenUpTo: 4 },
        { kind: "stopped", slot: 3 },
      ],
      delivered: 1,
    });
    expect(solo.started.filter((line) => line.startsWith("deliver"))).toEqual([
      "deliver 2: b#1",
      "deliver 3: stop#1",
    ]);
    expect(solo.state.stoppedAt).toBe(3);
  });

  test("alone it stands for election without a wait", () => {
    expect(createSolo({ size: 1 }).timers.get("election")).toBe(0);
    expect(createSolo({ size: 1, voter: false }).timers.has("election")).toBe(false);
  });

  test("comes before the start, and the start comes once", () => {
    const solo = createSolo();
    expect(() => solo.input({ kind: "recover", records: [] })).toThrow(InvariantViolation);
    const delivered = { log: 0, index: 0 };
    const again = { missing: [], delivered, image: new Uint8Array(0), incarnation: 1 } as const;
    expect(() => solo.input({ kind: "start", ...again, voter: true })).toThrow(InvariantViolation);
  });
});

describe("a damaged journal", () => {
  const records = [
    acceptedRecord("1.1", 1, ["a#1", "a#2", "a#3"]),
    { kind: "chosen", chosenUpTo: 3 },
  ] as const;
  const upTo = (of: string) => ({ ballot: ballot(of) });

  test("a damaged acceptance makes its slots faulty, and that is durable at once", () => {
    const solo = createSolo({ records, missing: [{ ...about(2, 2), ...upTo("1.2") }] });
    expect(solo.started).toEqual([
      "checkpoint meta 1.2 compacted 0 | accepted 1.1 1:[a#1] | accepted 1.1 3:[a#3] " +
        "| faulty 1.2 2..2 | chosen 1",
      "deliver 1: a#1",
    ]);
    // What the mark says of slot 2 was about a value that is gone.
    expect(solo.log()).toEqual(["1!:1.1:a#1", "3!:1.1:a#3"]);
    expect(solo.state.voter).toBe(true);
    expect(solo.observed).toEqual(["slot faulty"]);
    expect(multipaxos.status(solo.state).detail["faulty"]).toBe(1);
    // Others have the value: it is asked for without a reason from outside.
    expect(solo.state.known.chosenUpTo).toBe(3);
    expect(solo.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=2 last=3"]);
  });

  test("its ballot still binds, as a promise and as a bound", () => {
    const solo = createSolo({ records, missing: [{ ...about(4, 5), ...upTo("6.2") }] });
    expect(solo.state.promised).toEqual(ballot("6.2"));
    expect([...solo.state.faulty]).toEqual([
      [4, ballot("6.2")],
      [5, ballot("6.2")],
    ]);
    expect(solo.message(1, accept("2.1", 4, ["b#4"]))[0]).toContain("nack refused=2.1");
  });

  test("an intact acceptance in the same or a higher ballot is all that counts", () => {
    const newer = [...records, acceptedRecord("4.0", 4, ["b#4"])];
    for (const [of, faulty] of [
      ["3.1", 0],
      ["4.0", 0],
      ["4.1", 1],
    ] as const) {
      const solo = createSolo({ records: newer, missing: [{ ...about(4, 4), ...upTo(of) }] });
      expect(solo.state.faulty.size, of).toBe(faulty);
      expect(solo.state.log.has(4), of).toBe(faulty === 0);
    }
  });

  test("a learned value that is lost makes the slot faulty below the promise", () => {
    const promised = { kind: "promised", ballot: ballot("5.2") } as const;
    const solo = createSolo({ records: [...records, promised], missing: [about(2, 2)] });
    // Accepted here, maybe before another value was learned that the mark meant.
    expect(solo.log()).toEqual(["1!:1.1:a#1", "3!:1.1:a#3"]);
    expect([...solo.state.faulty]).toEqual([[2, ballot("5.2")]]);
    const same = createSolo({ records, missing: [about(2, 2)] });
    expect([...same.state.faulty]).toEqual([[2, ballot("1.1")]]);
  });

  test("a learned value that is intact cannot be faulty", () => {
    const learned = [learnedRecord(1, ["a#1", "a#2"])];
    for (const missing of [about(2, 2), { ...about(2, 2), ...upTo("3.1") }]) {
      const solo = createSolo({ records: learned, missing: [missing] });
      expect(solo.state.faulty.size).toBe(0);
      expect(solo.state.chosenUpTo).toBe(2);
    }
  });

  test("what the snapshot holds, or is compacted, is not faulty", () => {
    const missing = [{ ...about(1, 6), ...upTo("1.1") }];
    expect([...createSolo({ missing, delivered: 4 }).state.faulty.keys()]).toEqual([5, 6]);
    const compacted = createSolo({ records: [meta({ compactedUpTo: 5 })], missing });
    expect([...compacted.state.faulty.keys()]).toEqual([6]);
  });

  test("faulty slots survive restarts by their record, until one after it repairs them", () => {
    const faulty = { kind: "faulty", first: 4, last: 6, ballot: ballot("2.1") } as const;
    const checkpoint = [meta({ promised: ballot("2.1") }), ...records, faulty];
    const again = createSolo({ records: checkpoint });
    expect([...again.state.faulty.keys()]).toEqual([4, 5, 6]);
    expect(again.started.some((line) => line.startsWith("checkpoint"))).toBe(false);
    const more = [acceptedRecord("3.0", 4, ["b#4"]), learnedRecord(6, ["b#6"])];
    const repaired = createSolo({ records: [...checkpoint, ...more] });
    expect([...repaired.state.faulty.keys()]).toEqual([5]);
    expect(repaired.log().slice(-2)).toEqual(["4:3.0:b#4", "6!:0.0:b#6"]);
  });

  test("a damaged promise binds by its name, and costs nothing", () => {
    const promise = { kind: "meta", log: 0, first: 0, last: 0, ...upTo("7.2") } as const;
    const solo = createSolo({ records, missing: [promise] });
    expect(solo.started[0]).toBe(
      "checkpoint meta 7.2 compacted 0 | accepted 1.1 1:[a#1 a#2 a#3] | chosen 3",
    );
    expect(solo.state.voter).toBe(true);
    expect(solo.message(1, prepare("7.1"))[0]).toContain("nack refused=7.1 promised=7.2");
    expect(solo.campaign()).toContain("persist promised 8.0");
  });

  test("a damaged head of a checkpoint is known by promise and compacted prefix", () => {
    const { about: name } = journalRecord(meta({ promised: ballot("7.2"), compactedUpTo: 5 }));
    const solo = createSolo({ missing: [name], delivered: 3 });
    expect([solo.state.promised, solo.state.compactedUpTo]).toEqual([ballot("7.2"), 5]);
    expect(solo.state.voter).toBe(true);
    expect(solo.message(1, prepare("8.1", 3)).at(-1)).toContain("omittedUpTo=5 first=6");
  });

  test("what has no name costs the right to vote, durably and before all else", () => {
    const solo = createSolo({ records, missing: "unnamed" });
    expect(solo.started).toEqual(["persist impaired"]);
    expect(solo.state.voter).toBe(false);
    expect(solo.timers.has("election")).toBe(false);
    expect(solo.message(2, prepare("3.2"))).toEqual([]);
    expect(solo.message(1, accept("2.1", 9, ["b#1"]))).toEqual(["note accepted 2.1 9:[b#1]"]);
    // Nobody can give it back, neither a restart nor the host.
    const again = createSolo({ records: [{ kind: "impaired" }] });
    expect(again.started).toEqual([]);
    expect(again.state.voter).toBe(false);
    expect(again.admit()).toEqual([]);
    expect(again.state.voter).toBe(false);
    expect(createSolo({ records: [meta({ impaired: true })] }).state.voter).toBe(false);
  });

  test.each([
    ["the end of the configuration, or an impairment", ABOUT_META],
    ["something of another protocol", { ...about(1, 1), kind: "instance" } as const],
  ])("so does %s", (_, missing) => {
    const solo = createSolo({ records, missing: [missing] });
    expect(solo.started[0]).toBe(
      "checkpoint meta 1.1 compacted 0 impaired | accepted 1.1 1:[a#1 a#2 a#3] | chosen 3",
    );
    expect(solo.state.voter).toBe(false);
    expect(solo.log()).toHaveLength(3);
  });

  test("a loss without a name takes all of them: a mark may have meant another value", () => {
    const solo = createSolo({ records, missing: "unnamed" });
    expect(solo.log()).toEqual([]);
    expect(solo.state.chosenUpTo).toBe(0);
  });

  test("a record that cannot be read counts as a loss without a name", () => {
    const solo = createSolo({ records: [...records, UNREADABLE] });
    expect(solo.started).toEqual(["persist impaired"]);
    expect(solo.log()).toEqual([]);
  });

  test("what the snapshot holds is beyond all damage", () => {
    const solo = createSolo({ records, missing: "unnamed", delivered: 2 });
    expect(solo.state.chosenUpTo).toBe(2);
    expect(solo.message(1, learn(3, ["a#3"])).at(-1)).toBe("deliver 3: a#3");
  });
});

describe("admission", () => {
  test("makes durable what was only noted, then lets this member vote", () => {
    const solo = createSolo({ voter: false });
    solo.message(1, accept("1.1", 1, ["a#1"]));
    solo.message(1, heartbeat("1.1"));
    expect(solo.admit()).toEqual([
      "checkpoint meta 1.1 compacted 0 | accepted 1.1 1:[a#1] | chosen 0",
    ]);
    expect(solo.timers.has("election")).toBe(true);
    expect(solo.message(1, accept("1.1", 1, ["a#1"]))).toEqual([
      "send 1: accepted ballot=1.1 runs=[1] chosenUpTo=0",
    ]);
    expect(solo.message(2, prepare("3.2"))[0]).toBe("persist promised 3.2");
  });

  test("of a voter is nothing", () => {
    expect(createSolo().admit()).toEqual([]);
  });
});

test("inputs before the start are a bug of the host", () => {
  const solo = createSolo();
  solo.state.phase = "recovering";
  expect(() => solo.message(1, commit("1.1", 1))).toThrow(InvariantViolation);
});
