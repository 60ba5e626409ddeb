import { EMPTY_FOOTPRINT } from "@synod/core";
import { beforeEach, describe, expect, test } from "vitest";
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

describe("another configuration", () => {
  test("is proposed all that waited, but never a stop: that was for the one before", () => {
    own(10);
    requests.addStop(11, Uint8Array.of(9, 9), 0, DEADLINE_MS);
    expect(requests.hasStop).toBe(true);
    expect(propose()).toHaveLength(2);
    requests.carryOver(true, stopped);
    expect([answers, requests.hasStop]).toEqual([["11 done@2"], false]);
    expect(propose().map(({ kind, sequence }) => [kind, sequence])).toEqual([["apply", 1]]);
  });

  test.each([
    [true, "no"],
    [false, "unknown"],
  ])("makes definite what was not delivered, if all that was is executed: %s", (all, applied) => {
    own(10);
    propose();
    requests.carryOver(all, stopped);
    requests.tick(DEADLINE_MS);
    expect(answers).toEqual([`10 deadline/${applied}`]);
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
