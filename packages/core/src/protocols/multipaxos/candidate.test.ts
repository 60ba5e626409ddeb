import { flexible, type QuorumSystem } from "@synod/core";
import { describe, expect, test } from "vitest";
import type { Candidate } from "./state.ts";
import {
  accept,
  ballot,
  createSolo,
  heartbeat,
  learn,
  nack,
  prepare,
  probed,
  promise,
  reported,
  type Solo,
} from "./testing/solo.ts";

function candidate(solo: Solo): Candidate {
  expect(solo.state.role.kind).toBe("candidate");
  return solo.state.role as Candidate;
}

/** Node 0 of five in the middle of phase 1 of ballot 1.0, with its own promise durable. */
function campaigning(size = 5, quorums?: QuorumSystem): Solo {
  const solo = createSolo({ size, ...(quorums === undefined ? {} : { quorums }) });
  solo.campaign();
  solo.durable();
  return solo;
}

function probe(chosenUpTo = 0, attempt = 1) {
  return { kind: "probe", attempt, chosenUpTo } as const;
}

describe("before an election", () => {
  test("a replica asks whether it would be heard, and changes nothing yet", () => {
    const solo = createSolo({ size: 5 });
    expect(solo.timeout("election")).toEqual(["sendNow 1,2,3,4: probe attempt=1 chosenUpTo=0"]);
    expect(solo.state.role.kind).toBe("prober");
    expect(solo.state.promised).toEqual(ballot("0.0"));
    expect(solo.timers.get("election")).toBeGreaterThanOrEqual(500);
  });

  test("it goes on only with a phase-1 quorum of grants to this very attempt", () => {
    const solo = createSolo({ size: 5 });
    solo.timeout("election");
    solo.timeout("election");
    expect(solo.message(1, probed({ attempt: 1 }))).toEqual([]);
    expect(solo.message(2, probed({ attempt: 2, granted: false }))).toEqual([]);
    expect(solo.message(3, probed({ attempt: 2 }))).toEqual([]);
    expect(solo.message(3, probed({ attempt: 2 }))).toEqual([]);
    expect(solo.state.role.kind).toBe("prober");
    expect(solo.message(4, probed({ attempt: 2 }))[0]).toBe("persist promised 1.0");
    expect(candidate(solo).ballot).toEqual(ballot("1.0"));
  });

  test("a time-out of the probe forgets its grants", () => {
    const solo = createSolo({ size: 5 });
    solo.timeout("election");
    solo.message(1, probed({ attempt: 1 }));
    solo.timeout("election");
    solo.message(2, probed({ attempt: 2 }));
    expect(solo.state.role.kind).toBe("prober");
  });

  test("the ballot outbids everything that the answers told of", () => {
    const solo = createSolo();
    solo.timeout("election");
    solo.message(1, probed({ granted: false, promised: ballot("8.1") }));
    expect(solo.message(2, probed({ promised: ballot("3.2") }))[0]).toBe("persist promised 9.0");
  });

  test("nobody else is asked where no quorum needs anybody else", () => {
    const alone = createSolo({ size: 1 });
    expect(alone.timers.get("election")).toBe(0);
    expect(alone.timeout("election")).toEqual([
      "persist promised 1.0",
      "send 0: prepare ballot=1.0 chosenUpTo=0",
    ]);
    const quorums = flexible([0, 1, 2], { phase1: 1, phase2: 3 });
    expect(createSolo({ quorums }).timeout("election")[0]).toBe("persist promised 1.0");
  });

  test("without pre-vote it campaigns at once", () => {
    const solo = createSolo({ tuning: { preVote: 0 } });
    expect(solo.timeout("election")).toEqual([
      "persist promised 1.0",
      "send 0,1,2: prepare ballot=1.0 chosenUpTo=0",
    ]);
  });

  test("who does not vote, or leads, does not stand", () => {
    expect(createSolo({ voter: false }).timeout("election")).toEqual([]);
    expect(createSolo({ voter: false }).timers.has("election")).toBe(false);
    const solo = createSolo();
    solo.lead();
    expect(solo.timeout("election")).toEqual([]);
    expect(solo.state.role.kind).toBe("leader");
  });

  test("the time-out gives up the leader and what was handed to it", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    solo.propose("a#1");
    expect(solo.timeout("election")[0]).toBe("release unknown all");
    expect(solo.state.leader).toBe(null);
  });
});

