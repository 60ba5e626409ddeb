import type { History } from "../history.ts";
import type { Model } from "../model.ts";

/** Are these orders proof that the history is linearizable? Told without any search. */
export function isWitness<State, Input, Output>(
  history: History<Input, Output>,
  orders: ReadonlyMap<string, History<Input, Output>>,
  model: Model<State, Input, Output>,
): boolean {
  const placed = new Set([...orders.values()].flat());
  const isComplete = history.every(
    (operation) => operation.returned === null || placed.has(operation),
  );
  return isComplete && [...orders].every(([key, order]) => isLegalOrder(key, order, model));
}

function isLegalOrder<State, Input, Output>(
  key: string,
  order: History<Input, Output>,
  model: Model<State, Input, Output>,
): boolean {
  let state = model.initial;
  let latestCall = Number.NEGATIVE_INFINITY;
  for (const operation of order) {
    const next = model.step(state, operation.input, operation.output);
    latestCall = Math.max(latestCall, operation.call);
    if (operation.key !== key || next === undefined) return false;
    if (operation.returned !== null && operation.returned < latestCall) return false;
    state = next;
  }
  return new Set(order).size === order.length;
}
