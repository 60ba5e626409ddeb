import type { History, HistoryOperation } from "./history.ts";
import { type Problem, selectOperations } from "./problem.ts";
import { Search } from "./search.ts";
import { VisitedSet } from "./visited-set.ts";

/** Operations of one key for which there is no legal order. */
export interface CounterExample<Input, Output> {
  readonly key: string;
  /**
   * In the order of their calls. Illegal as they stand, and illegal still if any operation that is
   * not among them took effect within its own time, any number of times.
   */
  readonly operations: readonly HistoryOperation<Input, Output>[];
  /** The one whose answer no order of the others explains. */
  readonly culprit: HistoryOperation<Input, Output>;
  /** Operations on this key in the whole history. */
  readonly total: number;
  /** True when none of them can be left out. */
  readonly shortest: boolean;
}

export interface Refutation<Input, Output> {
  readonly key: string;
  readonly problem: Problem<Input, Output>;
  /** Index of the operation with the first return that no order gets past. */
  readonly culprit: number;
  /** What the refutation cost. */
  readonly steps: number;
  readonly shorten: boolean;
}

/** Steps of all attempts to shorten together: in proportion to the refutation, within limits. */
const STEPS_FACTOR = 20;
const STEPS_MORE = 1_000_000;
const STEPS_MAX = 10_000_000;
const VISITED_MAX = 1 << 20;

/**
 * Shows as few operations as possible. First the history is cut at the return that no order gets
 * past: whatever returned later counts as open, with the answer it got. Then operations are left
 * out as long as the rest stays illegal *even though* what is left out may take effect any number
 * of times within its own time, or not at all. Without that clause a read would become a
 * counter-example by leaving out the write that it read.
 */
export function shortenCounterExample<Input, Output>(
  refutation: Refutation<Input, Output>,
): CounterExample<Input, Output> {
  const { problem, culprit, key, shorten } = refutation;
  const { operations } = problem;
  const wrong = operations[culprit] as HistoryOperation<Input, Output>;
  const end = wrong.returned as number;
  const indices = [...operations.keys()].filter((index) => callOf(operations, index) <= end);
  const attempt = new Attempt(refutation, indices, end);
  let shown: readonly number[] = indices;
  if (shorten)
    for (const order of [indices, indices.toReversed()]) {
      const rest = leaveOut(order, culprit, (kept) => attempt.isIllegal(new Set(kept)));
      if (rest.length < shown.length) shown = rest;
    }
  return {
    key,
    operations: shown
      .toSorted((a, b) => callOf(operations, a) - callOf(operations, b) || a - b)
      .map((index) => operations[index] as HistoryOperation<Input, Output>),
    culprit: wrong,
    total: operations.length,
    shortest: shorten && !attempt.isSpent,
  };
}

function callOf(operations: History<unknown, unknown>, index: number): number {
  return (operations[index] as HistoryOperation<unknown, unknown>).call;
}

/** Leaves out runs of indices, long ones first, until not a single one can be left out. */
function leaveOut(
  indices: readonly number[],
  keep: number,
  isIllegal: (kept: readonly number[]) => boolean,
): readonly number[] {
  let kept = indices;
  let run = kept.length >> 1;
  while (run >= 1) {
    let dropped = false;
    for (let at = 0; at < kept.length; ) {
      const rest = kept.filter((index, place) => index === keep || place < at || place >= at + run);
      if (rest.length < kept.length && isIllegal(rest)) {
        kept = rest;
        dropped = true;
      } else at += run;
    }
    if (run > 1 || !dropped) run >>= 1;
  }
  return kept;
}

/** Answers, within a budget, whether a choice of operations is illegal in itself. */
class Attempt<Input, Output> {
  /** The operations in question: those called before the end. */
  readonly #problem: Problem<Input, Output>;
  /** Their indices among all operations of the key. */
  readonly #indices: readonly number[];
  #steps: number;

  constructor(refutation: Refutation<Input, Output>, indices: readonly number[], end: number) {
    const { problem, culprit, steps } = refutation;
    this.#indices = indices;
    this.#problem = selectOperations(problem, indices, (operation, index) => {
      const { returned } = operation;
      const isOpen = returned === null || returned > end || (returned === end && index > culprit);
      return isOpen ? { ...operation, returned: null } : operation;
    });
    this.#steps = Math.min(steps * STEPS_FACTOR, STEPS_MAX) + STEPS_MORE;
  }

  /** True when the budget has run out: from then on every answer is no. */
  get isSpent(): boolean {
    return this.#steps <= 0;
  }

  isIllegal(kept: ReadonlySet<number>): boolean {
    if (this.isSpent) return false;
    const problem = this.#problem;
    const places = [...this.#indices.keys()];
    const loose = places.filter((place) => !kept.has(this.#indices[place] as number));
    const visited = new VisitedSet(VISITED_MAX);
    const search = new Search({ problem, visited, salt: 0, loose });
    search.run(this.#steps);
    this.#steps -= search.steps;
    return search.status === "illegal";
  }
}
