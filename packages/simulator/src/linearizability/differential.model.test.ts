import { expect, test } from "vitest";
import type { CellInput, CellOutput } from "./cell.ts";
import { type CellModel, keyValueModel, registerModel, stringMapModel } from "./cell-model.ts";
import { checkHistory } from "./check-history.ts";
import type { History } from "./history.ts";
import { isLinearizableByBruteForce } from "./testing/brute-force.ts";
import { type CellOperation, drawSmallHistory } from "./testing/random-history.ts";
import { isWitness } from "./testing/witness.ts";

const MODELS = {
  register: registerModel,
  "string map": stringMapModel,
  "key-value": keyValueModel,
};
const HISTORIES_EACH = 10_000;

/** The same model without its fast form. */
function interned({ automaton: _, ...model }: CellModel): CellModel {
  return model;
}

for (const [name, model] of Object.entries(MODELS))
  test(`${HISTORIES_EACH} random histories of a ${name} get the verdict of brute force`, () => {
    const verdicts = { linearizable: 0, "not-linearizable": 0, undecided: 0 };
    const wrong: number[] = [];
    for (let seed = 0; seed < HISTORIES_EACH; seed += 1) {
      const history = drawSmallHistory(seed, model);
      const expected = isLinearizableByBruteForce(history, model);
      for (const form of [model, interned(model)]) {
        const verdict = checkHistory(history, form, { shorten: false });
        verdicts[verdict.kind] += 1;
        const isRight = verdict.kind === (expected ? "linearizable" : "not-linearizable");
        const isProven =
          verdict.kind !== "linearizable" || isWitness(history, verdict.orders, form);
        if (!isRight || !isProven) wrong.push(seed);
      }
    }
    expect(wrong).toEqual([]);
    expect(verdicts.linearizable).toBeGreaterThan(HISTORIES_EACH / 10);
    expect(verdicts["not-linearizable"]).toBeGreaterThan(HISTORIES_EACH / 10);
  }, 60_000);

test("a counter-example is illegal whatever is left out, and none of it is superfluous", () => {
  let shortened = 0;
  const wrong: number[] = [];
  for (let seed = 0; seed < 3000; seed += 1) {
    const model = seed % 2 === 0 ? registerModel : keyValueModel;
    const history = drawSmallHistory(seed, model);
    const verdict = checkHistory(history, model);
    if (verdict.kind !== "not-linearizable") continue;
    const { operations: shown, key, culprit, total, shortest } = verdict.counterExample;
    const part = history.filter((operation) => operation.key === key);
    const hidden = part.filter((operation) => !shown.includes(operation));
    expect([total, shortest, shown.includes(culprit)]).toEqual([part.length, true, true]);
    for (const some of subsets(hidden))
      if (isLegalWith(shown, some, culprit, model)) wrong.push(seed);
    if (hidden.length > 0) shortened += 1;
  }
  expect(wrong).toEqual([]);
  expect(shortened).toBeGreaterThan(250);
}, 60_000);

/**
 * Is there an order of `shown` and any of `some`, which may be left out, up to the culprit's
 * return?
 */
function isLegalWith(
  shown: History<CellInput, CellOutput>,
  some: History<CellInput, CellOutput>,
  culprit: CellOperation,
  model: CellModel,
): boolean {
  const end = culprit.returned as number;
  const cut = [...shown, ...some]
    .filter(({ call }) => call <= end)
    .map((operation) =>
      operation !== culprit && (operation.returned ?? end) > end
        ? { ...operation, returned: null }
        : operation,
    );
  return isLinearizableByBruteForce(cut, model);
}

function subsets<Item>(items: readonly Item[]): Item[][] {
  return items.reduce<Item[][]>(
    (found, item) => found.concat(found.map((some) => [...some, item])),
    [[]],
  );
}
