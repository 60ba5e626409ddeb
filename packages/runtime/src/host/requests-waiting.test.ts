import { type Command, EMPTY_FOOTPRINT } from "@synod/core";
import { beforeEach, expect, test } from "vitest";
import { Requests } from "./requests.ts";

const OWN = "~3.7";
const LIMITS = { outstandingMax: 50, outstandingBytesMax: 1_000, resubmitMs: 100 };

let answers: string[];
let requests: Requests;
/** By token. */
const sent = new Map<number, Command>();

/** Two requests at a time: more than that were not answered in time at first. */
beforeEach(() => {
  answers = [];
  requests = new Requests(OWN, 3, LIMITS, {
    answered: (token, outcome) =>
      answers.push(`${token} ${outcome.kind === "done" ? "done" : outcome.code}`),
    sessionLost: () => undefined,
  });
  for (const token of [91, 92, 93, 94]) own(token, 0);
  propose(0);
  for (const token of [91, 92, 93, 94]) execute(token, 600);
  answers = [];
});

function own(token: number, now: number, allowedMs = 1_000): void {
  const payload = Uint8Array.of(token);
  const body = { kind: "apply", payload, footprint: EMPTY_FOOTPRINT } as const;
  requests.addOwn(token, body, now, now + allowedMs);
}

/** What goes out now, by its tokens. */
function propose(now: number): (number | string)[] {
  const commands = requests.takeUnproposed(100_000, now).flat();
  for (const command of commands) sent.set(command.payload[0] ?? 0, command);
  return commands.map(({ kind, payload: [token = 0] }) => (kind === "apply" ? token : kind));
}

function execute(token: number, now: number): void {
  const position = { log: 0, index: 5 };
  const executed = { kind: "done", position, result: new Uint8Array(0), repeated: false } as const;
  requests.executed(sent.get(token) as Command, executed, now);
}

test("those without room go out in the order of their arrival, as others are answered", () => {
  for (const token of [1, 2, 3, 4, 5]) own(token, 700);
  expect(propose(700)).toEqual([1, 2]);
  expect(requests.hasUnproposed).toBe(false);
  execute(2, 720);
  expect(requests.hasUnproposed).toBe(true);
  own(6, 720);
  expect(propose(720)).toEqual([3, 4]);
  expect(propose(720)).toEqual([]);
  expect(requests.outstanding).toBe(5);
});

test("barriers and stops go out at once", () => {
  for (const token of [1, 2, 3]) own(token, 700);
  requests.addBarrier(700, 5_000);
  requests.addStop(9, Uint8Array.of(9), 700, 5_000);
  expect(propose(700)).toEqual([1, 2, "barrier", "stop"]);
});

test("one that got its turn too late is refused, whoever comes next goes out", () => {
  for (const token of [1, 2]) own(token, 700, 5_000);
  own(3, 700, 400);
  own(4, 700, 2_000);
  expect(propose(700)).toEqual([1, 2]);
  for (const token of [1, 2]) execute(token, 901);
  expect(propose(901)).toEqual([4]);
  expect(answers).toEqual(["1 done", "2 done", "3 overload"]);
});

test("what waits is not proposed again and ends at its deadline: it was not applied", () => {
  for (const token of [1, 2, 3]) own(token, 700);
  propose(700);
  requests.released("all", "unknown", 710);
  requests.caughtUp(() => null);
  requests.carryOver(null, () => {
    throw new Error("no stop is pending");
  });
  expect(propose(710)).toEqual([1, 2]);
  requests.renew("~3.8");
  expect(propose(720)).toEqual([1, 2]);
  requests.tick(1_700);
  expect(answers).toEqual(["1 deadline", "2 deadline", "3 deadline"]);
  expect([requests.outstanding, requests.hasUnproposed]).toEqual([0, false]);
});

test("a request is refused at once behind so many that its turn would come too late", () => {
  for (const token of [1, 2]) own(token, 700);
  propose(700);
  // Two in 600 ms: the third that waits has its turn after 600 ms, and only 500 are for that.
  expect(requests.isFull(1, 1_000)).toBe(false);
  own(3, 700);
  expect(requests.isFull(1, 1_000)).toBe(false);
  own(4, 700);
  expect(requests.isFull(1, 1_000)).toBe(true);
  expect(requests.isFull(1, 1_300)).toBe(false);
});

test("a lost one is proposed again after twice the time that answers take", () => {
  own(1, 700, 10_000);
  expect(propose(700)).toEqual([1]);
  requests.tick(1_899);
  expect(propose(1_899)).toEqual([]);
  requests.tick(1_900);
  expect(propose(1_900)).toEqual([1]);
});
