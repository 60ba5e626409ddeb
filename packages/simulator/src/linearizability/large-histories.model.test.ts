import { createPrng, nextBelow } from "@synod/core";
import { expect, test } from "vitest";
import { registerModel, stringMapModel } from "./cell-model.ts";
import { checkHistory } from "./check-history.ts";
import { type CellOperation, simulateHistory, type Workload } from "./testing/random-history.ts";
import { isWitness } from "./testing/witness.ts";

/** Fifty clients on ten keys; every text that is written is unlike all others. */
const MAP: Workload = {
  model: stringMapModel,
  clients: 50,
  operations: 2000,
  keys: 10,
  lostOneIn: 0,
  slowness: 20,
  draw: (prng, client, n) => {
    const draw = nextBelow(prng, 20);
    if (draw < 9) return { kind: "read" };
    return { kind: draw < 10 ? "write" : "append", value: `x ${client} ${n} y` };
  },
};

/** Five clients on one register with five values, and many answers lost. */
const REGISTER: Workload = {
  model: registerModel,
  clients: 5,
  operations: 85,
  keys: 1,
  lostOneIn: 6,
  slowness: 20,
  draw: (prng) => {
    const value = String(nextBelow(prng, 5));
    const draw = nextBelow(prng, 3);
    if (draw === 0) return { kind: "read" };
    if (draw === 1) return { kind: "write", value };
    return { kind: "cas", expected: String(nextBelow(prng, 5)), value };
  },
};

test("what a linearizable map did is found to be linearizable, with proof", () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const history = simulateHistory(seed, MAP);
    const verdict = checkHistory(history, stringMapModel, { stepsMax: 20_000_000 });
    if (verdict.kind !== "linearizable") throw new Error(`seed ${seed}: ${verdict.kind}`);
    expect(isWitness(history, verdict.orders, stringMapModel)).toBe(true);
  }
});

test("one stale get among two thousand operations is found and told in a few", () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const history = withStaleGet(simulateHistory(seed, MAP), seed);
    const verdict = checkHistory(history, stringMapModel, { stepsMax: 20_000_000 });
    if (verdict.kind !== "not-linearizable") throw new Error(`seed ${seed}: ${verdict.kind}`);
    const { operations, shortest } = verdict.counterExample;
    expect(shortest).toBe(true);
    expect(operations.length).toBeLessThan(6);
  }
});

test("a hundred registers with lost answers are linearizable, with proof", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const history = simulateHistory(seed, REGISTER);
    const verdict = checkHistory(history, registerModel, { stepsMax: 20_000_000 });
    if (verdict.kind !== "linearizable") throw new Error(`seed ${seed}: ${verdict.kind}`);
    expect(isWitness(history, verdict.orders, registerModel)).toBe(true);
  }
});

/**
 * Some get answers with the beginning of a text that another get showed in full before it was
 * called. As every text is written once, nothing can bring that beginning back.
 */
function withStaleGet(history: readonly CellOperation[], seed: number): CellOperation[] {
  const prng = createPrng(seed);
  const gets = history.filter(({ input }) => input.kind === "read");
  while (true) {
    const [fresh, stale, older] = [0, 0, 0].map(() => gets[nextBelow(prng, gets.length)]);
    if (fresh === undefined || stale === undefined || older === undefined) continue;
    if ((fresh.returned ?? 0) >= stale.call || fresh.key !== stale.key) continue;
    if (older.key !== fresh.key) continue;
    const text = textOf(older);
    if (text === "" || text === textOf(fresh) || !textOf(fresh).startsWith(text)) continue;
    return history.map((each) => (each === stale ? { ...each, output: older.output } : each));
  }
}

function textOf({ output }: CellOperation): string {
  return output?.kind === "value" ? (output.value ?? "") : "";
}
