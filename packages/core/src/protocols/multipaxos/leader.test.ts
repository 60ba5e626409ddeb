import { flexible } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { Leader } from "./state.ts";
import {
  accept,
  accepted,
  createSolo,
  heartbeat,
  heartbeatAck,
  leading,
  learn,
  nack,
  probed,
  promise,
  REQUEST_BYTES,
  reported,
  type Solo,
} from "./testing/solo.ts";

function role(solo: Solo): Leader {
  expect(solo.state.role.kind).toBe("leader");
  return solo.state.role as Leader;
}

describe("the start of a leadership", () => {
  test("one phase 1 for all slots; a no-op marks where the ballot begins", () => {
    const solo = createSolo();
    expect(solo.lead().slice(-4)).toEqual([
      "sendNow 1,2: heartbeat ballot=1.0 round=1 chosenUpTo=0",
      "sendNow 1,2: accept ballot=1.0 first=1 values=[-] chosenUpTo=0",
      "persist accepted 1.0 1:[-]",
      "send 0: accepted ballot=1.0 runs=[1] chosenUpTo=0",
    ]);
    const { tuning } = solo.state;
    expect([...solo.timers].sort()).toEqual([
      ["check", tuning.electionMs],
      ["heartbeat", tuning.heartbeatMs],
      ["resend", tuning.resendMs],
    ]);
  });

  test("what phase 1 found is proposed again, and gaps get no-ops", () => {
    const solo = createSolo();
    const lines = solo.lead({ 1: [reported(2, "0.1", "a#2"), reported(5, "0.1", "a#5")] });
    expect(lines.at(-3)).toBe(
      "sendNow 1,2: accept ballot=1.0 first=1 values=[- a#2 - - a#5] chosenUpTo=0",
    );
    // What is new comes after.
    expect(solo.propose("b#1")[0]).toContain("first=6 values=[b#1]");
  });

  test("a slot that somebody knows as chosen is not proposed again", () => {
    const solo = createSolo();
    const lines = solo.lead({ 1: [reported(2, "0.1", "a#2", true), reported(3, "0.1", "a#3")] });
    expect(lines.filter((line) => line.includes("accept "))).toEqual([
      "sendNow 1,2: accept ballot=1.0 first=1 values=[-] chosenUpTo=0",
      "sendNow 1,2: accept ballot=1.0 first=3 values=[a#3] chosenUpTo=0",
    ]);
    expect(role(solo).nextSlot).toBe(4);
  });

  test("a chosen slot is the highest one found as well", () => {
    const solo = createSolo();
    solo.lead({ 1: [reported(4, "0.1", "a#4", true)] });
    expect(role(solo).barrier).toBe(4);
    expect(solo.propose("b#1")[0]).toContain("first=5 values=[b#1]");
  });

  test("slots that a promise omitted are left alone: they are chosen", () => {
    const solo = createSolo();
    solo.campaign();
    solo.durable();
    const own = { round: 1, proposer: 0 };
    const entries = [reported(3, "0.1", "a#3"), reported(8, "0.1", "a#8")];
    const lines = solo.message(
      1,
      promise(own, { chosenUpTo: 6, omittedUpTo: 6, first: 1, entries }),
    );
    expect(lines.filter((line) => line.includes("accept "))).toEqual([
      "sendNow 1,2: accept ballot=1.0 first=7 values=[- a#8] chosenUpTo=0",
    ]);
  });

  test("what waited for a leader is proposed behind what phase 1 found", () => {
    const solo = createSolo();
    solo.propose("b#1");
    solo.propose("b#2");
    expect(solo.lead({ 1: [reported(1, "0.1", "a#1")] }).at(-3)).toContain(
      "accept ballot=1.0 first=1 values=[a#1 b#1+b#2]",
    );
    expect(solo.state.queueBytes).toBe(0);
  });

  test("phase 1 found more than the window takes: the rest follows as it moves", () => {
    const solo = createSolo({ tuning: { window: 2 } });
    const entries = [1, 2, 3, 4].map((slot) => reported(slot, "0.1", `a#${slot}`));
    expect(solo.lead({ 1: entries }).at(-3)).toContain("first=1 values=[a#1 a#2]");
    solo.durable();
    expect(solo.message(1, accepted("1.0", 1))).toContain(
      "sendNow 1,2: accept ballot=1.0 first=3 values=[a#3] chosenUpTo=1",
    );
  });
});

