import type { History, HistoryOperation } from "../history.ts";
import type { Model } from "../model.ts";

/**
 * The definition itself, by trying every order: keys are not told apart by the search, nothing is
 * remembered, and operations without an answer are put in everywhere and left out.
 */
export function isLinearizableByBruteForce<State, Input, Output>(
  history: History<Input, Output>,
  model: Model<State, Input, Output>,
): boolean {
  const states = new Map<string, State>();
  const go = (rest: History<Input, Output>): boolean => {
    if (rest.every(({ returned }) => returned === null)) return true;
    return rest.some((operation) => {
      if (rest.some((other) => isBefore(other, operation))) return false;
      const { key, input, output } = operation;
      const held = states.has(key);
      const state = held ? (states.get(key) as State) : model.initial;
      const next = model.step(state, input, output);
      if (next === undefined) return false;
      states.set(key, next);
      const found = go(rest.filter((other) => other !== operation));
      if (held) states.set(key, state);
      else states.delete(key);
      return found;
    });
  };
  return go(history);
}

function isBefore<Input, Output>(
  first: HistoryOperation<Input, Output>,
  second: HistoryOperation<Input, Output>,
): boolean {
  return first.returned !== null && first.returned < second.call;
}
