import { majority, type NodeId } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { UnknownRun } from "./messages.ts";
import {
  accept,
  ballot,
  createSolo,
  heartbeat,
  learn,
  prepare,
  promise,
  reported,
  type Solo,
  type SoloOptions,
} from "./testing/solo.ts";

/** A faulty slot, role by role. */
function damaged(first: number, last: number, of = "1.1") {
  return { kind: "slots", log: 0, first, last, ballot: ballot(of) } as const;
}

function unknown(first: number, last: number, of = "1.1"): UnknownRun {
  return { first, last, ballot: ballot(of) };
}

describe("the acceptor", () => {
  test("says `unknown` of faulty slots, and goes on promising", () => {
    const solo = createSolo({ missing: [damaged(2, 3), damaged(4, 4, "1.2"), damaged(7, 7)] });
    expect(solo.message(2, prepare("3.2"))).toEqual([
      "persist promised 3.2",
      "send 2: promise ballot=3.2 chosenUpTo=0 omittedUpTo=0 first=1 last=end entries=[] " +
        "unknown=[2..3:1.1 4:1.2 7:1.1]",
    ]);
    // Only of the slots that it is asked about.
    expect(solo.message(2, prepare("4.2", 2)).at(-1)).toContain("unknown=[3:1.1 4:1.2 7:1.1]");
  });

  test("says it in the part that the slot belongs to", () => {
    const solo = createSolo({ tuning: { chunkBytes: 1 }, missing: [damaged(2, 5)] });
    solo.message(1, accept("2.1", 1, ["a#1"]));
    solo.message(1, accept("2.1", 3, ["a#3"]));
    solo.message(1, accept("2.1", 9, ["a#9"]));
    const parts = solo.message(2, prepare("3.2")).slice(1);
    expect(parts.map((line) => line.slice(line.indexOf("first")))).toEqual([
      "first=1 last=1 entries=[1:2.1:a#1]",
      "first=2 last=3 entries=[3:2.1:a#3] unknown=[2:1.1]",
      "first=4 last=end entries=[9:2.1:a#9] unknown=[4..5:1.1]",
    ]);
  });

  test("an acceptance repairs the slot: durable first, then told", () => {
    const solo = createSolo({ missing: [damaged(1, 2)] });
    expect(solo.message(1, accept("1.1", 1, ["a#1"]))).toEqual([
      "persist accepted 1.1 1:[a#1]",
      "send 1: accepted ballot=1.1 runs=[1] chosenUpTo=0",
    ]);
    expect(solo.observed).toEqual(["slot faulty", "leader", "slot repaired"]);
    expect(solo.message(2, prepare("3.2")).at(-1)).toContain("entries=[1:1.1:a#1] unknown=[2:1.1]");
  });

  test("a lower ballot than the damaged one repairs nothing", () => {
    const solo = createSolo({ missing: [damaged(1, 1, "5.2")] });
    expect(solo.message(1, accept("5.1", 1, ["a#1"]))[0]).toContain("nack");
    expect(solo.state.faulty.has(1)).toBe(true);
  });
});

describe("the learner", () => {
  test("a chosen value repairs the slot", () => {
    const solo = createSolo({ missing: [damaged(2, 2)] });
    expect(solo.message(1, learn(1, ["a#1", "a#2"]))).toEqual([
      "note learned 1:[a#1 a#2]",
      "note chosen 2",
      "deliver 1: a#1",
      "deliver 2: a#2",
    ]);
    expect(solo.observed).toEqual(["slot faulty", "slot repaired"]);
  });

  test("a leader's word that the slot is chosen does not, but has it asked for", () => {
    const solo = createSolo({ missing: [damaged(1, 1)] });
    expect(solo.message(1, heartbeat("1.1", 1)).at(-1)).toContain("heartbeatAck");
    expect(solo.state.chosenUpTo).toBe(0);
    expect(solo.timeout("catchUp")).toEqual(["sendNow 1: catchUp first=1 last=1"]);
    solo.message(1, learn(1, ["a#1"]));
    expect(solo.state.chosenUpTo).toBe(1);
    expect(solo.state.faulty.size).toBe(0);
  });

  test("a snapshot past the slot repairs it; what lies above stays faulty", () => {
    const solo = createSolo({ missing: [damaged(2, 5)] });
    expect(solo.installed(3)).toEqual([
      "checkpoint meta 1.1 compacted 3 | faulty 1.1 4..5 | chosen 3",
    ]);
    expect(solo.observed).toEqual(["slot faulty", "slot repaired", "slot repaired"]);
    expect(solo.compact(3).at(-1)).toContain("faulty 1.1 4..5");
  });

  test("a member that is admitted later remembers what was faulty", () => {
    const solo = createSolo({ voter: false, missing: [damaged(2, 2)] });
    expect(solo.admit()).toEqual(["checkpoint meta 1.1 compacted 0 | faulty 1.1 2..2 | chosen 0"]);
    expect(solo.message(2, prepare("3.2")).at(-1)).toContain("unknown=[2:1.1]");
  });
});