describe("phase 2", () => {
  test("the others hear first, then the disk, then the own vote waits for the disk", () => {
    const solo = leading();
    expect(solo.propose("a#1")).toEqual([
      "sendNow 1,2: accept ballot=1.0 first=2 values=[a#1] chosenUpTo=1",
      "persist accepted 1.0 2:[a#1]",
      "send 0: accepted ballot=1.0 runs=[2] chosenUpTo=1",
    ]);
    // The own vote is no vote before it is durable.
    expect(solo.message(1, accepted("1.0", 2))).toEqual([]);
    expect(solo.durable()).toEqual([
      "note chosen 2",
      "deliver 2: a#1",
      "sendNow 1,2: commit ballot=1.0 chosenUpTo=2",
    ]);
  });

  test("others may make a value chosen before the own disk has it", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.message(1, accepted("1.0", 2));
    expect(solo.message(2, accepted("1.0", 2))[1]).toBe("deliver 2: a#1");
    expect(solo.durable()).toEqual([]);
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])("of %i members, %i must accept", (size, needed) => {
    const solo = leading({ size });
    solo.propose("a#1");
    solo.durable();
    for (let from = 1; from < needed; from += 1) {
      expect(solo.state.chosenUpTo).toBe(1);
      solo.message(from, accepted("1.0", 2));
      solo.message(from, accepted("1.0", 2));
    }
    expect(solo.state.chosenUpTo).toBe(2);
  });

  test("a flexible phase 2 needs fewer votes, of anybody", () => {
    const quorums = flexible([0, 1, 2, 3, 4], { phase1: 4, phase2: 2 });
    const solo = leading({ size: 5, quorums });
    solo.propose("a#1");
    solo.message(4, accepted("1.0", 2));
    expect(solo.state.chosenUpTo).toBe(1);
    solo.message(3, accepted("1.0", 2));
    expect(solo.state.chosenUpTo).toBe(2);
  });

  test("votes of another ballot, or for slots never proposed, choose nothing", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.durable();
    solo.message(1, accepted("0.1", 2));
    solo.message(1, accepted("2.0", 2));
    solo.message(1, accepted("1.0", 3, 2 ** 50));
    expect(solo.state.chosenUpTo).toBe(1);
    expect(solo.state.log.size).toBe(2);
    solo.message(1, accepted("1.0", 1, 2 ** 50));
    expect(solo.state.chosenUpTo).toBe(2);
  });

  test("a long run of votes costs no more than the slots that are open", () => {
    const solo = leading();
    solo.propose("a#1");
    const { open } = role(solo);
    const get = open.get.bind(open);
    let looks = 0;
    open.get = (slot) => {
      looks += 1;
      return get(slot);
    };
    solo.message(1, accepted("1.0", 1, 2 ** 24));
    expect(looks).toBe(1);
  });

  test("slots are chosen in any order and delivered in theirs", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.propose("a#2");
    solo.durable();
    expect(solo.message(1, accepted("1.0", 3))).toEqual([]);
    expect(solo.message(1, accepted("1.0", 2))).toEqual([
      "note chosen 3",
      "deliver 2: a#1",
      "deliver 3: a#2",
      "sendNow 1,2: commit ballot=1.0 chosenUpTo=3",
    ]);
  });

  test("an accept that leaves anyhow carries the news; no commit goes with it", () => {
    const solo = leading({ tuning: { window: 1 } });
    solo.propose("a#1");
    solo.propose("a#2");
    solo.durable();
    expect(solo.message(1, accepted("1.0", 2))).toEqual([
      "note chosen 2",
      "deliver 2: a#1",
      "sendNow 1,2: accept ballot=1.0 first=3 values=[a#2] chosenUpTo=2",
      "persist accepted 1.0 3:[a#2]",
      "send 0: accepted ballot=1.0 runs=[3] chosenUpTo=2",
    ]);
  });

  test("the window bounds what is open; what waits is joined into one value", () => {
    const solo = leading({ tuning: { window: 2 } });
    for (let n = 1; n <= 6; n += 1) solo.propose(`a#${n}`);
    expect(role(solo).nextSlot).toBe(4);
    expect(solo.state.queue).toHaveLength(4);
    solo.durable();
    expect(solo.message(1, accepted("1.0", 2))).toContain(
      "sendNow 1,2: accept ballot=1.0 first=4 values=[a#3+a#4+a#5+a#6] chosenUpTo=2",
    );
    expect(solo.state.queue).toEqual([]);
  });

  test("joined values end at batchBytesMax, and bytes are accounted for", () => {
    const solo = leading({ tuning: { window: 2, batchBytesMax: 2 * REQUEST_BYTES } });
    for (let n = 1; n <= 7; n += 1) solo.propose(`a#${n}`);
    expect(solo.state.queueBytes).toBe(5 * REQUEST_BYTES);
    solo.durable();
    solo.message(1, accepted("1.0", 2, 3));
    expect(solo.log().slice(3)).toEqual(["4:1.0:a#3+a#4", "5:1.0:a#5+a#6"]);
    expect(solo.state.queueBytes).toBe(REQUEST_BYTES);
  });

  test("one accept carries at most chunkBytes of values, but one value in any case", () => {
    const solo = createSolo({ tuning: { chunkBytes: 2 * REQUEST_BYTES } });
    const entries = [1, 2, 3].map((slot) => reported(slot, "0.1", `a#${slot}`));
    const accepts = solo.lead({ 1: entries }).filter((line) => line.includes("accept "));
    expect(accepts).toEqual([
      "sendNow 1,2: accept ballot=1.0 first=1 values=[a#1 a#2] chosenUpTo=0",
      "sendNow 1,2: accept ballot=1.0 first=3 values=[a#3] chosenUpTo=0",
    ]);
    const tiny = leading({ tuning: { chunkBytes: 1 } });
    expect(tiny.propose("a#1")[0]).toContain("values=[a#1]");
  });

  test("alone, a leader waits for its disk and for nobody else", () => {
    const solo = createSolo({ size: 1 });
    solo.timeout("election");
    expect(solo.durable()).toEqual([
      "send 0: promise ballot=1.0 chosenUpTo=0 omittedUpTo=0 first=1 last=end entries=[]",
      "persist accepted 1.0 1:[-]",
      "send 0: accepted ballot=1.0 runs=[1] chosenUpTo=0",
      "note chosen 1",
      "deliver 1: -",
    ]);
  });
});

