import { describe, expect, test } from "vitest";
import {
  accept,
  commit,
  createSolo,
  heartbeat,
  learn,
  prepare,
  REQUEST_BYTES,
  type Solo,
} from "./testing/solo.ts";

function catchUp(first: number, last: number) {
  return { kind: "catchUp", first, last } as const;
}

function behind(compactedUpTo: number, chosenUpTo = compactedUpTo) {
  return { kind: "behind", compactedUpTo, chosenUpTo } as const;
}

/** The requests `a#first` to `a#last`. */
function names(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `a#${first + index}`);
}

/** Node 0 of five, led by node 1, with `chosen` slots known to be chosen and none held. */
function lagging(chosen: number, tuning: Record<string, number> = {}): Solo {
  const solo = createSolo({ size: 5, tuning: { window: 4, ...tuning } });
  solo.message(1, heartbeat("1.1"));
  solo.message(3, { kind: "probe", attempt: 1, chosenUpTo: chosen });
  return solo;
}

describe("who is behind", () => {
  test("a little waits first: what is missing may be under way", () => {
    const solo = lagging(4);
    expect(solo.timers.get("catchUp")).toBe(solo.state.tuning.catchUpMs);
    expect(solo.message(1, accept("1.1", 1, names(1, 4), 4)).at(-1)).toBe("deliver 4: a#4");
    expect(solo.timeout("catchUp")).toEqual([]);
    expect(solo.state.catchUp).toBe(null);
  });

  test("and stays so asks the leader for exactly what is missing", () => {
    const solo = lagging(4);
    expect(solo.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=1 last=4"]);
    expect(solo.timers.get("catchUp")).toBe(solo.state.tuning.resendMs);
  });

  test("and advances meanwhile waits once more", () => {
    const solo = lagging(4);
    solo.message(1, accept("1.1", 1, names(1, 2), 2));
    expect(solo.timeout("catchUp")).toEqual([]);
    expect(solo.timers.get("catchUp")).toBe(solo.state.tuning.catchUpMs);
    expect(solo.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=3 last=4"]);
  });

  test("by more than a window asks at once", () => {
    const solo = createSolo({ tuning: { window: 4 } });
    expect(solo.message(1, heartbeat("1.1", 5))).toEqual([
      "sendNow 1: heartbeatAck ballot=1.1 round=1 chosenUpTo=0",
      "sendNow 1: catchUp first=1 last=5",
    ]);
  });

  test("without a leader asks who knows more, then all in turn, never itself", () => {
    const solo = createSolo({ size: 4 });
    solo.message(3, prepare("1.3", 2));
    const asked = Array.from({ length: 5 }, () => solo.timeout("catchUp")[0]?.slice(0, 10));
    expect(asked).toEqual([3, 1, 2, 3, 1].map((member) => `sendNow ${member}:`));
  });

  test("asks the next member when one does not answer", () => {
    const solo = lagging(4);
    const asked = Array.from({ length: 5 }, () => solo.timeout("catchUp")[0]?.slice(0, 10));
    // The leader, then whoever told of the prefix, then the others.
    expect(asked).toEqual([1, 3, 2, 4, 1].map((member) => `sendNow ${member}:`));
  });

  test("asks for the next chunk as soon as one has come, while far behind", () => {
    const solo = createSolo({ tuning: { window: 4 } });
    solo.message(1, heartbeat("1.1", 20));
    expect(solo.message(1, learn(1, names(1, 6), 20)).at(-1)).toBe(
      "sendNow 1: catchUp first=7 last=20",
    );
    // Nearly there: the rest may be under way as accepts.
    const lines = solo.message(1, learn(7, names(7, 17), 20));
    expect(lines.at(-1)).toBe("deliver 17: a#17");
    expect(solo.timers.get("catchUp")).toBe(solo.state.tuning.catchUpMs);
    solo.message(1, learn(18, names(18, 20), 20));
    expect(solo.timeout("catchUp")).toEqual([]);
    expect(solo.timers.has("catchUp")).toBe(false);
  });

  test("asks no more after the last chunk", () => {
    const solo = createSolo({ tuning: { window: 4 } });
    solo.message(1, heartbeat("1.1", 6));
    solo.message(1, learn(1, names(1, 6)));
    expect(solo.state.catchUp).toBe(null);
    expect(solo.timers.has("catchUp")).toBe(false);
  });

  test("a chunk that was not asked for is learned, but is no answer", () => {
    const solo = createSolo({ tuning: { window: 4 } });
    solo.message(1, heartbeat("1.1", 20));
    const lines = solo.message(2, learn(2, names(2, 3), 20));
    expect(lines).toEqual(["note learned 2:[a#2 a#3]"]);
    expect(solo.state.catchUp?.answered).toBe(false);
  });

  test("alone nobody is asked", () => {
    const records = [
      { kind: "meta", promised: { round: 1, proposer: 0 }, compactedUpTo: 9 },
    ] as const;
    const meta = { ...records[0], stoppedAt: 0, impaired: false };
    const solo = createSolo({ size: 1, records: [meta] });
    expect(solo.timeout("catchUp")).toEqual([]);
  });
});

describe("who is asked", () => {
  function holding(tuning: Record<string, number> = {}): Solo {
    const solo = createSolo({ tuning });
    solo.message(1, accept("1.1", 1, names(1, 8)));
    solo.message(1, commit("1.1", 6));
    return solo;
  }

  test("answers what is chosen here, follower or not, and nothing beyond", () => {
    expect(holding().message(2, catchUp(2, 4))).toEqual([
      "sendNow 2: learn first=2 values=[a#2 a#3 a#4] chosenUpTo=6",
    ]);
    expect(holding().message(2, catchUp(5, 99))).toEqual([
      "sendNow 2: learn first=5 values=[a#5 a#6] chosenUpTo=6",
    ]);
    expect(holding().message(2, catchUp(7, 8))).toEqual([]);
  });

  test("answers in chunks, with one value at least", () => {
    const solo = holding({ chunkBytes: 2 * REQUEST_BYTES + 8 });
    expect(solo.message(2, catchUp(1, 6))).toEqual([
      "sendNow 2: learn first=1 values=[a#1 a#2] chosenUpTo=6",
    ]);
    expect(holding({ chunkBytes: 1 }).message(2, catchUp(3, 6))).toEqual([
      "sendNow 2: learn first=3 values=[a#3] chosenUpTo=6",
    ]);
  });

  test("says so when it has compacted what is asked for", () => {
    const solo = holding({ retainBytes: 0 });
    solo.compact(3);
    expect(solo.message(2, catchUp(3, 6))).toEqual([
      "sendNow 2: behind compactedUpTo=3 chosenUpTo=6",
    ]);
    expect(solo.message(2, catchUp(4, 6))).toEqual([
      "sendNow 2: learn first=4 values=[a#4 a#5 a#6] chosenUpTo=6",
    ]);
  });
});

describe("who is too far behind", () => {
  test("has the host fetch a snapshot, first from the one who said so", () => {
    const solo = lagging(9);
    expect(solo.message(3, behind(5, 9))).toEqual(["requestState 5 from 3,1,2,4"]);
    expect(solo.timers.get("catchUp")).toBe(solo.state.tuning.stateRetryMs);
    // Not again while that is under way.
    expect(solo.message(1, behind(5, 9))).toEqual([]);
  });

  test("asks again in case the transfer brought nothing", () => {
    const solo = lagging(9);
    solo.message(3, behind(5, 9));
    expect(solo.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=1 last=9"]);
    expect(solo.message(1, behind(6, 9))).toEqual(["requestState 6 from 1,2,3,4"]);
  });

  test("asks for the rest as soon as the snapshot is in place", () => {
    const solo = lagging(20);
    solo.message(3, behind(5, 20));
    expect(solo.installed(5)).toEqual([
      "checkpoint meta 0.0 compacted 5 | chosen 5",
      "sendNow 1: catchUp first=6 last=20",
    ]);
  });

  test("needs none when it has those slots by now, or asked nobody", () => {
    const solo = lagging(20);
    expect(solo.message(2, learn(1, names(1, 5), 20)).at(-1)).toContain("catchUp first=6");
    expect(solo.message(3, behind(5, 20))).toEqual([]);
    expect(solo.message(3, behind(6, 20))).toHaveLength(1);
    const content = createSolo();
    expect(content.message(1, behind(5))).toEqual([]);
    expect(content.state.known.chosenUpTo).toBe(5);
    // It has not asked yet; the question comes when the wait is over.
    expect(content.message(2, behind(5))).toEqual([]);
    expect(content.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=1 last=5"]);
  });
});
