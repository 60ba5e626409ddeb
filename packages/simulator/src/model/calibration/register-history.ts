/**
 * What clients of one register asked and were told, as part of a model's state: per client its
 * operations in order, each with how many operations every other client had completed when it
 * began. Histories are numbered; 0 is the empty one.
 */
export interface Histories {
  invoked(history: number, client: number, operation: Operation): number;
  /** `value`: what a read saw; null for a write. */
  returned(history: number, client: number, value: string | null): number;
  linearizable(history: number): boolean;
}

export type Operation =
  | { readonly kind: "write"; readonly value: string }
  | { readonly kind: "read" };

interface Thread {
  readonly client: number;
  readonly done: readonly Done[];
  readonly open: Open | null;
}

interface Open {
  readonly operation: Operation;
  /** Index of the last operation that had returned, for every other client that had one. */
  readonly after: readonly (readonly [client: number, index: number])[];
}

interface Done extends Open {
  readonly saw: string | null;
}

type History = readonly Thread[];

/** What a register holds before anybody wrote. */
export const BLANK = "";

export function createHistories(): Histories {
  const numbers = new Map<string, number>([["[]", 0]]);
  const histories: History[] = [[]];
  const verdicts: (boolean | undefined)[] = [];
  const steps = new Map<string, number>();

  function stepped(key: string, next: () => History): number {
    const known = steps.get(key);
    if (known !== undefined) return known;
    const history = next();
    const text = JSON.stringify(history);
    const number = numbers.get(text) ?? histories.length;
    if (number === histories.length) histories.push(history);
    numbers.set(text, number);
    steps.set(key, number);
    return number;
  }

  const at = (number: number): History => histories[number] as History;
  return {
    invoked: (number, client, operation) =>
      stepped(`${number} ${client} ${JSON.stringify(operation)}`, () =>
        invoke(at(number), client, operation),
      ),
    returned: (number, client, value) =>
      stepped(`${number} ${client} ${value === null ? "-" : `"${value}`}`, () =>
        at(number).map((thread) => (thread.client === client ? completed(thread, value) : thread)),
      ),
    linearizable(number) {
      verdicts[number] ??= isLinearizable(at(number));
      return verdicts[number] as boolean;
    },
  };
}

function invoke(history: History, client: number, operation: Operation): History {
  const after = history.flatMap((other): (readonly [number, number])[] =>
    other.client === client || other.done.length === 0
      ? []
      : [[other.client, other.done.length - 1]],
  );
  const open = { operation, after };
  const mine = history.find((thread) => thread.client === client) ?? { client, done: [] };
  const others = history.filter((thread) => thread.client !== client);
  return [...others, { ...mine, open }].sort((a, b) => a.client - b.client);
}

function completed(thread: Thread, saw: string | null): Thread {
  if (thread.open === null) return thread;
  return { ...thread, done: [...thread.done, { ...thread.open, saw }], open: null };
}

/** Tries every order that keeps what came before what; operations under way may count or not. */
function isLinearizable(history: History): boolean {
  return search(
    history,
    history.map(() => 0),
    BLANK,
  );
}

function search(history: History, at: readonly number[], value: string): boolean {
  if (history.every((thread, index) => (at[index] as number) >= thread.done.length)) return true;
  for (const [index, thread] of history.entries()) {
    const next = at[index] as number;
    const done = thread.done[next];
    const step: Open | null = done ?? (next === thread.done.length ? thread.open : null);
    if (step === null || !mayFollow(history, at, step)) continue;
    const { operation } = step;
    if (done !== undefined && operation.kind === "read" && done.saw !== value) continue;
    const after = operation.kind === "write" ? operation.value : value;
    if (search(history, at.with(index, next + 1), after)) return true;
  }
  return false;
}

/** Whether everything that had returned when `step` began has its place already. */
function mayFollow(history: History, at: readonly number[], step: Open): boolean {
  return step.after.every(([client, last]) => {
    const index = history.findIndex((thread) => thread.client === client);
    return (at[index] as number) > last;
  });
}