describe("what is not answered", () => {
  test("is sent again after a whole interval, only to those that owe an answer", () => {
    const solo = leading();
    solo.propose("a#1");
    solo.durable();
    // Sent less than an interval ago: not yet.
    expect(solo.timeout("resend")).toEqual([]);
    solo.propose("a#2");
    expect(solo.timers.get("resend")).toBe(solo.state.tuning.resendMs);
    const again = "accept ballot=1.0 first=2 values=[a#1] chosenUpTo=1";
    expect(solo.timeout("resend")).toEqual([`sendNow 1: ${again}`, `sendNow 2: ${again}`]);
    const both = "accept ballot=1.0 first=2 values=[a#1 a#2] chosenUpTo=1";
    expect(solo.timeout("resend")).toEqual([`sendNow 1: ${both}`, `sendNow 2: ${both}`]);
  });

  test("goes on until a quorum has answered, and then no more", () => {
    const solo = leading({ size: 5 });
    solo.propose("a#1");
    solo.durable();
    solo.message(3, accepted("1.0", 2));
    solo.timeout("resend");
    for (let round = 0; round < 3; round += 1)
      expect(solo.timeout("resend").map((line) => line.slice(0, 10))).toEqual([
        "sendNow 1:",
        "sendNow 2:",
        "sendNow 4:",
      ]);
    solo.message(4, accepted("1.0", 2));
    expect(solo.timeout("resend")).toEqual([]);
  });

  test("leaves out chosen slots between, and stays below chunkBytes", () => {
    const solo = leading({ tuning: { chunkBytes: 2 * REQUEST_BYTES } });
    for (let n = 1; n <= 4; n += 1) solo.propose(`a#${n}`);
    solo.durable();
    solo.message(1, accepted("1.0", 3));
    solo.timeout("resend");
    expect(solo.timeout("resend").slice(0, 2)).toEqual([
      "sendNow 1: accept ballot=1.0 first=2 values=[a#1] chosenUpTo=1",
      "sendNow 1: accept ballot=1.0 first=4 values=[a#3] chosenUpTo=1",
    ]);
  });

  test("is sent at once over a new connection, with a heartbeat before", () => {
    const solo = leading();
    solo.propose("a#1");
    expect(solo.linkUp(2)).toEqual([
      "sendNow 1,2: heartbeat ballot=1.0 round=2 chosenUpTo=1",
      "sendNow 2: accept ballot=1.0 first=2 values=[a#1] chosenUpTo=1",
    ]);
  });
});

