import { describe, expect, test } from "vitest";
import {
  accept,
  acceptedRecord,
  ballot,
  commit,
  createSolo,
  heartbeat,
  learn,
  prepare,
  REQUEST_BYTES,
  type Solo,
} from "./testing/solo.ts";
import { SLOTS_AHEAD_MAX } from "./tuning.ts";

/** Node 0 of three, with slots 1 to 3 chosen by node 1 and slots 4 and 6 accepted from it. */
function experienced(tuning: Record<string, number> = {}, voter = true): Solo {
  const solo = createSolo({ tuning, voter });
  solo.message(1, accept("1.1", 1, ["a#1", "a#2", "a#3", "a#4"]));
  solo.message(1, commit("1.1", 3));
  solo.message(1, accept("1.1", 6, ["a#6"], 3));
  return solo;
}

describe("phase 1b", () => {
  test("the promise is durable before it is told", () => {
    expect(createSolo().message(2, prepare("3.2"))).toEqual([
      "persist promised 3.2",
      "send 2: promise ballot=3.2 chosenUpTo=0 omittedUpTo=0 first=1 last=end entries=[]",
    ]);
  });

  test("a promise carries chosenUpTo and everything accepted above the candidate's own", () => {
    expect(experienced().message(2, prepare("3.2", 2)).at(-1)).toBe(
      "send 2: promise ballot=3.2 chosenUpTo=3 omittedUpTo=0 first=3 last=end " +
        "entries=[3!:1.1:a#3 4:1.1:a#4 6:1.1:a#6]",
    );
    expect(experienced().message(2, prepare("3.2", 0)).at(-1)).toContain(
      "first=1 last=end entries=[1!:1.1:a#1 2!:1.1:a#2 3!:1.1:a#3 4:1.1:a#4 6:1.1:a#6]",
    );
    // What the candidate has and this replica lacks is none of this replica's business.
    expect(experienced().message(2, prepare("3.2", 5)).at(-1)).toContain(
      "chosenUpTo=3 omittedUpTo=0 first=6 last=end entries=[6:1.1:a#6]",
    );
  });

  test("entries rise by slot, however they came", () => {
    const solo = createSolo();
    solo.message(1, accept("1.1", 5, ["a#5"]));
    solo.message(1, accept("1.1", 2, ["a#2"]));
    solo.message(1, learn(3, ["a#3"]));
    expect(solo.message(2, prepare("3.2")).at(-1)).toContain(
      "entries=[2:1.1:a#2 3!:0.0:a#3 5:1.1:a#5]",
    );
  });

  test("what is compacted is said to need a snapshot, never left out in silence", () => {
    const solo = experienced({ retainBytes: 0 });
    solo.compact(2);
    expect(solo.message(2, prepare("3.2")).at(-1)).toBe(
      "send 2: promise ballot=3.2 chosenUpTo=3 omittedUpTo=2 first=3 last=end " +
        "entries=[3!:1.1:a#3 4:1.1:a#4 6:1.1:a#6]",
    );
  });

  test("chosen values beyond promiseBytes are omitted, unchosen ones never", () => {
    // Room for one chosen value: slots 1 and 2 are left to catch-up.
    const solo = experienced({ promiseBytes: REQUEST_BYTES + 40 });
    expect(solo.message(2, prepare("3.2")).at(-1)).toContain(
      "omittedUpTo=2 first=3 last=end entries=[3!:1.1:a#3 4:1.1:a#4 6:1.1:a#6]",
    );
    const tight = experienced({ promiseBytes: 1 });
    expect(tight.message(2, prepare("3.2")).at(-1)).toContain(
      "omittedUpTo=3 first=4 last=end entries=[4:1.1:a#4 6:1.1:a#6]",
    );
    // A candidate that has them anyway is not told that they were omitted.
    const near = experienced({ promiseBytes: REQUEST_BYTES + 40 });
    expect(near.message(2, prepare("3.2", 2)).at(-1)).toContain("omittedUpTo=0 first=3");
  });

  test("a long promise comes in parts without a gap, the last one open to the end", () => {
    const solo = experienced({ chunkBytes: 2 * REQUEST_BYTES + 40 });
    const head = "send 2: promise ballot=3.2 chosenUpTo=3 omittedUpTo=0";
    expect(solo.message(2, prepare("3.2")).slice(1)).toEqual([
      `${head} first=1 last=2 entries=[1!:1.1:a#1 2!:1.1:a#2]`,
      `${head} first=3 last=4 entries=[3!:1.1:a#3 4:1.1:a#4]`,
      `${head} first=5 last=end entries=[6:1.1:a#6]`,
    ]);
    const each = experienced({ chunkBytes: 1 });
    expect(each.message(2, prepare("3.2")).slice(1)).toHaveLength(5);
  });

  test("the same ballot is promised again without another record", () => {
    const solo = createSolo();
    const [, first] = solo.message(2, prepare("3.2"));
    expect(solo.message(2, prepare("3.2"))).toEqual([first]);
  });

  test("a lower ballot is refused with the highest one known", () => {
    const solo = createSolo();
    solo.message(2, prepare("3.2"));
    expect(solo.message(1, prepare("3.1"))).toEqual([
      "sendNow 1: nack refused=3.1 promised=3.2 chosenUpTo=0",
    ]);
    solo.message(1, heartbeat("4.1"));
    expect(solo.message(1, prepare("2.1"))).toEqual([
      "sendNow 1: nack refused=2.1 promised=4.1 chosenUpTo=0",
    ]);
    expect(solo.state.promised).toEqual(ballot("3.2"));
  });

  test("a ballot below that of a leader that is followed is refused: it comes too late", () => {
    const solo = createSolo();
    solo.message(2, heartbeat("4.2"));
    solo.propose("a#1");
    expect(solo.message(1, prepare("3.1"))).toEqual([
      "sendNow 1: nack refused=3.1 promised=4.2 chosenUpTo=0",
    ]);
    expect(solo.state.leader).toBe(2);
  });

  test("only the owner of a ballot may ask for it", () => {
    const solo = createSolo();
    expect(solo.message(1, prepare("3.2"))).toEqual([]);
    expect(solo.state.promised).toEqual(ballot("0.0"));
    expect(solo.state.seen).toEqual(ballot("0.0"));
  });

  test("who does not vote promises and refuses nothing, but remembers the ballot", () => {
    const solo = createSolo({ voter: false });
    expect(solo.message(2, prepare("3.2"))).toEqual([]);
    expect(solo.state.promised).toEqual(ballot("0.0"));
    expect(solo.state.seen).toEqual(ballot("3.2"));
    solo.message(2, heartbeat("5.2"));
    expect(solo.message(1, prepare("4.1"))).toEqual([]);
  });

  test("a promise ends the leadership that stood here", () => {
    const solo = createSolo();
    solo.lead();
    solo.durable();
    const lines = solo.message(2, prepare("2.2"));
    expect(lines.slice(0, 2)).toEqual(["release unknown all", "persist promised 2.2"]);
    expect(solo.state.role.kind).toBe("follower");
    expect(solo.state.leader).toBe(null);
    expect([...solo.timers.keys()]).toEqual(["election"]);
  });

  test("a promise forgets the leader, and waits a full election time-out for the next", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    solo.timers.delete("election");
    solo.message(2, prepare("3.2"));
    expect(solo.state.leader).toBe(null);
    expect(solo.state.leaderAlive).toBe(false);
    expect(solo.timers.has("quiet")).toBe(false);
    expect(solo.timers.get("election")).toBeGreaterThanOrEqual(solo.state.tuning.electionMs);
  });
});

