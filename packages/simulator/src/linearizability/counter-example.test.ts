import { expect, test } from "vitest";
import { type CellModel, keyValueModel, registerModel, stringMapModel } from "./cell-model.ts";
import { checkHistory } from "./check-history.ts";
import { tellCounterExample } from "./tell-counter-example.ts";
import type { CellOperation } from "./testing/random-history.ts";

let clock = 0;

/** One operation after the other, each by its own process. */
function then(operation: Pick<CellOperation, "input" | "output">): CellOperation {
  clock += 10;
  return { process: `p${clock}`, key: "k", ...operation, call: clock, returned: clock + 5 };
}

const write = (value: string): CellOperation =>
  then({ input: { kind: "write", value }, output: { kind: "done" } });
const append = (value: string): CellOperation =>
  then({ input: { kind: "append", value }, output: { kind: "done" } });
const read = (value: string | null): CellOperation =>
  then({ input: { kind: "read" }, output: { kind: "value", value } });

/** What the shortest counter-example consists of, in words. */
function shortest(history: readonly CellOperation[], model: CellModel): string[] {
  const verdict = checkHistory(history, model);
  if (verdict.kind !== "not-linearizable") throw new Error(verdict.kind);
  expect(verdict.counterExample.shortest).toBe(true);
  return verdict.counterExample.operations.map(({ input, output }) =>
    model.describe(input, output),
  );
}

test("a stale read needs the write that came between, and nothing else", () => {
  const history = [
    write("0"),
    read("0"),
    write("1"),
    read("1"),
    write("2"),
    read("2"),
    read("1"),
    write("3"),
    read("3"),
  ];
  // Either the write or the read of "2" shows that "1" was over.
  expect(shortest(history, registerModel)).toEqual([expect.stringContaining('"2"'), 'read → "1"']);
});

test("a value that nobody wrote stands alone", () => {
  expect(shortest([write("1"), write("2"), read("3"), read("2")], registerModel)).toEqual([
    'read → "3"',
  ]);
});

test("a write that explains an answer is not left out, even if nobody knows it happened", () => {
  const lost = { ...write("1"), output: null, returned: null };
  const history = [write("0"), lost, read("1"), read("0"), write("5"), read("5")];
  const found = shortest(history, registerModel);
  expect(found.at(-1)).toBe('read → "0"');
  expect(found).toContain('read → "1"');
});

test("a lost append needs the get that no longer shows it, and one that did or the append", () => {
  const history = [append("a"), append("b"), read("ab"), append("c"), read("abc"), read("ab")];
  expect(shortest(history, stringMapModel)).toEqual([expect.stringContaining("c"), 'get → "ab"']);
});

test("what returned after the wrong answer stays open, with the answer it got", () => {
  // The cas that is still running did not match, so it does not explain the "2".
  const [first, wrong] = [write("1"), read("2")];
  const cas: CellOperation = {
    ...then({
      input: { kind: "cas", expected: "1", value: "2" },
      output: { kind: "matched", matched: false },
    }),
    call: first.call,
    returned: wrong.call + 100,
  };
  expect(shortest([first, wrong, cas], registerModel)).toEqual(['read → "2"']);
  const matched: CellOperation = { ...cas, output: { kind: "matched", matched: true } };
  expect(checkHistory([first, wrong, matched], registerModel).kind).toBe("linearizable");
});

test("without shortening it is cut at the wrong answer", () => {
  const history = [write("0"), read("0"), read("9"), write("1"), read("1")];
  const verdict = checkHistory(history, keyValueModel, { shorten: false });
  if (verdict.kind !== "not-linearizable") throw new Error(verdict.kind);
  const { operations, culprit, shortest: isShortest, total } = verdict.counterExample;
  expect([operations, culprit, isShortest, total]).toEqual([
    history.slice(0, 3),
    history[2],
    false,
    5,
  ]);
});

test("it is told as a table with the times drawn beside it", () => {
  const lost: CellOperation = {
    ...write("1"),
    process: "a",
    output: null,
    call: 1,
    returned: null,
  };
  const seen = { ...read("1"), process: "bob", call: 2, returned: 30 };
  const gone = { ...read(null), process: "c", call: 40, returned: 41 };
  const counterExample = {
    key: "k",
    operations: [lost, seen, gone],
    culprit: gone,
    total: 12,
    shortest: true,
  };
  expect(tellCounterExample(counterExample, keyValueModel)).toEqual([
    'these 3 of the 12 operations on key "k" have no legal order:',
    "  called  returned  process  operation",
    '       1     never        a  put "1"        ├─────────┄',
    '       2        30      bob  get → "1"        ├─┤',
    "      40        41        c  get → nothing        ├─┤    no order explains this answer",
    "none of them can be left out; " +
      "the other 9 explain nothing, whether and whenever they took effect",
  ]);
});
