import type { History, HistoryOperation } from "./history.ts";
import { type Automaton, internStates, type Model } from "./model.ts";

/** What a search needs to know of the operations of one key; all by their index. */
export interface Problem<Input, Output> {
  readonly operations: History<Input, Output>;
  readonly automaton: Automaton;
  /** Operations of equal number act alike in every state. */
  readonly likeness: Int32Array;
  /** 1 where the operation never changes a state. */
  readonly preserves: Uint8Array;
}

export function createProblem<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: History<Input, Output>,
): Problem<Input, Output> {
  const numbers = new Map<string, number>();
  const likeness = Int32Array.from(operations, ({ input, output }) => {
    const text = model.describe(input, output);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  });
  return {
    operations,
    automaton: model.automaton?.(operations) ?? internStates(model, operations),
    likeness,
    preserves: Uint8Array.from(operations, ({ input, output }) =>
      model.preserves(input, output) ? 1 : 0,
    ),
  };
}

/** The problem of some of the operations, each as `change` makes it. */
export function selectOperations<Input, Output>(
  problem: Problem<Input, Output>,
  indices: readonly number[],
  change: (
    operation: HistoryOperation<Input, Output>,
    index: number,
  ) => HistoryOperation<Input, Output>,
): Problem<Input, Output> {
  const { operations, automaton, likeness, preserves } = problem;
  return {
    operations: indices.map((index) =>
      change(operations[index] as HistoryOperation<Input, Output>, index),
    ),
    automaton: {
      initial: automaton.initial,
      step: (state, place) => automaton.step(state, indices[place] as number),
    },
    likeness: Int32Array.from(indices, (index) => likeness[index] as number),
    preserves: Uint8Array.from(indices, (index) => preserves[index] as number),
  };
}
