import { expect, test } from "vitest";
import { multipaxos } from "./index.ts";
import { accept, acceptedRecord, command, createSolo, heartbeat, learn } from "./testing/solo.ts";

test("the status of a follower says whom it follows and how far it is", () => {
  const solo = createSolo({ tuning: { retainBytes: 0 } });
  solo.message(1, accept("4.1", 1, ["a#1", "a#2", "a#3"], 2));
  solo.compact(1);
  expect(multipaxos.status(solo.state)).toEqual({
    role: "follower",
    leader: 1,
    ballot: "4.1",
    chosenUpTo: 2,
    compactedUpTo: 1,
    voter: true,
    detail: {
      deliveredUpTo: 2,
      promisedRound: 4,
      open: 0,
      entries: 2,
      queueBytes: 0,
      readsWaiting: 0,
      impaired: 0,
      faulty: 0,
      stoppedAt: 0,
    },
  });
});

test("the status of a leader shows its own ballot and what is open", () => {
  const solo = createSolo();
  solo.lead();
  solo.propose("a#1");
  expect(multipaxos.status(solo.state)).toMatchObject({
    role: "leader",
    leader: 0,
    ballot: "1.0",
    detail: { open: 2 },
  });
});

test("the status tells who does not vote, what waits, and where it ended", () => {
  const impaired = createSolo({ missing: "unnamed" });
  expect(multipaxos.status(impaired.state)).toMatchObject({
    voter: false,
    leader: null,
    ballot: "0.0",
    detail: { impaired: 1 },
  });
  const waiting = createSolo();
  waiting.read(1);
  waiting.propose("a#1");
  const { detail } = multipaxos.status(waiting.state);
  expect(detail).toMatchObject({ readsWaiting: 1, queueBytes: waiting.state.queueBytes });
  expect(detail["queueBytes"]).toBeGreaterThan(0);
  waiting.message(1, learn(1, ["stop#1"]));
  expect(multipaxos.status(waiting.state).detail["stoppedAt"]).toBe(1);
});

test("asking for the status changes nothing", () => {
  const solo = createSolo();
  solo.message(1, heartbeat("1.1"));
  const before = structuredClone({ ...solo.state, settings: null });
  multipaxos.status(solo.state);
  expect(structuredClone({ ...solo.state, settings: null })).toEqual(before);
});

test("the state is plain data: a clone goes on exactly as the original", () => {
  const solo = createSolo({ records: [acceptedRecord("1.1", 1, ["a#1"])] });
  solo.message(1, heartbeat("1.1", 1));
  const { settings, ...rest } = solo.state;
  const twin = { ...structuredClone(rest), settings };
  const inputs = [
    { kind: "timeout", name: "election" },
    { kind: "message", from: 2, message: heartbeat("2.2", 1) },
    { kind: "propose", commands: [command("b#1")] },
    { kind: "read", reads: [5] },
  ] as const;
  for (const input of inputs)
    expect(multipaxos.step(twin, input, 0)).toEqual(multipaxos.step(solo.state, input, 0));
});

test("time is data: what a step does depends on no clock", () => {
  const [early, late] = [createSolo(), createSolo()];
  const input = { kind: "timeout", name: "election" } as const;
  expect(multipaxos.step(late.state, input, 1e12)).toEqual(multipaxos.step(early.state, input, 0));
});
