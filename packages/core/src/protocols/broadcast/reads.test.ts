import { describe, expect, test } from "vitest";
import { b, bytes } from "../paxos/testing/values.ts";
import { createSolo, type Solo } from "./testing/solo.ts";

function readable(solo: Solo): [number, readonly number[]][] {
  return solo.effects.flatMap((effect) =>
    effect.kind === "readable" ? [[effect.position.index, effect.reads]] : [],
  ) as [number, readonly number[]][];
}

function read(solo: Solo, ...reads: number[]): void {
  solo.input({ kind: "read", reads });
}

const told = { kind: "told", incarnation: 1 } as const;

describe("a read", () => {
  test("asks a quorum of acceptors, of which this member is one", () => {
    const solo = createSolo({ size: 5 });
    read(solo, 7);
    expect(solo.said()).toEqual(["1,2,3,4: ask incarnation=1 number=1"]);
    solo.hear(1, { ...told, number: 1, openUpTo: 0 });
    solo.hear(1, { ...told, number: 1, openUpTo: 0 });
    expect(readable(solo)).toEqual([]);
    solo.hear(2, { ...told, number: 1, openUpTo: 0 });
    expect(readable(solo)).toEqual([[0, [7]]]);
  });

  test("waits until all that anybody had accepted is delivered here", () => {
    const solo = createSolo();
    read(solo, 7);
    solo.hear(1, { ...told, number: 1, openUpTo: 2 });
    expect(readable(solo)).toEqual([]);
    solo.hear(1, { kind: "learn", first: 1, values: [bytes("")], decidedUpTo: 1 });
    expect(readable(solo)).toEqual([]);
    solo.hear(1, { kind: "learn", first: 2, values: [bytes("")], decidedUpTo: 2 });
    expect(readable(solo)).toEqual([[2, [7]]]);
  });

  test("takes no answer to an earlier question, or to one of an earlier life", () => {
    const solo = createSolo();
    read(solo, 7);
    solo.timeout("reads");
    solo.hear(1, { ...told, number: 1, openUpTo: 0 });
    solo.hear(1, { ...told, incarnation: 0, number: 2, openUpTo: 0 });
    expect(readable(solo)).toEqual([]);
    solo.hear(1, { ...told, number: 2, openUpTo: 0 });
    expect(readable(solo)).toEqual([[0, [7]]]);
  });

  test("that comes while a question is under way waits for the next one", () => {
    const solo = createSolo();
    read(solo, 7);
    read(solo, 8);
    expect(solo.said()).toEqual([]);
    solo.hear(1, { ...told, number: 1, openUpTo: 0 });
    expect(readable(solo)).toEqual([[0, [7]]]);
    expect(solo.said()).toEqual(["1,2: ask incarnation=1 number=2"]);
    solo.hear(1, { ...told, number: 2, openUpTo: 0 });
    expect(readable(solo)).toEqual([[0, [8]]]);
  });

  test("piles up no answers while a slot stays open", () => {
    const solo = createSolo();
    for (let number = 1; number <= 10; number += 1) {
      read(solo, number);
      solo.hear(1, { ...told, number, openUpTo: number });
    }
    expect(solo.state.reads.cleared).toHaveLength(2);
    expect(solo.state.reads.waiting).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    const values = Array.from({ length: 10 }, () => bytes(""));
    solo.hear(1, { kind: "learn", first: 1, values, decidedUpTo: 10 });
    expect(readable(solo)).toEqual([
      [1, [1]],
      [2, [2]],
    ]);
    expect(solo.said()).toContain("1,2: ask incarnation=1 number=3");
  });

  test("is answered by acceptors with all that they have accepted, by no others", () => {
    const solo = createSolo();
    solo.decree(1, 3, { kind: "accept", ballot: b(1, 1), value: bytes("") });
    solo.hear(2, { kind: "ask", incarnation: 4, number: 5 });
    expect(solo.said()).toEqual(["2: told incarnation=4 number=5 openUpTo=3"]);
    const deaf = createSolo({ voter: false });
    deaf.hear(2, { kind: "ask", incarnation: 4, number: 5 });
    expect(deaf.said()).toEqual([]);
  });

  test("is not served after the end", () => {
    const solo = createSolo({ size: 1 });
    solo.input({
      kind: "stop",
      command: {
        kind: "stop",
        client: "s",
        sequence: 1,
        acknowledged: 1,
        origin: 0,
        payload: bytes(""),
        footprint: { reads: [], writes: [] },
      },
    });
    expect(solo.state.stoppedAt).toBe(1);
    read(solo, 7);
    expect(readable(solo)).toEqual([]);
  });
});