describe("phase 2b", () => {
  test("the acceptance is durable before it is told; it promises the ballot too", () => {
    const solo = createSolo();
    expect(solo.message(1, accept("4.1", 1, ["a#1", "-"]))).toEqual([
      "persist accepted 4.1 1:[a#1 -]",
      "send 1: accepted ballot=4.1 runs=[1..2] chosenUpTo=0",
    ]);
    expect(solo.state.promised).toEqual(ballot("4.1"));
    expect(solo.message(2, accept("3.2", 1, ["b#1"]))).toEqual([
      "sendNow 2: nack refused=3.2 promised=4.1 chosenUpTo=0",
    ]);
    expect(solo.log()).toEqual(["1:4.1:a#1", "2:4.1:-"]);
  });

  test("below the promise nothing is accepted", () => {
    const solo = createSolo();
    solo.message(2, prepare("5.2"));
    expect(solo.message(1, accept("5.1", 1, ["a#1"]))).toEqual([
      "sendNow 1: nack refused=5.1 promised=5.2 chosenUpTo=0",
    ]);
    expect(solo.log()).toEqual([]);
  });

  test("below the ballot of a leader that was heard nothing is accepted either", () => {
    const solo = createSolo();
    solo.message(2, heartbeat("5.2"));
    expect(solo.message(1, accept("5.1", 1, ["a#1"]))).toEqual([
      "sendNow 1: nack refused=5.1 promised=5.2 chosenUpTo=0",
    ]);
  });

  test("a higher ballot takes the place of a lower one, unless the slot is chosen", () => {
    const solo = experienced();
    const lines = solo.message(2, accept("2.2", 3, ["b#3", "b#4"]));
    expect(lines).toEqual([
      "sendNow 2: learn first=3 values=[a#3] chosenUpTo=3",
      "persist accepted 2.2 4:[b#4]",
      "send 2: accepted ballot=2.2 runs=[4] chosenUpTo=3",
    ]);
    expect(solo.log().slice(2)).toEqual(["3!:1.1:a#3", "4:2.2:b#4", "6:1.1:a#6"]);
  });

  test("a chosen value is told even when the leader proposes the same one", () => {
    const solo = experienced();
    expect(solo.message(2, accept("2.2", 3, ["a#3"]))).toEqual([
      "sendNow 2: learn first=3 values=[a#3] chosenUpTo=3",
    ]);
  });

  test("what is accepted already is answered again, without another record", () => {
    const solo = experienced();
    // Slot 3 is chosen by now: it was accepted in this ballot all the same.
    expect(solo.message(1, accept("1.1", 3, ["a#3", "a#4", "a#5"]))).toEqual([
      "persist accepted 1.1 5:[a#5]",
      "send 1: accepted ballot=1.1 runs=[3..5] chosenUpTo=3",
    ]);
    expect(solo.message(1, accept("1.1", 5, ["a#5"]))).toEqual([
      "send 1: accepted ballot=1.1 runs=[5] chosenUpTo=3",
    ]);
  });

  test("one record per run of new slots", () => {
    const solo = createSolo();
    solo.message(1, accept("1.1", 2, ["a#2"]));
    expect(solo.message(1, accept("1.1", 1, ["a#1", "a#2", "a#3"]))).toEqual([
      "persist accepted 1.1 1:[a#1]",
      "persist accepted 1.1 3:[a#3]",
      "send 1: accepted ballot=1.1 runs=[1..3] chosenUpTo=0",
    ]);
  });

  test("a compacted slot is answered with where the snapshot begins; the rest is accepted", () => {
    const solo = experienced({ retainBytes: 0 });
    solo.compact(3);
    expect(solo.message(2, accept("2.2", 3, ["b#3", "b#4"]))).toEqual([
      "persist accepted 2.2 4:[b#4]",
      "sendNow 2: behind compactedUpTo=3 chosenUpTo=3",
      "send 2: accepted ballot=2.2 runs=[4] chosenUpTo=3",
    ]);
    expect(solo.message(2, accept("2.2", 3, ["b#3"]))).toEqual([
      "sendNow 2: behind compactedUpTo=3 chosenUpTo=3",
    ]);
    expect(solo.state.log.has(3)).toBe(false);
  });

  test("no slot further ahead than any window is taken: a number costs no memory", () => {
    const solo = createSolo();
    expect(solo.message(1, accept("1.1", SLOTS_AHEAD_MAX + 1, ["a#1"]))).toEqual([]);
    expect(solo.message(1, accept("1.1", 2 ** 40, ["a#1"]))).toEqual([]);
    expect(solo.state.log.size).toBe(0);
    expect(solo.message(1, accept("1.1", SLOTS_AHEAD_MAX, ["a#1"]))).toHaveLength(2);
    expect(solo.state.leader).toBe(1);
  });

  test("only the owner of a ballot proposes in it", () => {
    const solo = createSolo();
    expect(solo.message(2, accept("1.1", 1, ["a#1"]))).toEqual([]);
    expect(solo.message(2, commit("1.1", 1))).toEqual([]);
    expect(solo.message(2, heartbeat("1.1"))).toEqual([]);
    expect(solo.log()).toEqual([]);
    expect(solo.state.leader).toBe(null);
  });

  test("who does not vote notes what it hears and says nothing", () => {
    const solo = createSolo({ voter: false });
    expect(solo.message(1, accept("1.1", 1, ["a#1"]))).toEqual(["note accepted 1.1 1:[a#1]"]);
    expect(solo.message(1, accept("1.1", 1, ["a#1"]))).toEqual([]);
    expect(solo.message(1, heartbeat("1.1"))).toEqual([]);
    expect(solo.message(1, commit("1.1", 1))).toEqual(["note chosen 1", "deliver 1: a#1"]);
  });

  test("a leader that hears of a higher one accepts, and leads no more", () => {
    const solo = createSolo();
    solo.lead();
    solo.durable();
    expect(solo.message(2, accept("2.2", 1, ["b#1"]))).toEqual([
      "release unknown all",
      "persist accepted 2.2 1:[b#1]",
      "send 2: accepted ballot=2.2 runs=[1] chosenUpTo=0",
    ]);
    expect(solo.state.role.kind).toBe("follower");
    expect(solo.state.leader).toBe(2);
  });
});

