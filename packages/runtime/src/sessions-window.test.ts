import { createPrng, nextBelow } from "@synod/core";
import { describe, expect, test } from "vitest";
import { type Answer, AnswerWindow } from "./sessions-window.ts";

function answerTo(sequence: number): Answer {
  const position = { log: 0, index: sequence * 10 };
  return { kind: "answer", sequence, position, result: Uint8Array.of(sequence), digest: "" };
}

function kept(window: AnswerWindow): number[] {
  return Array.from({ length: window.size }, (_, index) => window.at(index).sequence);
}

describe("AnswerWindow", () => {
  for (const shape of ["rising", "shuffled", "falling"] as const) {
    test(`against a naive twin: ${shape} sequences`, () => {
      const prng = createPrng(shape.length);
      for (let round = 0; round < 20; round += 1) {
        let window = new AnswerWindow(1);
        let twin = new Set<number>();
        let floor = 1;
        let top = shape === "falling" ? 400 : 0;
        for (let step = 0; step < 300; step += 1) {
          if (nextBelow(prng, 3) === 0) {
            floor = Math.max(floor, floor + nextBelow(prng, 5) - 2);
            window.raise(floor);
          } else if (nextBelow(prng, 40) === 0) {
            const most = nextBelow(prng, 30);
            window.shrink(most);
            while (twin.size > most) {
              floor = Math.min(...twin) + 1;
              twin.delete(floor - 1);
            }
          } else {
            if (shape === "rising") top += 1 + nextBelow(prng, 2);
            else if (shape === "falling") top -= 1;
            const sequence = shape === "shuffled" ? floor + nextBelow(prng, 60) : top;
            if (sequence < floor || twin.has(sequence)) continue;
            window.add(answerTo(sequence));
            twin.add(sequence);
          }
          twin = new Set([...twin].filter((sequence) => sequence >= floor));
          if (nextBelow(prng, 50) === 0) window = window.copy();
          expect(window.floor).toBe(floor);
          expect(kept(window)).toEqual([...twin].sort((a, b) => a - b));
          const probe = floor + nextBelow(prng, 80) - 5;
          expect(window.find(probe)?.sequence ?? null).toBe(twin.has(probe) ? probe : null);
        }
      }
    });
  }

  test("a copy and its original do not share", () => {
    const window = new AnswerWindow(1);
    for (const sequence of [1, 2, 3]) window.add(answerTo(sequence));
    const copy = window.copy();
    window.raise(3);
    window.add(answerTo(9));
    copy.add(answerTo(4));
    expect(kept(window)).toEqual([3, 9]);
    expect(kept(copy)).toEqual([1, 2, 3, 4]);
    expect([window.floor, copy.floor]).toEqual([3, 1]);
  });
});
