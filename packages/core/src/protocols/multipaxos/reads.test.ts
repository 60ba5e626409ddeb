import { flexible } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  accepted,
  createSolo,
  heartbeat,
  heartbeatAck,
  leading,
  learn,
  prepare,
  promise,
  type Solo,
} from "./testing/solo.ts";

function readIndex(number: number, incarnation = 1) {
  return { kind: "readIndex", incarnation, number } as const;
}

function readAt(number: number, index: number, incarnation = 1) {
  return { kind: "readAt", incarnation, number, index } as const;
}

describe("reads at the leader", () => {
  test("wait for a round that began after them", () => {
    const solo = leading();
    expect(solo.read(7, 8)).toEqual(["sendNow 1,2: heartbeat ballot=1.0 round=2 chosenUpTo=1"]);
    // Round 1 began before the read: its confirmation proves nothing.
    expect(solo.message(1, heartbeatAck("1.0", 1))).toEqual([]);
    expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual(["readable 7,8 at 1"]);
    expect(solo.message(2, heartbeatAck("1.0", 2))).toEqual([]);
  });

  test("are at the prefix that was chosen when their round began", () => {
    const solo = leading();
    solo.read(7);
    solo.propose("a#1");
    solo.durable();
    solo.message(1, accepted("1.0", 2));
    expect(solo.state.chosenUpTo).toBe(2);
    expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual(["readable 7 at 1"]);
  });

  test("need a phase-2 quorum that still follows, whoever is in it", () => {
    const solo = leading({ size: 5 });
    solo.read(7);
    expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual([]);
    expect(solo.message(1, heartbeatAck("1.0", 3))).toEqual([]);
    expect(solo.message(2, heartbeatAck("2.0", 2))).toEqual([]);
    expect(solo.message(4, heartbeatAck("1.0", 2))).toEqual(["readable 7 at 1"]);
    const quorums = flexible([0, 1, 2, 3], { phase1: 2, phase2: 3 });
    const wide = leading({ size: 4, quorums });
    wide.message(2, accepted("1.0", 1));
    wide.read(7);
    expect(wide.message(1, heartbeatAck("1.0", 2))).toEqual([]);
    expect(wide.message(2, heartbeatAck("1.0", 2))).toEqual(["readable 7 at 1"]);
  });

  test("alone are answered at once", () => {
    expect(leading({ size: 1 }).read(7)).toEqual(["readable 7 at 1"]);
  });

  test("share rounds: at most two are under way, the rest goes with the next one", () => {
    const solo = leading();
    expect(solo.read(1)).toHaveLength(1);
    expect(solo.read(2)).toEqual(["sendNow 1,2: heartbeat ballot=1.0 round=3 chosenUpTo=1"]);
    expect(solo.read(3)).toEqual([]);
    expect(solo.read(4)).toEqual([]);
    expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual([
      "readable 1 at 1",
      "sendNow 1,2: heartbeat ballot=1.0 round=4 chosenUpTo=1",
    ]);
    // A later round confirms all earlier ones.
    expect(solo.message(2, heartbeatAck("1.0", 4))).toEqual([
      "readable 2 at 1",
      "readable 3 at 1",
      "readable 4 at 1",
    ]);
  });

  test("ride on the next heartbeat when no round of their own has room", () => {
    const solo = leading();
    for (const read of [1, 2, 3]) solo.read(read);
    solo.timeout("heartbeat");
    expect(solo.message(1, heartbeatAck("1.0", 4))).toEqual([
      "readable 1 at 1",
      "readable 2 at 1",
      "readable 3 at 1",
    ]);
  });

  test("an answer to an older round does not take back one to a newer", () => {
    const solo = leading({ size: 5 });
    solo.read(7);
    solo.message(1, heartbeatAck("1.0", 2));
    solo.message(1, heartbeatAck("1.0", 1));
    expect(solo.message(2, heartbeatAck("1.0", 2))).toEqual(["readable 7 at 1"]);
  });

  test("wait until everything chosen before the ballot is known", () => {
    const solo = createSolo();
    solo.lead();
    solo.durable();
    expect(solo.read(7)).toEqual([]);
    solo.timeout("heartbeat");
    expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual([]);
    expect(solo.message(1, accepted("1.0", 1))).toEqual([
      "note chosen 1",
      "deliver 1: -",
      "sendNow 1,2: commit ballot=1.0 chosenUpTo=1",
      "sendNow 1,2: heartbeat ballot=1.0 round=3 chosenUpTo=1",
    ]);
    expect(solo.message(1, heartbeatAck("1.0", 3))).toEqual(["readable 7 at 1"]);
  });

  test("are not begun after a stop: the next configuration may know more", () => {
    const solo = leading();
    solo.stop("stop#1");
    solo.durable();
    solo.message(1, accepted("1.0", 2));
    expect(solo.state.stoppedAt).toBe(2);
    expect(solo.read(7)).toEqual([]);
  });

  test("are not begun before what is chosen is delivered: it may hold a stop", () => {
    const solo = leading({ tuning: { deliverBytes: 1 } });
    solo.propose("a#1");
    solo.propose("a#2");
    solo.stop("stop#1");
    solo.durable();
    solo.message(1, accepted("1.0", 2, 4));
    expect([solo.state.chosenUpTo, solo.state.deliveredUpTo]).toEqual([4, 2]);
    expect(solo.read(7)).toEqual(["deliver 3: a#2"]);
    expect(solo.timeout("deliver")).toContain("deliver 4: stop#1");
    expect(solo.message(1, heartbeatAck("1.0", 9))).toEqual([]);
  });

  test("of others are answered to them, under their own number and incarnation", () => {
    const solo = leading();
    expect(solo.message(2, readIndex(40, 3))).toEqual([
      "sendNow 1,2: heartbeat ballot=1.0 round=2 chosenUpTo=1",
    ]);
    expect(solo.message(2, heartbeatAck("1.0", 2))).toEqual([
      "sendNow 2: readAt incarnation=3 number=40 index=1",
    ]);
  });

  test("of others beyond a bound are forgotten: they ask again", () => {
    const solo = leading();
    solo.read(1);
    solo.read(2);
    for (let number = 0; number < 9000; number += 1) solo.message(2, readIndex(number));
    const { role } = solo.state;
    expect(role.kind === "leader" && role.waiting.length).toBe(8192);
  });

  test("pass to the next leader when this one is lost", () => {
    const solo = leading();
    solo.read(7);
    solo.message(2, readIndex(1));
    solo.read(8);
    solo.message(2, prepare("2.2"));
    expect(solo.timers.get("reads")).toBe(solo.state.tuning.readRetryMs);
    // Those of others are theirs to ask again.
    expect(solo.message(2, heartbeat("2.2"))).toContain(
      "sendNow 2: readIndex incarnation=1 number=2",
    );
    expect(solo.message(2, readAt(2, 5))).toEqual(["readable 7,8 at 5"]);
  });
});