describe("what a leader says of its slots", () => {
  test("marks as chosen what was accepted in just that ballot", () => {
    const solo = createSolo();
    solo.message(1, accept("1.1", 1, ["a#1", "a#2"]));
    solo.message(2, accept("2.2", 2, ["b#2"]));
    // Slot 1 holds the value of a ballot that may have lost.
    expect(solo.message(2, commit("2.2", 2))).toEqual([]);
    expect(solo.message(2, accept("2.2", 1, ["b#1"], 2))).toEqual([
      "persist accepted 2.2 1:[b#1]",
      "send 2: accepted ballot=2.2 runs=[1] chosenUpTo=0",
      "note chosen 2",
      "deliver 1: b#1",
      "deliver 2: b#2",
    ]);
  });

  test("is carried by accepts and heartbeats alike", () => {
    const solo = createSolo();
    solo.message(1, accept("1.1", 1, ["a#1", "a#2"]));
    expect(solo.message(1, heartbeat("1.1", 1))).toEqual([
      "sendNow 1: heartbeatAck ballot=1.1 round=1 chosenUpTo=0",
      "note chosen 1",
      "deliver 1: a#1",
    ]);
    expect(solo.message(1, accept("1.1", 3, ["a#3"], 2)).slice(2)).toEqual([
      "note chosen 2",
      "deliver 2: a#2",
    ]);
  });

  test("of an outdated ballot is refused", () => {
    const solo = createSolo();
    solo.message(1, accept("1.1", 1, ["a#1"]));
    solo.message(2, prepare("2.2"));
    for (const late of [commit("1.1", 1), heartbeat("1.1", 1)])
      expect(solo.message(1, late)).toEqual([
        "sendNow 1: nack refused=1.1 promised=2.2 chosenUpTo=0",
      ]);
    expect(solo.log()).toEqual(["1:1.1:a#1"]);
  });
});

