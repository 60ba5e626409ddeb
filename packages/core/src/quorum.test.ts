import { describe, expect, test } from "vitest";
import { InvariantViolation } from "./invariant.ts";
import type { QuorumSystem } from "./quorum.ts";
import { flexible, flexibleProblem, majority } from "./quorum.ts";

const SIZES = [1, 2, 3, 4, 5, 6, 7];

/** Ids with gaps, so that nothing works by accident because ids are 0..n-1. */
function ids(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index * 3 + 2);
}

function subset(members: readonly number[], mask: number): Set<number> {
  return new Set(members.filter((_, index) => (mask & (1 << index)) !== 0));
}

/** Masks of all subsets that are quorums, and whether every phase-1 one meets every phase-2 one. */
function examine(quorums: QuorumSystem) {
  const phase1: number[] = [];
  const phase2: number[] = [];
  for (let mask = 0; mask < 1 << quorums.members.length; mask += 1) {
    const voters = subset(quorums.members, mask);
    if (quorums.isPhase1(voters)) phase1.push(mask);
    if (quorums.isPhase2(voters)) phase2.push(mask);
  }
  return { phase1, phase2, meet: phase1.every((a) => phase2.every((b) => (a & b) !== 0)) };
}

function bits(mask: number): number {
  return mask === 0 ? 0 : (mask & 1) + bits(mask >> 1);
}

describe.each(SIZES)("%i members, over all subsets", (count) => {
  const members = ids(count);

  test("majorities meet, and are the smallest equal sets that do", () => {
    const { phase1, phase2, meet } = examine(majority(members));
    expect(meet).toBe(true);
    expect(phase1).toEqual(phase2);
    const smallest = Math.min(...phase1.map(bits));
    expect(2 * smallest).toBeGreaterThan(count);
    expect(2 * (smallest - 1)).toBeLessThanOrEqual(count);
  });

  test("every pair of flexible sizes is accepted exactly when its quorums meet", () => {
    for (let phase1 = 1; phase1 <= count; phase1 += 1) {
      for (let phase2 = 1; phase2 <= count; phase2 += 1) {
        const masks = Array.from({ length: 1 << count }, (_, mask) => mask);
        const first = masks.filter((mask) => bits(mask) >= phase1);
        const second = masks.filter((mask) => bits(mask) >= phase2);
        const meet = first.every((a) => second.every((b) => (a & b) !== 0));
        const problem = flexibleProblem(members, { phase1, phase2 });
        expect([phase1, phase2, problem === null]).toEqual([phase1, phase2, meet]);
        if (!meet) {
          expect(() => flexible(members, { phase1, phase2 })).toThrow(InvariantViolation);
          continue;
        }
        const seen = examine(flexible(members, { phase1, phase2 }));
        expect(seen).toEqual({ phase1: first, phase2: second, meet: true });
      }
    }
  });

  test("a superset of a quorum is a quorum", () => {
    const { phase1 } = examine(majority(members));
    const quorums = new Set(phase1);
    for (const mask of phase1) {
      for (let bit = 0; bit < count; bit += 1) expect(quorums.has(mask | (1 << bit))).toBe(true);
    }
  });
});

test("even clusters need more than half: 2 of 2, 3 of 4, 4 of 6", () => {
  for (const [count, size] of [
    [2, 2],
    [4, 3],
    [6, 4],
  ] as const) {
    const members = ids(count);
    const quorums = majority(members);
    expect(quorums.isPhase2(new Set(members.slice(0, size)))).toBe(true);
    expect(quorums.isPhase2(new Set(members.slice(0, size - 1)))).toBe(false);
  }
});

test("even clusters may halve phase 2 when phase 1 grows by one", () => {
  expect(flexibleProblem(ids(4), { phase1: 3, phase2: 2 })).toBeNull();
  expect(flexibleProblem(ids(4), { phase1: 2, phase2: 2 })).not.toBeNull();
});

test("strangers do not count", () => {
  const quorums = majority([1, 2, 3]);
  expect(quorums.isPhase1(new Set([1, 77, 78, 79]))).toBe(false);
  expect(quorums.isPhase2(new Set([1, 2, 77]))).toBe(true);
});

test("refuses what cannot be a quorum system, and says why", () => {
  expect(flexibleProblem([], { phase1: 1, phase2: 1 })).toMatch(/at least one member/);
  expect(flexibleProblem([1, 1, 2], { phase1: 2, phase2: 2 })).toMatch(/twice/);
  expect(flexibleProblem([1, 2, 3], { phase1: 0, phase2: 3 })).toMatch(/phase1 .* not 0/);
  expect(flexibleProblem([1, 2, 3], { phase1: 3, phase2: 4 })).toMatch(/phase2 .* from 1 to 3/);
  expect(flexibleProblem([1, 2, 3], { phase1: 1.5, phase2: 3 })).toMatch(/whole number/);
  expect(flexibleProblem([1, 2, 3], { phase1: Number.NaN, phase2: 3 })).toMatch(/whole number/);
  expect(() => majority([])).toThrow(InvariantViolation);
  expect(() => majority([4, 4])).toThrow(InvariantViolation);
});