test("election time-outs differ, from replica to replica and from one to the next", () => {
  const waits = new Set<number>();
  for (let seed = 1; seed <= 10; seed += 1) {
    const solo = createSolo({ seed });
    for (let round = 1; round <= 5; round += 1) {
      const wait = solo.timers.get("election") ?? 0;
      expect(wait).toBeGreaterThanOrEqual(500);
      expect(wait).toBeLessThanOrEqual(1000);
      waits.add(wait);
      solo.message(1, heartbeat("1.1", 0, round));
    }
  }
  expect(waits.size).toBeGreaterThan(40);
});

describe("a probe", () => {
  test("is granted by a voter that hears no leader, and binds it to nothing", () => {
    const solo = createSolo();
    solo.message(2, prepare("4.2"));
    expect(solo.message(1, probe())).toEqual([
      "sendNow 1: probed attempt=1 granted=true promised=4.2 chosenUpTo=0",
    ]);
    expect(solo.state.promised).toEqual(ballot("4.2"));
    expect(solo.message(2, probe(0, 9))).toEqual([
      "sendNow 2: probed attempt=9 granted=true promised=4.2 chosenUpTo=0",
    ]);
  });

  test("is refused while a leader is heard, and until a whole time-out after", () => {
    const solo = createSolo();
    solo.message(2, heartbeat("4.2"));
    expect(solo.message(1, probe())[0]).toContain("granted=false promised=4.2");
    solo.timeout("quiet");
    expect(solo.message(1, probe())[0]).toContain("granted=true");
  });

  test("is refused by the leader, which goes on leading", () => {
    const solo = createSolo();
    solo.lead();
    expect(solo.message(1, probe())[0]).toContain("granted=false promised=1.0");
    expect(solo.state.role.kind).toBe("leader");
  });

  test("is refused by who does not vote", () => {
    expect(createSolo({ voter: false }).message(1, probe())[0]).toContain("granted=false");
  });

  test("is refused to one that would need a snapshot from here", () => {
    const solo = createSolo({ tuning: { retainBytes: 0 } });
    solo.message(1, learn(1, ["a#1", "a#2"]));
    solo.compact(2);
    expect(solo.message(1, probe(1))[0]).toContain("granted=false");
    expect(solo.message(1, probe(2))[0]).toContain("granted=true");
  });
});

describe("phase 1a", () => {
  test("the own promise is durable before the ballot is shown", () => {
    const solo = createSolo();
    solo.message(1, learn(1, ["a#1"]));
    expect(solo.campaign()).toEqual([
      "sendNow 1,2: probe attempt=1 chosenUpTo=1",
      "persist promised 1.0",
      "send 0,1,2: prepare ballot=1.0 chosenUpTo=1",
    ]);
  });

  test("every attempt takes a new ballot above all that were seen", () => {
    const solo = createSolo();
    solo.campaign();
    expect(solo.campaign()).toContain("persist promised 2.0");
    solo.message(2, prepare("6.2"));
    expect(solo.campaign()).toContain("persist promised 7.0");
    solo.message(1, heartbeat("9.1"));
    expect(solo.campaign()).toContain("persist promised 10.0");
  });

  test("prepares are sent again to those that have not promised in full", () => {
    const solo = campaigning();
    const own = candidate(solo).ballot;
    solo.message(2, promise(own));
    solo.message(3, promise(own, { last: 4 }));
    expect(solo.timeout("resend")).toEqual(["send 1,3,4: prepare ballot=1.0 chosenUpTo=0"]);
    expect(solo.timers.get("resend")).toBe(solo.state.tuning.resendMs);
    expect(solo.linkUp(4)).toEqual(["send 4: prepare ballot=1.0 chosenUpTo=0"]);
    expect(solo.linkUp(2)).toEqual([]);
  });

  test("the resend timer ends with the candidacy", () => {
    const solo = campaigning();
    solo.message(1, nack("1.0", "2.1"));
    expect(solo.timers.has("resend")).toBe(false);
    expect(solo.timeout("resend")).toEqual([]);
  });
});