describe("heartbeats", () => {
  test("are answered at once with their own round, and put off the election", () => {
    const solo = createSolo();
    solo.timers.clear();
    expect(solo.message(1, heartbeat("1.1", 0, 7))).toEqual([
      "sendNow 1: heartbeatAck ballot=1.1 round=7 chosenUpTo=0",
    ]);
    expect(solo.timers.get("quiet")).toBe(solo.state.tuning.electionMs);
    solo.timers.clear();
    solo.message(1, heartbeat("1.1", 0, 8));
    expect(solo.timers.get("quiet")).toBe(solo.state.tuning.electionMs);
    expect(solo.timers.get("election")).toBeGreaterThanOrEqual(solo.state.tuning.electionMs);
    expect(solo.timers.get("election")).toBeLessThanOrEqual(2 * solo.state.tuning.electionMs);
  });

  test("promise nothing durably", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("4.1"));
    expect(solo.state.promised).toEqual(ballot("0.0"));
  });

  test("a recovered promise refuses as before the crash", () => {
    const solo = createSolo({ records: [{ kind: "promised", ballot: ballot("5.2") }] });
    expect(solo.message(1, heartbeat("5.1"))).toEqual([
      "sendNow 1: nack refused=5.1 promised=5.2 chosenUpTo=0",
    ]);
    const accepting = createSolo({ records: [acceptedRecord("5.2", 1, ["a#1"])] });
    expect(accepting.message(1, prepare("5.1"))).toEqual([
      "sendNow 1: nack refused=5.1 promised=5.2 chosenUpTo=0",
    ]);
  });

  test("strangers are not heard", () => {
    const solo = createSolo();
    expect(solo.message(7, prepare("3.7"))).toEqual([]);
    expect(solo.state.seen).toEqual(ballot("0.0"));
  });
});
