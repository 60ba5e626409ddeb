import { VALUE_BYTES_MAX } from "@synod/core";
import { describe, expect, test } from "vitest";
import {
  accept,
  command,
  createSolo,
  heartbeat,
  learn,
  nack,
  prepare,
  REQUEST_BYTES,
  value,
} from "./testing/solo.ts";

function forward(text: string, passedOn = false) {
  return { kind: "forward", passedOn, value: value(text) } as const;
}

describe("proposals", () => {
  test("are handed to the leader at once", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    expect(solo.propose("a#1", "b#1")).toEqual(["sendNow 1: forward passedOn=false value=a#1+b#1"]);
    expect(solo.state.queue).toEqual([]);
    expect(solo.state.queueBytes).toBe(0);
  });

  test("wait for a leader when none is known", () => {
    const solo = createSolo();
    expect(solo.propose("a#1")).toEqual([]);
    expect(solo.propose("a#2")).toEqual([]);
    expect(solo.message(1, heartbeat("1.1")).slice(0, 2)).toEqual([
      "sendNow 1: forward passedOn=false value=a#1",
      "sendNow 1: forward passedOn=false value=a#2",
    ]);
    expect(solo.state.queueBytes).toBe(0);
  });

  test("are cut into batches of at most batchBytesMax, each command whole", () => {
    const solo = createSolo({ tuning: { batchBytesMax: 2 * REQUEST_BYTES + 1 } });
    solo.message(1, heartbeat("1.1"));
    expect(solo.propose("a#1", "a#2", "a#3", "a#4", "a#5")).toEqual([
      "sendNow 1: forward passedOn=false value=a#1+a#2",
      "sendNow 1: forward passedOn=false value=a#3+a#4",
      "sendNow 1: forward passedOn=false value=a#5",
    ]);
    const tight = createSolo({ tuning: { batchBytesMax: 1 } });
    tight.message(1, heartbeat("1.1"));
    expect(tight.propose("a#1", "a#2")).toHaveLength(2);
  });

  test("that do not fit into the queue are given back as never executed", () => {
    const tuning = { queueBytesMax: 3 * REQUEST_BYTES, batchBytesMax: 2 * REQUEST_BYTES };
    const solo = createSolo({ tuning });
    expect(solo.propose("a#1", "a#2", "b#1", "b#2")).toEqual(["release never b#1+b#2"]);
    expect(solo.propose("c#1")).toEqual([]);
    expect(solo.propose("d#1")).toEqual(["release never d#1"]);
    expect(solo.state.queueBytes).toBe(3 * REQUEST_BYTES);
  });

  test("larger than a value may be are given back, however empty the queue is", () => {
    const solo = createSolo();
    const huge = { ...command("a#1"), payload: new Uint8Array(VALUE_BYTES_MAX) };
    expect(solo.input({ kind: "propose", commands: [huge] })).toEqual(["release never a#1"]);
  });

  test("none is nothing", () => {
    expect(createSolo().propose()).toEqual([]);
    const stopped = createSolo();
    stopped.message(1, learn(1, ["stop#1"]));
    expect(stopped.propose()).toEqual([]);
  });
});

describe("what was handed to a leader", () => {
  test("is reported as unknown when the leader is no longer heard", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    solo.propose("a#1");
    expect(solo.timeout("election")).toContain("release unknown all");
    // Once is enough.
    expect(solo.timeout("election")).not.toContain("release unknown all");
  });

  test("is reported when another one leads", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    solo.propose("a#1");
    expect(solo.message(2, heartbeat("2.2"))[0]).toBe("release unknown all");
    expect(solo.message(2, heartbeat("2.2", 0, 2))).toHaveLength(1);
  });

  test("is reported when the same node leads in another ballot: it has restarted", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    solo.propose("a#1");
    expect(solo.message(1, accept("2.1", 1, ["-"]))[0]).toBe("release unknown all");
  });

  test("is reported when somebody is promised a higher ballot", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    solo.propose("a#1");
    expect(solo.message(2, prepare("2.2"))[0]).toBe("release unknown all");
  });

  test("is reported when the connection was another one meanwhile", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    expect(solo.linkUp(1)).toEqual([]);
    solo.propose("a#1");
    expect(solo.linkUp(2)).toEqual([]);
    expect(solo.linkUp(1)).toEqual(["release unknown all"]);
    expect(solo.linkUp(1)).toEqual([]);
  });

  test("and what this node itself proposed as leader is reported when it leads no more", () => {
    const solo = createSolo();
    solo.lead();
    solo.propose("a#1");
    expect(solo.message(1, nack("1.0", "3.1"))).toEqual(["release unknown all"]);
  });
});

describe("a forward", () => {
  test("is proposed by the leader, joined with what waits", () => {
    const solo = createSolo();
    solo.lead();
    expect(solo.message(2, forward("a#1"))[0]).toBe(
      "sendNow 1,2: accept ballot=1.0 first=2 values=[a#1] chosenUpTo=0",
    );
  });

  test("is passed on once by who is not the leader", () => {
    const solo = createSolo();
    solo.message(1, heartbeat("1.1"));
    expect(solo.message(2, forward("a#1"))).toEqual(["sendNow 1: forward passedOn=true value=a#1"]);
    expect(solo.message(2, forward("a#1", true))).toEqual([]);
    // Not back to where it came from.
    expect(solo.message(1, forward("a#1"))).toEqual([]);
    expect(solo.state.queue).toEqual([]);
  });

  test("waits where nobody leads, and goes to whoever does", () => {
    const solo = createSolo();
    expect(solo.message(2, forward("a#1", true))).toEqual([]);
    expect(solo.message(1, heartbeat("1.1"))[0]).toBe(
      "sendNow 1: forward passedOn=false value=a#1",
    );
  });

  test("of nothing, beyond the queue, or after a stop is dropped", () => {
    const solo = createSolo({ tuning: { queueBytesMax: REQUEST_BYTES } });
    solo.message(2, forward("-"));
    expect(solo.state.queue).toEqual([]);
    solo.message(2, forward("a#1"));
    expect(solo.message(2, forward("a#2"))).toEqual([]);
    expect(solo.state.queue).toHaveLength(1);
    solo.message(1, learn(1, ["stop#1"]));
    solo.message(2, forward("a#3"));
    expect(solo.state.queue).toEqual([]);
  });
});

test("a stop goes the way of any command", () => {
  const solo = createSolo();
  solo.message(1, heartbeat("1.1"));
  expect(solo.stop("stop#1")).toEqual(["sendNow 1: forward passedOn=false value=stop#1"]);
});