describe("heartbeats", () => {
  test("rise in round and carry chosenUpTo", () => {
    const solo = leading();
    expect(solo.timeout("heartbeat")).toEqual([
      "sendNow 1,2: heartbeat ballot=1.0 round=2 chosenUpTo=1",
    ]);
    expect(solo.timeout("heartbeat")).toEqual([
      "sendNow 1,2: heartbeat ballot=1.0 round=3 chosenUpTo=1",
    ]);
    expect(solo.timers.get("heartbeat")).toBe(solo.state.tuning.heartbeatMs);
  });

  test("late timers of a leadership that is over do nothing", () => {
    const solo = leading();
    solo.message(2, heartbeat("2.2"));
    for (const name of ["heartbeat", "check", "resend"]) expect(solo.timeout(name)).toEqual([]);
    expect([...solo.timers.keys()].sort()).toEqual(["election", "quiet"]);
  });
});

describe("a leader out of reach", () => {
  test("steps down when no phase-2 quorum was heard in an election time-out", () => {
    const solo = leading({ size: 5 });
    solo.propose("a#1");
    // Those who answered its first accept were heard in the first interval.
    solo.message(1, heartbeatAck("1.0", 1));
    solo.message(2, accepted("1.0", 2));
    expect(solo.timeout("check")).toEqual([]);
    expect(solo.timers.get("check")).toBe(solo.state.tuning.electionMs);
    solo.message(1, heartbeatAck("1.0", 2));
    solo.message(1, heartbeatAck("1.0", 3));
    expect(solo.timeout("check")).toEqual(["release unknown all"]);
    expect(solo.state.role.kind).toBe("follower");
    expect(solo.state.leader).toBe(null);
    expect([...solo.timers.keys()]).toEqual(["election"]);
    expect(solo.observed.at(-1)).toBe("steppedDown");
  });

  test("answers to another ballot do not keep it in office", () => {
    const solo = leading();
    solo.timeout("check");
    solo.message(1, heartbeatAck("0.0", 1));
    solo.message(2, accepted("0.0", 1));
    solo.timeout("check");
    expect(solo.state.role.kind).toBe("follower");
  });

  test("any phase-2 quorum will do, itself included", () => {
    const quorums = flexible([0, 1, 2, 3], { phase1: 3, phase2: 2 });
    const solo = leading({ size: 4, quorums });
    for (let round = 1; round < 4; round += 1) {
      solo.message(3, heartbeatAck("1.0", round));
      solo.timeout("check");
      expect(solo.state.role.kind).toBe("leader");
    }
    solo.timeout("check");
    expect(solo.state.role.kind).toBe("follower");
  });

  test("steps down when chosen slots below its own stay out of reach", () => {
    const solo = createSolo();
    solo.campaign();
    solo.durable();
    const own = { round: 1, proposer: 0 };
    solo.message(1, promise(own, { chosenUpTo: 6, omittedUpTo: 6, first: 7 }));
    for (let checks = 1; checks <= 4; checks += 1) {
      expect(solo.state.role.kind).toBe("leader");
      solo.message(1, heartbeatAck("1.0", checks));
      solo.timeout("check");
    }
    expect(solo.state.role.kind).toBe("follower");
  });

  test("but not while it gets on with them", () => {
    const solo = createSolo();
    solo.campaign();
    solo.durable();
    const own = { round: 1, proposer: 0 };
    solo.message(1, promise(own, { chosenUpTo: 9, omittedUpTo: 9, first: 10 }));
    for (let slot = 1; slot <= 8; slot += 1) {
      solo.message(1, learn(slot, [`a#${slot}`], 9));
      solo.message(1, heartbeatAck("1.0", slot));
      solo.timeout("check");
      expect(solo.state.role.kind).toBe("leader");
    }
  });

  test("lets go of all that it was handed: the host proposes it again", () => {
    for (const end of [heartbeat("2.2"), nack("1.0", "2.2")]) {
      const solo = leading({ tuning: { window: 1 } });
      for (let n = 1; n <= 3; n += 1) solo.propose(`a#${n}`);
      const lines = solo.message(2, end);
      expect(lines[0]).toBe("release unknown all");
      expect(lines.join()).not.toContain("forward");
      expect(solo.state.queue).toEqual([]);
      expect(solo.state.queueBytes).toBe(0);
      expect(solo.lead().join()).not.toContain("a#3");
    }
  });
});

