import { describe, expect, test } from "vitest";
import {
  accept,
  acceptedRecord,
  acceptSync,
  ballot,
  createSolo,
  learn,
  prepare,
  type Solo,
  synced,
} from "./testing/solo.ts";

const NONCE = 0x20_0000;

/** Has accepted `a#1 a#2` in 100.1, and has been prepared for 200.2 since. */
function promised(length = 2, chosenUpTo = 0): Solo {
  const solo = createSolo({ records: [synced("100.1", 1, ["a#1", "a#2"])] });
  solo.message(2, prepare("200.2", "100.1", length, chosenUpTo));
  return solo;
}

function stage({ state }: Solo): string {
  return state.role.kind === "follower" ? state.role.stage : state.role.kind;
}

describe("phase 1b", () => {
  test("the promise is durable before it is told, with what the candidate lacks", () => {
    const solo = createSolo({ records: [synced("100.1", 1, ["a#1", "a#2"])] });
    expect(solo.message(2, prepare("200.2", "100.1", 1))).toEqual([
      "persist promised 200.2",
      "send 2: promise ballot=200.2 acceptedIn=100.1 length=2 chosenUpTo=0 first=2 values=[a#2]",
    ]);
    expect(solo.message(2, prepare("200.2", "50.0", 9))[0]).toContain("first=1 values=[a#1 a#2]");
    expect(solo.message(2, prepare("200.2", "150.0", 1))[0]).toContain("values=[]");
  });

  test("a lower ballot is refused, a non-voter says nothing", () => {
    const solo = promised();
    expect(solo.message(1, prepare("199.1"))).toEqual([
      "sendNow 1: nack refused=199.1 promised=200.2 chosenUpTo=0",
    ]);
    expect(createSolo({ voter: false }).message(2, prepare("200.2"))).toEqual([]);
  });

  test("nobody prepares in the name of another", () => {
    expect(createSolo().message(1, prepare("200.2"))).toEqual([]);
  });

  test("what is decided is told beyond the candidate's prefix, as much as fits", () => {
    const tell = (promiseBytes: number): string | undefined => {
      const solo = createSolo({ tuning: { promiseBytes } });
      solo.message(1, learn(1, ["a#1", "a#2", "a#3"]));
      return solo.message(2, prepare("200.2", "150.0", 9))[1];
    };
    expect(tell(10_000)).toContain("first=1 values=[a#1 a#2 a#3]");
    expect(tell(60)).toContain("first=3 values=[a#3]");
  });
});

describe("a sync", () => {
  test("replaces the end of the log in one record, and is durable before it is told", () => {
    const solo = promised();
    expect(solo.message(2, acceptSync("200.2", NONCE + 1, "100.1", 2, ["b#2"]))).toEqual([
      "persist synced 200.2 2 [b#2]",
      "send 2: accepted ballot=200.2 length=2 chosenUpTo=0",
    ]);
    expect(solo.log()).toBe("1:a#1 2:b#2 @200.2");
  });

  test("cuts what the leader does not have", () => {
    const solo = promised();
    solo.message(2, acceptSync("200.2", NONCE + 1, "100.1", 2, []));
    expect(solo.log()).toBe("1:a#1 @200.2");
  });

  test("X7: must answer the last promise; an old or doubled one changes nothing", () => {
    const solo = promised();
    // Asked by a candidate that holds less now, and needs to be told more.
    solo.message(2, prepare("200.2", "100.1", 1));
    expect(solo.message(2, acceptSync("200.2", NONCE + 1, "100.1", 1, []))).toEqual([]);
    expect(solo.log()).toBe("1:a#1 2:a#2 @100.1");
    const last = acceptSync("200.2", NONCE + 2, "100.1", 3, ["b#3"]);
    solo.message(2, last);
    solo.message(2, accept("200.2", 4, ["b#4"]));
    // Twice: the log has grown since, and is told again instead of cut.
    expect(solo.message(2, last)).toEqual(["send 2: accepted ballot=200.2 length=4 chosenUpTo=0"]);
    expect(solo.log()).toBe("1:a#1 2:a#2 3:b#3 4:b#4 @200.2");
  });

  test("may take longer than it takes to promise again: that is the same promise", () => {
    const solo = promised();
    const pauses: (number | undefined)[] = [];
    for (let time = 1; time <= 6; time += 1) {
      pauses.push(solo.timers.get("resend"));
      solo.timeout("resend");
    }
    const [first = 0] = pauses;
    expect(pauses).toEqual([1, 2, 4, 8, 16, 16].map((times) => times * first));
    solo.message(2, prepare("200.2", "100.1", 2));
    solo.message(2, acceptSync("200.2", NONCE + 1, "100.1", 3, ["b#3"]));
    expect(solo.log()).toBe("1:a#1 2:a#2 3:b#3 @200.2");
  });

  test("must go on from the log that was promised", () => {
    const solo = promised();
    for (const [previous, first] of [
      ["150.1", 3],
      ["100.1", 4],
    ] as const)
      expect(solo.message(2, acceptSync("200.2", NONCE + 1, previous, first, ["b#9"]))).toEqual([]);
  });

  test("keeps what is decided here, whatever it begins with", () => {
    const solo = promised();
    solo.message(1, learn(1, ["a#1"]));
    // Caught up, it has promised again.
    solo.message(2, acceptSync("200.2", NONCE + 2, "100.1", 1, ["x#1", "b#2"], 1));
    expect(solo.log()).toBe("1:a#1 2:b#2 @200.2");
  });
});

