import type { Clock, NodeId } from "@synod/core";
import { beforeEach, expect, test } from "vitest";
import type { Tenure } from "../configuration.ts";
import type { Configured, Holding } from "./host-messages.ts";
import { Membership } from "./membership.ts";

let now: number;
let timers: (() => void)[];
let sent: string[];
let ready: NodeId[];
let learned: number[];
let entered: NodeId[];
let settled: number;

beforeEach(() => {
  now = 0;
  timers = [];
  sent = [];
  learned = [];
  entered = [];
  settled = 0;
  ready = [1, 2, 7];
});

function tenureOf(number: number, ids: readonly NodeId[] = [0, 1, 2]): Tenure {
  const members = ids.map((id) => ({ id, address: "", zone: "", roles: [] }));
  const configuration = { number, cluster: "c".repeat(32), members, quorums: null };
  return { configuration, began: { log: 0, index: 10 * number } };
}

function create(tenure: Tenure, holding: Holding): Membership {
  const clock = {
    now: () => now,
    setTimer: (_ms: number, run: () => void) => timers.push(run),
    clearTimer: () => undefined,
  } as unknown as Clock;
  const send = (to: NodeId, { tenure, holding, asks }: Configured): number =>
    sent.push(`${to}: ${tenure.configuration.number} ${holding}${asks ? "?" : ""}`);
  const options = { self: 0, clock, send, ready: () => ready };
  return new Membership(
    {
      ...options,
      learned: ({ configuration }) => learned.push(configuration.number),
      entered: (peer) => entered.push(peer),
      settled: () => {
        settled += 1;
      },
    },
    tenure,
    holding,
  );
}

function take(): string[] {
  const told = sent;
  sent = [];
  return told;
}

const says = (number: number, holding: Holding, asks = false): Configured => {
  return { kind: "configured", tenure: tenureOf(number), holding, asks };
};

test("in the first configuration nothing is said, and nothing is open", () => {
  const membership = create(tenureOf(1), "state");
  membership.begin();
  membership.linkReady(1);
  expect([take(), timers.length, membership.isSettled]).toEqual([[], 0, true]);
});

test("all are told when another one begins, and who is silent is asked until all have told", () => {
  const membership = create(tenureOf(1), "state");
  membership.enter(tenureOf(2), "state", true);
  expect(take()).toEqual(["1: 2 state?", "2: 2 state?", "7: 2 state?"]);
  membership.heard(1, says(2, "state"));
  timers.shift()?.();
  expect(take()).toEqual(["2: 2 state?"]);
  membership.heard(2, says(2, "state"));
  timers.shift()?.();
  expect([take(), timers.length]).toEqual([[], 0]);
});

test("it is settled once a phase-2 quorum holds the state, whoever else tells of it", () => {
  const membership = create(tenureOf(2), "none");
  membership.heard(7, says(2, "state"));
  membership.heard(1, says(2, "none"));
  membership.heard(2, says(2, "state"));
  expect([membership.isSettled, settled, membership.holders]).toEqual([false, 0, [2]]);
  membership.holds("state");
  expect([membership.isSettled, settled, membership.holders]).toEqual([true, 1, [0, 2]]);
});

test("where members need no state, all have to tell", () => {
  const membership = create(tenureOf(2), "nothing");
  membership.heard(1, says(2, "nothing"));
  expect([membership.isSettled, settled]).toEqual([false, 0]);
  membership.heard(2, says(2, "state"));
  expect([membership.isSettled, settled]).toEqual([true, 1]);
});

test("a later one begins with nobody who holds anything", () => {
  const membership = create(tenureOf(2), "state");
  membership.heard(1, says(2, "state"));
  expect(membership.isSettled).toBe(true);
  membership.enter(tenureOf(3), "state", true);
  membership.heard(2, says(2, "state"));
  expect([membership.isSettled, membership.holders]).toEqual([false, [0]]);
});

test("who leaves is needed until it is settled, and not at all if it had left before", () => {
  const membership = create(tenureOf(1), "state");
  membership.enter(tenureOf(2), "none", true);
  expect(membership.isNeeded).toBe(true);
  membership.enter(tenureOf(3), "none", false);
  expect([membership.isSettled, membership.isNeeded]).toEqual([false, false]);
});

test("whoever is behind is told, whoever is ahead is learned from", () => {
  const membership = create(tenureOf(2), "state");
  membership.heard(1, says(1, "none", true));
  expect(take()).toEqual(["1: 2 state?"]);
  membership.heard(2, says(3, "state", true));
  expect([take(), learned]).toEqual([[], [3]]);
});

test("who comes to the configuration in force is told of once, and again in the next one", () => {
  const membership = create(tenureOf(2), "state");
  for (const number of [1, 2, 2, 3]) membership.heard(1, says(number, "none"));
  membership.heard(2, says(2, "state", true));
  expect(entered).toEqual([1, 2]);
  membership.enter(tenureOf(3), "state", true);
  membership.heard(1, says(3, "none"));
  expect(entered).toEqual([1, 2, 1]);
});

test("messages of another configuration are answered, but not each of them", () => {
  const membership = create(tenureOf(2), "state");
  for (let message = 0; message < 5; message += 1) membership.foreign(1);
  expect(take()).toEqual(["1: 2 state?"]);
  now = 100;
  membership.foreign(1);
  expect(take()).toEqual(["1: 2 state?"]);
});
