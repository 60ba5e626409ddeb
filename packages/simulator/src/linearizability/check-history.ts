import { invariant } from "@synod/core";
import { type CounterExample, shortenCounterExample } from "./counter-example.ts";
import type { History, HistoryOperation } from "./history.ts";
import type { Model } from "./model.ts";
import { createProblem } from "./problem.ts";
import { Search } from "./search.ts";
import { VisitedSet } from "./visited-set.ts";

export interface CheckOptions {
  /** Questions to the model before the verdict is "undecided"; 200 million unless told. */
  readonly stepsMax?: number;
  /**
   * Configurations remembered at once, 16 to 32 bytes each; 2^23 unless told. With fewer of them
   * the search takes longer, its verdict stays right.
   */
  readonly visitedMax?: number;
  /**
   * False: the counter-example is cut at the answer that nothing explains, but not made shortest.
   */
  readonly shorten?: boolean;
  /** Called now and then, for a progress line. */
  readonly onProgress?: (progress: CheckProgress) => void;
}

export interface CheckProgress {
  readonly steps: number;
  readonly keys: number;
  readonly keysOpen: number;
}

export type CheckVerdict<Input, Output> =
  | {
      readonly kind: "linearizable";
      readonly steps: number;
      /** A legal order for each key; operations without an answer may be missing from it. */
      readonly orders: ReadonlyMap<string, History<Input, Output>>;
    }
  | {
      readonly kind: "not-linearizable";
      readonly steps: number;
      readonly counterExample: CounterExample<Input, Output>;
    }
  /** `keys`: those without a verdict; all others are linearizable. */
  | { readonly kind: "undecided"; readonly steps: number; readonly keys: readonly string[] };

const STEPS_MAX = 200_000_000;
const VISITED_MAX = 1 << 23;
const FIRST_SLICE = 1024;
/** Steps between two reports of progress. */
const SLICE_MAX = 1 << 20;

/**
 * Is there an order of all answered operations, and of any others, that agrees with real time and
 * with the model? Keys are searched side by side with budgets that double, and the first illegal
 * one ends it: a single key may be out of reach where another one is refuted at once.
 */
export function checkHistory<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
  options: CheckOptions = {},
): CheckVerdict<Input, Output> {
  const { stepsMax = STEPS_MAX, visitedMax = VISITED_MAX, shorten = true, onProgress } = options;
  const visited = new VisitedSet(visitedMax);
  const parts = [...partition(history)].map(([key, operations], salt) => {
    const problem = createProblem(model, operations);
    return { key, problem, search: new Search({ problem, visited, salt }) };
  });
  let open = parts;
  let steps = parts.reduce((sum, { search }) => sum + search.steps, 0);
  let slice = FIRST_SLICE;
  while (true) {
    for (const { key, problem, search } of open) {
      const before = search.steps;
      search.run(Math.min(slice, stepsMax - steps));
      steps += search.steps - before;
      if (search.status === "illegal") {
        const { culprit } = search;
        const found = { problem, key, culprit, steps: search.steps };
        const counterExample = shortenCounterExample({ ...found, shorten });
        return { kind: "not-linearizable", steps, counterExample };
      }
      onProgress?.({ steps, keys: parts.length, keysOpen: open.length });
    }
    const running = open.filter(({ search }) => search.status === "running");
    const exhausted = parts.filter(({ search }) => search.status === "exhausted");
    if (running.length === 0 && exhausted.length === 0) {
      const orders = new Map(
        parts.map(({ key, problem, search }) => [
          key,
          search.order.map((index) => problem.operations[index] as HistoryOperation<Input, Output>),
        ]),
      );
      return { kind: "linearizable", steps, orders };
    }
    if (running.length === 0 || steps >= stepsMax) {
      const undecided = [...running, ...exhausted].map(({ key }) => key);
      return { kind: "undecided", steps, keys: undecided };
    }
    open = running;
    slice = Math.min(slice * 2, SLICE_MAX);
  }
}

/** The operations of each key, in the order of the keys' first appearance. */
function partition<Input, Output>(
  history: History<Input, Output>,
): Map<string, HistoryOperation<Input, Output>[]> {
  const parts = new Map<string, HistoryOperation<Input, Output>[]>();
  for (const operation of history) {
    const { call, returned, key } = operation;
    invariant(
      returned === null || returned >= call,
      `an operation on ${key} returned before its call`,
    );
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [operation]);
    else part.push(operation);
  }
  return parts;
}
