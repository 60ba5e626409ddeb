import { describe, expect, test } from "vitest";
import {
  accept,
  accepted,
  acceptSync,
  ballot,
  createSolo,
  prepare,
  promise,
  synced,
  value,
} from "./testing/solo.ts";

/**
 * A term of Sequence Paxos as the paper has it (§4): prepare, promise with the log that the leader
 * lacks, synchronisation of all logs, accepts, decisions. Server 0 becomes leader in round 3; 1 has
 * a longer log of the same round as its own, 2 a shorter one of an older round.
 */
const NONCE = 0x20_0000;

describe("prepare phase", () => {
  const begin = () => {
    const solo = createSolo({ records: [synced("200.1", 1, ["C1"])] });
    const campaign = solo.campaign("300.0");
    solo.durable();
    return { solo, campaign };
  };

  test("the leader promises itself, then sends its round and how its log compares", () => {
    expect(begin().campaign).toEqual([
      "persist promised 300.0",
      "send 0,1,2: prepare ballot=300.0 acceptedIn=200.1 length=1 chosenUpTo=0",
    ]);
  });

  test("a follower with a more updated log sends what the leader lacks of it", () => {
    const follower = createSolo({ self: 1, records: [synced("200.1", 1, ["C1", "C2"])] });
    expect(follower.message(0, prepare("300.0", "200.1", 1))).toEqual([
      "persist promised 300.0",
      "send 0: promise ballot=300.0 acceptedIn=200.1 length=2 chosenUpTo=0 first=2 values=[C2#1]",
    ]);
  });

  test("with a majority the leader adopts the most updated log, and proposes what waits", () => {
    const { solo } = begin();
    solo.propose("C3");
    const lines = solo.message(
      1,
      promise("300.0", {
        acceptedIn: ballot("200.1"),
        length: 2,
        first: 2,
        values: [value("C2")],
      }),
    );
    expect(lines).toEqual([
      "persist synced 300.0 2 [C2#1]",
      "send 0: accepted ballot=300.0 length=2 chosenUpTo=0",
      "persist accepted 300.0 3 [C3#1]",
      "send 0: accepted ballot=300.0 length=3 chosenUpTo=0",
      // It shared all of its log with the leader's: only what is new is sent.
      "sendNow 1: acceptSync ballot=300.0 previous=200.1 first=3 values=[C3#1] chosenUpTo=0",
    ]);
  });

  test("a straggler that promises later is synchronised from what is decided", () => {
    const { solo } = begin();
    solo.message(1, promise("300.0", { acceptedIn: ballot("100.2"), length: 0 }));
    solo.durable();
    solo.message(1, accepted("300.0", 1));
    const late = promise("300.0", { acceptedIn: ballot("100.2"), length: 4 });
    expect(solo.message(2, late)).toEqual([
      "sendNow 2: acceptSync ballot=300.0 previous=100.2 first=1 values=[C1#1] chosenUpTo=1",
    ]);
  });
});

describe("accept phase", () => {
  test("a follower appends, answers with its length, and decides as the leader says", () => {
    const follower = createSolo({ self: 1 });
    follower.message(0, prepare("300.0"));
    follower.message(0, acceptSync("300.0", NONCE + 1, "0.0", 1, ["C1"]));
    expect(follower.message(0, accept("300.0", 2, ["C2"]))).toEqual([
      "persist accepted 300.0 2 [C2#1]",
      "send 0: accepted ballot=300.0 length=2 chosenUpTo=0",
    ]);
    const decide = { kind: "decide", ballot: ballot("300.0"), chosenUpTo: 2 } as const;
    expect(follower.message(0, decide)).toEqual([
      "note chosen 2",
      "deliver 1: C1#1",
      "deliver 2: C2#1",
    ]);
  });

  test("the leader decides what a majority accepted, itself when it is durable", () => {
    const solo = createSolo();
    solo.campaign("300.0");
    solo.durable();
    solo.message(1, promise("300.0"));
    solo.durable();
    solo.message(1, accepted("300.0", 0));
    solo.propose("C1");
    expect(solo.message(1, accepted("300.0", 1))).toEqual([]);
    expect(solo.durable()).toEqual([
      "note chosen 1",
      "deliver 1: C1#1",
      "sendNow 1,2: decide ballot=300.0 chosenUpTo=1",
    ]);
  });

  test("SC1, SC2: a new leader keeps what may be decided, and adds to it", () => {
    // 1 and 2 accepted C1 in round 2; 0 never saw it, and is promised by 2 alone.
    const solo = createSolo();
    solo.campaign("300.0");
    solo.durable();
    const log = { acceptedIn: ballot("200.1"), length: 1, values: [value("C1")] };
    solo.message(2, promise("300.0", log));
    solo.propose("C2");
    expect(solo.log()).toBe("1:C1#1 2:C2#1 @300.0");
  });
});
