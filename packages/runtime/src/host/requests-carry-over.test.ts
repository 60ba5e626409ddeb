import { EMPTY_FOOTPRINT } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
import type { Executed } from "../execution.ts";
import type { Outcome } from "../outcome.ts";
import { Requests } from "./requests.ts";

const LIMITS = { outstandingMax: 5, outstandingBytesMax: 1_000, resubmitMs: 100 };
const DEADLINE_MS = 5_000;

let answers: string[];
let requests: Requests;

beforeEach(() => {
  answers = [];
  requests = create();
});

function create(): Requests {
  return new Requests("~3.7", 3, LIMITS, {
    answered: (token, outcome) => answers.push(`${token} ${word(outcome)}`),
    sessionLost: () => answers.push("session lost"),
  });
}

function word(outcome: Outcome): string {
  if (outcome.kind === "failed") return `${outcome.code}/${outcome.applied}`;
  return `done@${outcome.position.index}`;
}

function own(token: number): void {
  const payload = Uint8Array.of(token);
  requests.addOwn(token, { kind: "apply", payload, footprint: EMPTY_FOOTPRINT }, 0, DEADLINE_MS);
}

const propose = () => requests.takeUnproposed(100_000, 0).flat();

const stopped = (payload: Uint8Array): Outcome => {
  const position = { log: 0, index: payload.length };
  return { kind: "done", position, result: new Uint8Array(0), repeated: false };
};

/** By sequence. */
function recallOf(known: Readonly<Record<number, Executed>>) {
  return ({ sequence }: { readonly sequence: number }): Executed | null => known[sequence] ?? null;
}

function done(index: number): Executed {
  return {
    kind: "done",
    position: { log: 0, index },
    result: Uint8Array.of(index),
    repeated: true,
  };
}

describe("a state from elsewhere", () => {
  test("answers what it stands for; the rest is proposed again, and is open as before", () => {
    own(10);
    own(11);
    propose();
    requests.caughtUp(recallOf({ 2: done(7) }));
    expect(answers).toEqual(["11 done@7"]);
    expect(propose().map(({ sequence }) => sequence)).toEqual([1]);
    requests.tick(DEADLINE_MS);
    expect(answers).toEqual(["11 done@7", "10 deadline/unknown"]);
  });

  test.each([
    ["session-expired", "unknown"],
    ["sequence-forgotten", "unknown"],
    ["sequence-reused", "no"],
  ] as const)("that says %s: whether it was applied is then %s", (code, applied) => {
    own(10);
    propose();
    own(11);
    requests.caughtUp(() => ({ kind: "refused", code }));
    expect(answers).toEqual([`10 ${code}/${applied}`, `11 ${code}/no`]);
  });

  test("says nothing of barriers", () => {
    requests.addBarrier(0, DEADLINE_MS);
    propose();
    requests.caughtUp(() => done(7));
    expect(propose().map(({ kind }) => kind)).toEqual(["barrier"]);
  });
});

describe("another configuration", () => {
  test("is proposed all that waited, but never a stop: that was for the one before", () => {
    own(10);
    requests.addStop(11, Uint8Array.of(9, 9), 0, DEADLINE_MS);
    expect(requests.hasStop).toBe(true);
    expect(propose()).toHaveLength(2);
    requests.carryOver(() => null, stopped);
    expect([answers, requests.hasStop]).toEqual([["11 done@2"], false]);
    expect(propose().map(({ kind, sequence }) => [kind, sequence])).toEqual([["apply", 1]]);
  });

  test.each([
    ["with the state", () => null, "no"],
    ["without", null, "unknown"],
  ])("makes definite what was not delivered, %s of the one before", (_, recall, applied) => {
    own(10);
    propose();
    requests.carryOver(recall, stopped);
    requests.tick(DEADLINE_MS);
    expect(answers).toEqual([`10 deadline/${applied}`]);
  });

  test("answers what the state holds that came from elsewhere, as a member or not", () => {
    own(10);
    own(11);
    propose();
    requests.carryOver(recallOf({ 1: done(7) }), stopped);
    requests.refuse("not-a-member");
    expect(answers).toEqual(["10 done@7", "11 not-a-member/no"]);
  });

  test("that this node is no member of ends all that waits", () => {
    own(10);
    propose();
    own(11);
    requests.refuse("not-a-member");
    expect(answers.sort()).toEqual(["10 not-a-member/unknown", "11 not-a-member/no"]);
    expect(propose()).toEqual([]);
  });
});
