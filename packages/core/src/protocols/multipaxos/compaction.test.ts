import { describe, expect, test } from "vitest";
import {
  accept,
  accepted,
  acceptedRecord,
  commit,
  createSolo,
  learn,
  prepare,
  REQUEST_BYTES,
  type Solo,
} from "./testing/solo.ts";

/** Slots 1 to 4 chosen and delivered, 5 and 7 accepted only. */
function holding(tuning: Record<string, number> = { retainBytes: 0 }): Solo {
  const solo = createSolo({ tuning });
  solo.message(1, accept("1.1", 1, ["a#1", "a#2", "a#3", "a#4", "a#5"]));
  solo.message(1, accept("1.1", 7, ["a#7"]));
  solo.message(1, commit("1.1", 4));
  return solo;
}

describe("compact", () => {
  test("drops what the snapshot holds, keeps the promise and all that is above", () => {
    const solo = holding();
    solo.message(2, prepare("3.2"));
    expect(solo.compact(3)).toEqual([
      "checkpoint meta 3.2 compacted 3 | accepted 1.1 4:[a#4 a#5] | accepted 1.1 7:[a#7] " +
        "| chosen 4",
    ]);
    expect(solo.log()).toEqual(["4!:1.1:a#4", "5:1.1:a#5", "7:1.1:a#7"]);
    expect(solo.state.compactedUpTo).toBe(3);
  });

  test("never drops what was not delivered here, whatever it is told", () => {
    const solo = holding();
    solo.compact(99);
    expect(solo.state.compactedUpTo).toBe(4);
    expect(solo.log()).toEqual(["5:1.1:a#5", "7:1.1:a#7"]);
    const slow = holding({ retainBytes: 0, deliverBytes: 1 });
    slow.compact(4);
    expect(slow.state.compactedUpTo).toBe(slow.state.deliveredUpTo - 1);
  });

  test("keeps the latest chosen slots for members that lag, as many as retainBytes", () => {
    const solo = holding({ retainBytes: 2 * (REQUEST_BYTES + 32) });
    expect(solo.compact(4)).toEqual([
      "checkpoint meta 1.1 compacted 2 | accepted 1.1 3:[a#3 a#4 a#5] | accepted 1.1 7:[a#7] " +
        "| chosen 4",
    ]);
    expect(solo.message(2, { kind: "catchUp", first: 3, last: 4 })[0]).toContain("a#3 a#4");
  });

  test("never goes back", () => {
    const solo = holding();
    solo.compact(4);
    solo.compact(2);
    expect(solo.state.compactedUpTo).toBe(4);
  });

  test("writes learned values as learned, each ballot in records of its own", () => {
    const solo = createSolo({ tuning: { chunkBytes: 2 * REQUEST_BYTES } });
    solo.message(1, learn(1, ["a#1"]));
    solo.message(1, accept("1.1", 2, ["a#2", "a#3", "a#4"]));
    solo.message(2, accept("2.2", 5, ["b#5"]));
    expect(solo.compact(0)).toEqual([
      "checkpoint meta 2.2 compacted 0 | learned 1:[a#1] | accepted 1.1 2:[a#2 a#3] " +
        "| accepted 1.1 4:[a#4] | accepted 2.2 5:[b#5] | chosen 1",
    ]);
  });

  test("keeps the end of the configuration and the loss of the right to vote", () => {
    const solo = createSolo({ missing: "unnamed", tuning: { retainBytes: 0 } });
    solo.message(1, learn(1, ["a#1", "stop#1"]));
    expect(solo.compact(2)).toEqual([
      "checkpoint meta 0.0 compacted 2 stopped 2 impaired | chosen 2",
    ]);
  });
});

describe("installed", () => {
  test("takes the place of everything below, and keeps what was accepted above", () => {
    const solo = holding();
    expect(solo.installed(6)).toEqual([
      "checkpoint meta 1.1 compacted 6 | accepted 1.1 7:[a#7] | chosen 6",
    ]);
    expect(solo.state.deliveredUpTo).toBe(6);
    expect(solo.message(1, commit("1.1", 7))).toEqual(["note chosen 7", "deliver 7: a#7"]);
  });

  test("of what is known as chosen here only moves the delivery on", () => {
    const solo = createSolo({ tuning: { deliverBytes: 1 } });
    solo.message(1, learn(1, ["a#1", "a#2", "a#3", "a#4"]));
    expect(solo.state.deliveredUpTo).toBe(1);
    expect(solo.installed(3)).toEqual(["deliver 4: a#4"]);
  });

  test("of less than was delivered changes nothing", () => {
    const solo = holding();
    expect(solo.installed(2)).toEqual([]);
    expect(solo.state.deliveredUpTo).toBe(4);
    expect(solo.state.chosenUpTo).toBe(4);
  });

  test("above a leader's own slots shows that it has been replaced", () => {
    const overtaken = createSolo();
    overtaken.lead();
    expect(overtaken.installed(1)[0]).toBe("release unknown all");
    expect(overtaken.state.role.kind).toBe("follower");
    const ahead = createSolo();
    ahead.lead();
    ahead.durable();
    ahead.message(1, accepted("1.0", 1));
    ahead.installed(2);
    expect(ahead.state.role.kind).toBe("follower");
  });

  test("of what the leader has delivered itself leaves it in office", () => {
    const solo = createSolo();
    solo.lead();
    solo.durable();
    solo.message(1, accepted("1.0", 1));
    solo.propose("a#1");
    solo.installed(1);
    expect(solo.state.role.kind).toBe("leader");
  });

  test("does not make chosen what was merely accepted below it, not even after a crash", () => {
    const records = [acceptedRecord("1.1", 1, ["a#1", "a#2", "a#3", "a#4"])];
    const solo = createSolo({ records, delivered: 3 });
    expect(solo.log()).toEqual(["4:1.1:a#4"]);
    expect(solo.message(2, { kind: "catchUp", first: 2, last: 3 })).toEqual([
      "sendNow 2: behind compactedUpTo=3 chosenUpTo=3",
    ]);
  });

  test("starts the question for what is still missing anew", () => {
    const solo = createSolo();
    solo.message(1, prepare("1.1", 6));
    solo.installed(4);
    expect(solo.state.catchUp).toEqual({ tries: 0, asked: 0, answered: false, since: 4 });
  });
});