describe("reads at a follower", () => {
  function following(): Solo {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    return solo;
  }

  test("ask the leader, under a number of their own", () => {
    const solo = following();
    expect(solo.read(7)).toEqual(["sendNow 1: readIndex incarnation=1 number=1"]);
    expect(solo.read(8, 9)).toEqual(["sendNow 1: readIndex incarnation=1 number=2"]);
    expect(solo.message(1, readAt(2, 4))).toEqual(["readable 8,9 at 4"]);
    expect(solo.timers.has("reads")).toBe(true);
    expect(solo.message(1, readAt(1, 3))).toEqual(["readable 7 at 3"]);
    expect(solo.timers.has("reads")).toBe(false);
    expect(solo.message(1, readAt(1, 3))).toEqual([]);
  });

  test("take no answer meant for an earlier life of this node", () => {
    const solo = createSolo({ incarnation: 2 });
    solo.message(1, heartbeat("1.1"));
    solo.read(7);
    expect(solo.message(1, readAt(1, 3, 1))).toEqual([]);
    expect(solo.message(1, readAt(1, 3, 2))).toEqual(["readable 7 at 3"]);
  });

  test("are asked again, all in one, and then take no answer to the old question", () => {
    const solo = following();
    solo.read(7);
    solo.read(8);
    expect(solo.timeout("reads")).toEqual(["sendNow 1: readIndex incarnation=1 number=3"]);
    expect(solo.message(1, readAt(1, 3))).toEqual([]);
    expect(solo.message(1, readAt(3, 4))).toEqual(["readable 7,8 at 4"]);
  });

  test("are asked again over a new connection to the leader, and of a new leader", () => {
    const solo = following();
    solo.read(7);
    expect(solo.linkUp(2)).toEqual([]);
    expect(solo.linkUp(1)).toEqual(["sendNow 1: readIndex incarnation=1 number=2"]);
    expect(solo.message(2, heartbeat("2.2"))[0]).toBe(
      "sendNow 2: readIndex incarnation=1 number=3",
    );
  });

  test("wait for a leader when there is none, and are served by this replica if it is one", () => {
    const solo = createSolo();
    expect(solo.read(7)).toEqual([]);
    expect(solo.timers.get("reads")).toBe(solo.state.tuning.readRetryMs);
    solo.lead();
    expect(solo.timers.has("reads")).toBe(false);
    solo.durable();
    solo.message(1, accepted("1.0", 1));
    expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual(["readable 7 at 1"]);
  });

  test("no reads are no question", () => {
    expect(following().read()).toEqual([]);
  });

  test("a replica that does not lead does not answer for the leader", () => {
    const solo = following();
    expect(solo.message(2, readIndex(1))).toEqual([]);
    solo.campaign();
    expect(solo.message(2, readIndex(1))).toEqual([]);
  });
});

test("a leader that is behind what a promise told serves no reads before it has caught up", () => {
  const solo = createSolo();
  solo.campaign();
  solo.durable();
  const own = { round: 1, proposer: 0 };
  solo.message(1, promise(own, { chosenUpTo: 2, omittedUpTo: 2, first: 3 }));
  solo.durable();
  solo.message(1, accepted("1.0", 3));
  expect(solo.read(7)).toEqual([]);
  expect(solo.message(1, learn(1, ["a#1", "a#2"]))).toContain(
    "sendNow 1,2: heartbeat ballot=1.0 round=2 chosenUpTo=3",
  );
  expect(solo.message(1, heartbeatAck("1.0", 2))).toEqual(["readable 7 at 3"]);
});