describe("chosen values from others", () => {
  test("close an open slot when they are the same", () => {
    const solo = leading();
    solo.propose("a#1");
    expect(solo.message(1, learn(2, ["a#1"]))).toEqual([
      "note chosen 2",
      "deliver 2: a#1",
      "sendNow 1,2: commit ballot=1.0 chosenUpTo=2",
    ]);
    expect(role(solo).open.size).toBe(0);
  });

  test("end a leadership when they differ: a higher ballot was at work", () => {
    const solo = leading();
    solo.propose("a#1");
    const lines = solo.message(1, learn(2, ["b#1"]));
    expect(lines).toEqual([
      "note learned 2:[b#1]",
      "release unknown all",
      "note chosen 2",
      "deliver 2: b#1",
    ]);
    expect(solo.state.role.kind).toBe("follower");
  });

  test("end a leadership when they lie where it has not proposed yet", () => {
    const solo = leading();
    solo.message(1, learn(2, ["b#1"]));
    expect(solo.state.role.kind).toBe("follower");
  });

  test("fill in what phase 1 found and the window did not reach", () => {
    const solo = createSolo({ tuning: { window: 1 } });
    const entries = [1, 2, 3].map((slot) => reported(slot, "0.1", `a#${slot}`));
    solo.lead({ 1: entries });
    solo.message(1, learn(3, ["a#3"], 1));
    expect(solo.state.role.kind).toBe("leader");
  });

  test("that come while a prober waits change nothing about the election", () => {
    const solo = createSolo();
    solo.timeout("election");
    solo.message(1, learn(1, ["a#1"]));
    expect(solo.state.role.kind).toBe("prober");
    expect(solo.message(2, probed({}))[0]).toBe("persist promised 1.0");
  });
});

test("a leader refuses what a lower ballot proposes", () => {
  const solo = leading();
  expect(solo.message(1, accept("0.1", 2, ["b#1"]))).toEqual([
    "sendNow 1: nack refused=0.1 promised=1.0 chosenUpTo=1",
  ]);
});