describe("the candidate", () => {
  /** Candidate 0 in ballot 2.0 or so, whose own promise has come back from its disk. */
  function candidate(options: SoloOptions = {}): Solo {
    const solo = createSolo(options);
    solo.campaign();
    solo.durable();
    expect(solo.state.role.kind).toBe("candidate");
    return solo;
  }

  function tell(solo: Solo, from: NodeId, fields: Parameters<typeof promise>[1] = {}): string[] {
    const { role } = solo.state;
    if (role.kind !== "candidate") throw new Error(`${role.kind} is no candidate`);
    return solo.message(from, promise(role.ballot, fields));
  }

  const accepts = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.includes(": accept "));

  test("does not take `unknown` for `nothing accepted`, its own or another's", () => {
    const own = candidate({ missing: [damaged(1, 1)] });
    expect(tell(own, 1)).toEqual([]);
    expect(own.state.role.kind).toBe("candidate");
    const other = candidate();
    expect(tell(other, 1, { unknown: [unknown(1, 1)] })).toEqual([]);
    expect(other.state.role.kind).toBe("candidate");
  });

  test("a quorum of definite answers about the slot is enough", () => {
    const solo = candidate({ missing: [damaged(1, 1)] });
    tell(solo, 1);
    const lines = tell(solo, 2, { entries: [reported(1, "1.1", "v#1")] });
    expect(accepts(lines)).toEqual([
      "sendNow 1,2: accept ballot=2.0 first=1 values=[v#1] chosenUpTo=0",
    ]);
    // Its own slot is repaired by what it proposes.
    expect(solo.state.faulty.size).toBe(0);
    expect(lines).toContain("persist accepted 2.0 1:[v#1]");
  });

  test("so are quorums that differ from slot to slot", () => {
    const solo = createSolo({ size: 5, quorums: majority([0, 1, 2, 3, 4]) });
    solo.campaign();
    solo.durable();
    tell(solo, 1, { unknown: [unknown(2, 2)] });
    tell(solo, 2, { unknown: [unknown(5, 6)] });
    expect(solo.state.role.kind).toBe("candidate");
    tell(solo, 3, { unknown: [unknown(9, 9)] });
    expect(solo.state.role.kind).toBe("leader");
  });

  test("an acceptance at or above the damaged one's ballot stands for it", () => {
    for (const [of, enough] of [
      ["1.0", false],
      ["1.1", true],
      ["1.2", true],
    ] as const) {
      const solo = candidate({ missing: [damaged(1, 1, "1.1")] });
      const lines = tell(solo, 1, { entries: [reported(1, of, "v#1")] });
      expect(solo.state.role.kind, of).toBe(enough ? "leader" : "candidate");
      expect(accepts(lines), of).toHaveLength(enough ? 1 : 0);
    }
  });

  test("one proof that the slot is chosen is enough: its value, or that it is compacted", () => {
    const told = candidate({ missing: [damaged(1, 1)] });
    tell(told, 1, { entries: [reported(1, "0.0", "v#1", true)] });
    expect(told.state.role.kind).toBe("leader");
    expect(told.state.faulty.size).toBe(0);
    const omitted = candidate({ missing: [damaged(1, 3)] });
    tell(omitted, 1, { omittedUpTo: 3, first: 4, chosenUpTo: 3 });
    expect(omitted.state.role.kind).toBe("leader");
    expect(omitted.state.role.kind === "leader" && omitted.state.role.recoverUpTo).toBe(4);
  });

  test("a later answer counts, once the slot is repaired there", () => {
    const solo = candidate();
    tell(solo, 1, { unknown: [unknown(2, 3)] });
    expect(solo.timeout("resend")).toEqual(["send 1,2: prepare ballot=1.0 chosenUpTo=0"]);
    tell(solo, 1, { unknown: [unknown(3, 3)] });
    expect(solo.state.role.kind).toBe("candidate");
    tell(solo, 1, { first: 3, last: 9, entries: [reported(3, "0.5", "v#1")] });
    expect(solo.state.role.kind).toBe("leader");
    expect([...solo.log()]).toEqual(["1:1.0:-", "2:1.0:-", "3:1.0:v#1"]);
  });

  test("what was definite once stays definite, whatever rots afterwards", () => {
    const solo = createSolo({ size: 3 });
    solo.campaign();
    tell(solo, 1, { entries: [reported(1, "0.5", "v#1")] });
    tell(solo, 1, { unknown: [unknown(1, 4, "1.0")] });
    solo.durable();
    expect(solo.state.role.kind).toBe("leader");
    expect(solo.log()[0]).toBe("1:1.0:v#1");
  });

  test("an unknown slot above all that is reported may hold something: reads wait for it", () => {
    const solo = candidate();
    tell(solo, 1, { entries: [reported(2, "0.5", "v#1")], unknown: [unknown(4, 6)] });
    tell(solo, 2);
    const { role } = solo.state;
    expect(role.kind === "leader" && [role.recoverUpTo, role.barrier]).toEqual([6, 6]);
    expect(solo.log()).toEqual([
      "1:1.0:-",
      "2:1.0:v#1",
      "3:1.0:-",
      "4:1.0:-",
      "5:1.0:-",
      "6:1.0:-",
    ]);
  });

  test("waits without another ballot, and keeps others from one that would help no more", () => {
    const solo = candidate({ missing: [damaged(1, 1)] });
    const probe = { kind: "probe", attempt: 9, chosenUpTo: 0 } as const;
    expect(solo.message(2, probe)[0]).toContain("granted=true");
    tell(solo, 1);
    expect(solo.timeout("election")).toEqual([]);
    expect(solo.timers.has("election")).toBe(true);
    expect(solo.message(2, probe)[0]).toContain("granted=false");
    expect(solo.timeout("resend")).toEqual(["send 0,2: prepare ballot=2.0 chosenUpTo=0"]);
    // Not for ever: it follows whoever has a higher ballot.
    expect(solo.message(2, prepare("5.2")).at(-1)).toContain("unknown=[1:1.1]");
    expect(solo.state.role.kind).toBe("follower");
  });

  test("alone with a faulty slot it never leads: nobody else has the value", () => {
    const solo = createSolo({ size: 1, missing: [damaged(1, 1, "1.0")] });
    solo.timeout("election");
    solo.durable();
    expect(solo.state.role.kind).toBe("candidate");
  });
});