describe("phase 1b at the candidate", () => {
  test.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [6, 3],
    [7, 3],
  ])("of %i members, %i others must promise", (size, needed) => {
    const solo = campaigning(size);
    for (let from = 1; from <= needed; from += 1) {
      const own = candidate(solo).ballot;
      // Twice the same voice counts once.
      if (from > 1) solo.message(from - 1, promise(own));
      expect(solo.state.role.kind).toBe("candidate");
      solo.message(from, promise(own));
    }
    expect(solo.state.role.kind).toBe("leader");
  });

  test("a flexible phase 1 needs more of them, whatever phase 2 is content with", () => {
    const solo = campaigning(5, flexible([0, 1, 2, 3, 4], { phase1: 4, phase2: 2 }));
    const own = candidate(solo).ballot;
    for (const from of [1, 2]) solo.message(from, promise(own));
    expect(solo.state.role.kind).toBe("candidate");
    solo.message(3, promise(own));
    expect(solo.state.role.kind).toBe("leader");
  });

  test("promises of an earlier ballot count for nothing", () => {
    const solo = campaigning(3);
    const earlier = candidate(solo).ballot;
    solo.campaign();
    solo.durable();
    solo.message(1, promise(earlier));
    expect(solo.state.role.kind).toBe("candidate");
    expect(candidate(solo).ballot).toEqual(ballot("2.0"));
  });

  test("a promise counts when its parts cover everything, in any order", () => {
    const solo = campaigning(3);
    const own = candidate(solo).ballot;
    solo.message(1, promise(own, { first: 8 }));
    expect(solo.state.role.kind).toBe("candidate");
    solo.message(1, promise(own, { first: 1, last: 3 }));
    expect(solo.state.role.kind).toBe("candidate");
    solo.message(1, promise(own, { first: 4, last: 7 }));
    expect(solo.state.role.kind).toBe("leader");
  });

  test("what was omitted as chosen need not be covered", () => {
    const solo = campaigning(3);
    const own = candidate(solo).ballot;
    solo.message(1, promise(own, { chosenUpTo: 6, omittedUpTo: 4, first: 6 }));
    expect(solo.state.role.kind).toBe("candidate");
    solo.message(1, promise(own, { chosenUpTo: 6, omittedUpTo: 5, first: 6 }));
    expect(solo.state.role.kind).toBe("leader");
  });

  test("of values that were only accepted, the one of the highest ballot is proposed", () => {
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const solo = campaigning();
      const own = candidate(solo).ballot;
      const entries: Record<number, ReturnType<typeof reported>> = {
        1: reported(1, "0.3", "low#1"),
        2: reported(1, "0.4", "high#1"),
      };
      for (const from of order)
        solo.message(from, promise(own, { entries: [entries[from] as never] }));
      expect(solo.log()).toEqual(["1:1.0:high#1"]);
    }
  });

  test("what the candidate has accepted itself counts as well", () => {
    const solo = createSolo({ size: 3 });
    solo.message(1, accept("2.1", 1, ["a#1"]));
    solo.campaign();
    solo.durable();
    solo.message(2, promise(ballot("3.0"), { entries: [reported(1, "1.2", "b#1")] }));
    expect(solo.log()).toEqual(["1:3.0:a#1"]);
  });

  test("chosen values are learned on the spot, whoever wins", () => {
    const solo = campaigning();
    const own = candidate(solo).ballot;
    const entries = [reported(1, "0.1", "a#1", true), reported(2, "0.1", "a#2")];
    expect(solo.message(3, promise(own, { chosenUpTo: 1, entries }))).toEqual([
      "note learned 1:[a#1]",
      "note chosen 1",
      "deliver 1: a#1",
    ]);
    expect(solo.state.role.kind).toBe("candidate");
  });

  test("how far others know slots as chosen is remembered, even from stale promises", () => {
    const solo = campaigning();
    solo.message(3, promise(ballot("0.9"), { chosenUpTo: 5 }));
    expect(solo.state.known).toEqual({ chosenUpTo: 5, from: 3 });
    solo.message(2, promise(ballot("0.9"), { chosenUpTo: 5, omittedUpTo: 7 }));
    expect(solo.state.known).toEqual({ chosenUpTo: 7, from: 2 });
  });
});

describe("a nack", () => {
  test("with a higher ballot ends a candidacy or a leadership", () => {
    const standing = campaigning();
    standing.message(1, nack("1.0", "1.1", 2));
    expect(standing.state.role.kind).toBe("follower");
    expect(standing.state.known.chosenUpTo).toBe(2);
    const leading = createSolo();
    leading.lead();
    expect(leading.message(1, nack("1.0", "2.1"))[0]).toBe("release unknown all");
    expect(leading.state.role.kind).toBe("follower");
    expect(leading.state.seen).toEqual(ballot("2.1"));
  });

  test("that answers an older ballot ends nothing", () => {
    const standing = campaigning();
    standing.message(1, nack("0.0", "1.0"));
    expect(standing.state.role.kind).toBe("candidate");
    const asking = createSolo();
    asking.timeout("election");
    asking.message(1, nack("0.0", "4.1"));
    expect(asking.state.role.kind).toBe("prober");
    expect(asking.message(2, probed({}))[0]).toBe("persist promised 5.0");
  });
});
