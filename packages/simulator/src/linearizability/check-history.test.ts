import { expect, test } from "vitest";
import type { CellInput, CellOutput } from "./cell.ts";
import { registerModel, stringMapModel } from "./cell-model.ts";
import { checkHistory } from "./check-history.ts";
import type { HistoryOperation } from "./history.ts";
import { internStates, type Model } from "./model.ts";
import type { CellOperation } from "./testing/random-history.ts";
import { isWitness } from "./testing/witness.ts";

const DONE: CellOutput = { kind: "done" };

function write(key: string, value: string, call: number, returned: number | null): CellOperation {
  const output = returned === null ? null : DONE;
  return { process: "w", key, input: { kind: "write", value }, output, call, returned };
}

function read(key: string, value: string | null, call: number, returned: number): CellOperation {
  const output: CellOutput = { kind: "value", value };
  return { process: "r", key, input: { kind: "read" }, output, call, returned };
}

/**
 * Concurrent appends that no get ever shows together: hopeless, but only after 2^`count`
 * configurations.
 */
function outOfReach(key: string, count: number): CellOperation[] {
  const appends = Array.from({ length: count }, (_, index): CellOperation => {
    const input: CellInput = { kind: "append", value: String.fromCharCode(97 + index) };
    return { process: `a${index}`, key, input, output: DONE, call: 1, returned: 10 };
  });
  return [...appends, read(key, "nobody wrote this", 11, 12)];
}

test("nothing is linearizable", () => {
  expect(checkHistory([], registerModel)).toEqual({
    kind: "linearizable",
    steps: 0,
    orders: new Map(),
  });
});

test("a call at the very time of a return is concurrent with it", () => {
  const stale = (call: number) => [write("", "1", 1, 5), read("", null, call, 9)];
  expect(checkHistory(stale(5), registerModel).kind).toBe("linearizable");
  expect(checkHistory(stale(6), registerModel).kind).toBe("not-linearizable");
});

test("an operation without an answer takes effect at any later time, or never", () => {
  const lost = write("", "1", 1, null);
  const late = [lost, read("", null, 2, 3), read("", "1", 4, 5)];
  expect(checkHistory(late, registerModel).kind).toBe("linearizable");
  expect(checkHistory([lost, read("", null, 4, 5)], registerModel).kind).toBe("linearizable");
  const back = [...late, read("", null, 6, 7)];
  expect(checkHistory(back, registerModel).kind).toBe("not-linearizable");
});

test("keys are told apart", () => {
  const history = [write("a", "1", 1, 2), read("b", null, 3, 4), read("a", "1", 3, 4)];
  const verdict = checkHistory(history, registerModel);
  expect(verdict.kind === "linearizable" && [...verdict.orders.keys()]).toEqual(["a", "b"]);
});

test("a key that is out of reach does not hide another one that is wrong", () => {
  const history = [...outOfReach("hard", 26), write("easy", "1", 1, 2), read("easy", "2", 3, 4)];
  const verdict = checkHistory(history, stringMapModel);
  expect(verdict.kind === "not-linearizable" && verdict.counterExample.key).toBe("easy");
  expect(verdict.steps).toBeLessThan(10_000);
});

test("the verdict is open when the steps run out, and names the keys", () => {
  const history = [...outOfReach("hard", 26), write("easy", "1", 1, 2)];
  const verdict = checkHistory(history, stringMapModel, { stepsMax: 20_000 });
  expect(verdict.kind === "undecided" && verdict.keys).toEqual(["hard"]);
  expect(verdict.steps).toBeLessThan(20_100);
});

test("little memory costs time, not the verdict", () => {
  const history = outOfReach("", 9);
  const roomy = checkHistory(history, stringMapModel, { shorten: false });
  const tight = checkHistory(history, stringMapModel, { shorten: false, visitedMax: 16 });
  expect([roomy.kind, tight.kind]).toEqual(["not-linearizable", "not-linearizable"]);
  expect(tight.steps).toBeGreaterThan(roomy.steps);
});

test("progress is told while it lasts", () => {
  const seen: number[] = [];
  checkHistory(outOfReach("hard", 20), stringMapModel, {
    stepsMax: 50_000,
    onProgress: ({ steps, keysOpen }) => seen.push(steps * keysOpen),
  });
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test("a model of one's own needs no automaton", () => {
  // A counter: adding tells the sum.
  const counter: Model<number, number, number> = {
    initial: 0,
    step: (state, add, sum) => (sum === null || state + add === sum ? state + add : undefined),
    key: String,
    describe: (add, sum) => `add ${add} → ${sum ?? "?"}`,
    preserves: (add) => add === 0,
  };
  const add = (input: number, output: number, call: number): HistoryOperation<number, number> => {
    return { process: "c", key: "", input, output, call, returned: call + 10 };
  };
  const good = [add(1, 6, 1), add(2, 2, 2), add(3, 5, 3), add(0, 6, 4)];
  const verdict = checkHistory(good, counter);
  expect(verdict.kind === "linearizable" && isWitness(good, verdict.orders, counter)).toBe(true);
  const bad = checkHistory([...good, add(1, 6, 30)], counter);
  expect(bad.kind).toBe("not-linearizable");
});

test("a model with too many states leaves the verdict open", () => {
  const { automaton: _, ...plain } = stringMapModel;
  const tight: typeof plain = { ...plain };
  const model: typeof stringMapModel = {
    ...tight,
    automaton: (operations) => internStates(tight, operations, 50),
  };
  expect(checkHistory(outOfReach("", 12), model).kind).toBe("undecided");
  expect(checkHistory([read("", "x", 1, 2)], model).kind).toBe("not-linearizable");
});