describe("accepts", () => {
  const inStep = (): Solo => {
    const solo = promised();
    solo.message(2, acceptSync("200.2", NONCE + 1, "100.1", 3, []));
    return solo;
  };

  test("append, durably before they are answered", () => {
    expect(inStep().message(2, accept("200.2", 3, ["b#3", "b#4"], 2))).toEqual([
      "persist accepted 200.2 3 [b#3 b#4]",
      "send 2: accepted ballot=200.2 length=4 chosenUpTo=0",
      "note chosen 2",
      "deliver 1: a#1",
      "deliver 2: a#2",
    ]);
  });

  test("X8: that come too early wait; with one missing nothing is appended in its place", () => {
    const solo = inStep();
    expect(solo.message(2, accept("200.2", 4, ["b#4"]))).toEqual([
      "send 2: accepted ballot=200.2 length=2 chosenUpTo=0",
    ]);
    expect(solo.message(2, accept("200.2", 3, ["b#3"]))[0]).toBe(
      "persist accepted 200.2 3 [b#3 b#4]",
    );
  });

  test("that come twice are answered, not appended", () => {
    const solo = inStep();
    solo.message(2, accept("200.2", 3, ["b#3"]));
    expect(solo.message(2, accept("200.2", 3, ["b#3"]))).toEqual([
      "send 2: accepted ballot=200.2 length=3 chosenUpTo=0",
    ]);
    expect(() => solo.message(2, accept("200.2", 3, ["x#3"]))).toThrow("two values in slot 3");
  });

  test("of a leader that lost a slot, as was learned elsewhere, are dropped", () => {
    const solo = inStep();
    solo.message(1, learn(1, ["a#1", "a#2", "c#3"]));
    expect(solo.message(2, accept("200.2", 3, ["b#3", "b#4"]))).toEqual([
      "sendNow 1: prepareRequest ballot=200.2 chosenUpTo=3",
      "sendNow 2: prepareRequest ballot=200.2 chosenUpTo=3",
    ]);
    expect(solo.log()).toBe("1:a#1 2:a#2 3:c#3 @200.2");
    expect(solo.message(2, accept("200.2", 4, ["b#4"]))).toEqual([]);
  });

  test("are not taken before the sync, nor with another log before them", () => {
    const solo = promised();
    expect(solo.message(2, accept("200.2", 3, ["b#3"]))).toEqual([]);
    const other = { ...accept("200.2", 3, ["b#3"]), previous: ballot("100.1") };
    expect(inStep().message(2, other as Parameters<Solo["message"]>[1])).toEqual([]);
    expect(solo.log()).toBe("1:a#1 2:a#2 @100.1");
  });

  test("of a ballot that was never prepared here: asks for that", () => {
    expect(inStep().message(1, accept("300.1", 3, ["c#3"]))).toEqual([
      "sendNow 1: prepareRequest ballot=200.2 chosenUpTo=0",
    ]);
  });

  test("what the leader says of its log decides only a log of that ballot", () => {
    const solo = promised();
    solo.message(2, { kind: "decide", ballot: ballot("200.2"), chosenUpTo: 2 });
    expect(solo.state.decidedUpTo).toBe(0);
    expect(solo.timers.has("catchUp")).toBe(true);
  });
});

describe("recovery from the disk is a phase of its own", () => {
  const restarted = (): Solo =>
    createSolo({ records: [synced("200.2", 1, ["a#1"]), acceptedRecord("200.2", 2, ["a#2"])] });

  test("asks to be prepared, again and again, and takes nothing before", () => {
    const solo = restarted();
    const ask = "prepareRequest ballot=200.2 chosenUpTo=0";
    expect(solo.started).toEqual([`sendNow 1: ${ask}`, `sendNow 2: ${ask}`]);
    expect([stage(solo), solo.timeout("resend").length]).toEqual(["recover", 2]);
    expect(solo.linkUp(1)).toEqual([`sendNow 1: ${ask}`]);
    expect(solo.message(2, accept("200.2", 3, ["a#3"]))).toEqual([]);
  });

  test("prepared again in the same ballot, its log goes on where it ends", () => {
    const solo = restarted();
    expect(solo.message(2, prepare("200.2", "200.2", 3))).toEqual([
      "send 2: promise ballot=200.2 acceptedIn=200.2 length=2 chosenUpTo=0 first=1 values=[]",
    ]);
    expect(stage(solo)).toBe("accepting");
    solo.message(2, accept("200.2", 3, ["a#3"]));
    expect(solo.log()).toBe("1:a#1 2:a#2 3:a#3 @200.2");
  });
});

describe("decided values from anybody", () => {
  test("that contradict the log end it, and what was accepted counts no more", () => {
    const solo = createSolo({ records: [synced("100.1", 1, ["a#1", "a#2", "a#3"])] });
    expect(solo.message(1, learn(1, ["a#1", "b#2"]))[2]).toBe("persist learned 1 [a#1 b#2] true");
    expect(solo.log()).toBe("1:a#1 2:b#2 @0.0");
    expect(stage(solo)).toBe("recover");
  });

  test("that the log holds already cost no write", () => {
    const solo = createSolo({ records: [synced("100.1", 1, ["a#1", "a#2"])] });
    expect(solo.message(1, learn(1, ["a#1"]))).toEqual(["note chosen 1", "deliver 1: a#1"]);
    expect(solo.log()).toBe("1:a#1 2:a#2 @100.1");
  });
});
