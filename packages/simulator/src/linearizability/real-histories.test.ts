import { describe, expect, test } from "vitest";
import type { CellOutput } from "./cell.ts";
import { checkHistory } from "./check-history.ts";
import type { CellOperation } from "./testing/random-history.ts";
import { HISTORIES_MISSING, type RealHistory, realHistories } from "./testing/real-histories.ts";
import { isWitness } from "./testing/witness.ts";

describe.skipIf(HISTORIES_MISSING)("recorded histories of others", () => {
  const all = HISTORIES_MISSING ? [] : realHistories();

  test("every verdict is right, and proven where it is good", () => {
    const wrong: string[] = [];
    for (const { name, isLinearizable, history } of all) {
      const verdict = checkHistory(history.operations, history.model);
      const isRight = verdict.kind === (isLinearizable ? "linearizable" : "not-linearizable");
      const isProven =
        verdict.kind !== "linearizable" ||
        isWitness(history.operations, verdict.orders, history.model);
      if (!isRight || !isProven) wrong.push(name);
    }
    expect(wrong).toEqual([]);
    expect(all.length).toBe(56);
  });

  test("every refutation stands without the fast automaton, and is shortest", () => {
    for (const { name, isLinearizable, history } of all) {
      if (isLinearizable) continue;
      const verdict = checkHistory(history.operations, history.model);
      if (verdict.kind !== "not-linearizable") throw new Error(`${name}: ${verdict.kind}`);
      const { operations, shortest } = verdict.counterExample;
      const { automaton: _, ...plain } = history.model;
      expect(checkHistory(operations, plain, { shorten: false }).kind, name).toBe(
        "not-linearizable",
      );
      expect(shortest, name).toBe(true);
      expect(operations.length, name).toBeLessThanOrEqual(8);
    }
  });

  test("one reply that nobody can have got spoils any history", () => {
    let spoilt = 0;
    for (const { name, isLinearizable, history } of all.filter(isGood)) {
      expect(isLinearizable, name).toBe(true);
      for (const [index, operation] of history.operations.entries()) {
        const output = impossible(operation);
        if (output === null || index % 5 !== 0) continue;
        const changed = history.operations.with(index, { ...operation, output });
        const verdict = checkHistory(changed, history.model);
        expect(verdict.kind, `${name}, line ${operation.call}`).toBe("not-linearizable");
        spoilt += 1;
      }
    }
    expect(spoilt).toBeGreaterThan(80);
  });

  test("after one reply is exchanged for another one, both automata agree", () => {
    const kinds = { linearizable: 0, "not-linearizable": 0, undecided: 0 };
    for (const { name, history } of all.filter(isGood)) {
      if (name === "etcd_002.log") continue; // The one that takes the plain automaton long.
      const reads = history.operations.filter(({ output }) => output?.kind === "value");
      for (const [place, operation] of reads.entries()) {
        const other = reads[(place * 7 + 3) % reads.length]?.output ?? null;
        if (place % 3 !== 0 || other === null) continue;
        const changed = history.operations.map((each) =>
          each === operation ? { ...each, output: other } : each,
        );
        const { automaton: _, ...plain } = history.model;
        const verdict = checkHistory(changed, history.model, { shorten: false });
        kinds[verdict.kind] += 1;
        expect(checkHistory(changed, plain, { shorten: false }).kind, name).toBe(verdict.kind);
      }
    }
    expect(kinds.undecided).toBe(0);
    expect(Math.min(kinds.linearizable, kinds["not-linearizable"])).toBeGreaterThan(10);
  });
});

function isGood({ isLinearizable }: RealHistory): boolean {
  return isLinearizable;
}

/** An answer that contradicts every order: a value that nobody wrote. */
function impossible({ output }: CellOperation): CellOutput | null {
  return output?.kind === "value" ? { kind: "value", value: "never written" } : null;
}
