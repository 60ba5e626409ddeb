import type { History } from "./history.ts";

/**
 * The sequential behaviour that a history is compared with, for one key. States, inputs and outputs
 * are plain data and never modified. `step` is total over unknown outputs: an operation whose
 * output nobody learned is legal in every state.
 */
export interface Model<State, Input, Output> {
  readonly initial: State;

  /**
   * The state afterwards; undefined when `output` (null: unknown) cannot be the answer in `state`.
   */
  step(state: State, input: Input, output: Output | null): State | undefined;

  /** Equal texts if and only if the states are equal. */
  key(state: State): string;

  /**
   * The operation in words, with its output. Operations with equal texts must act alike in every
   * state: the search tries only one of them where it has the choice.
   */
  describe(input: Input, output: Output | null): string;

  /**
   * True when the operation, with this output, never changes any state: a read. False is always
   * safe.
   */
  preserves(input: Input, output: Output | null): boolean;

  /** A faster form for these operations; verdicts are the same as with {@link internStates}. */
  automaton?(operations: History<Input, Output>): Automaton;
}

/** A model together with the operations of one key: both are whole numbers, for speed. */
export interface Automaton {
  readonly initial: number;
  /** The state after operation `index`, {@link ILLEGAL}, or {@link EXHAUSTED}. */
  step(state: number, index: number): number;
}

/** This output cannot come from this state. */
export const ILLEGAL = -1;

/** There are more states than memory is given to; the verdict stays open. */
export const EXHAUSTED = -2;

/** Half of what a Map of V8 can hold. */
const STATES_MAX = 1 << 23;

/** The automaton of any model: states are numbered as they are met. */
export function internStates<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: History<Input, Output>,
  statesMax: number = STATES_MAX,
): Automaton {
  const states: State[] = [model.initial];
  const numbers = new Map<string, number>([[model.key(model.initial), 0]]);
  return {
    initial: 0,
    step(state, index) {
      const operation = operations[index];
      if (operation === undefined) return ILLEGAL;
      const next = model.step(states[state] as State, operation.input, operation.output);
      if (next === undefined) return ILLEGAL;
      const key = model.key(next);
      const known = numbers.get(key);
      if (known !== undefined) return known;
      if (states.length >= statesMax) return EXHAUSTED;
      numbers.set(key, states.length);
      states.push(next);
      return states.length - 1;
    },
  };
}
