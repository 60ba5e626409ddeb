import { assertNever } from "@synod/core";
import type { CellHistory, CellInput, CellOutput, CellValue } from "./cell.ts";
import { type Automaton, ILLEGAL } from "./model.ts";

/** The state without a value. */
const ABSENT = 0;
/** All texts that no operation could tell apart: no observed text begins with them. */
const UNSEEN = 1;
const FIRST_TEXT = 2;

/**
 * The automaton of a cell. Only texts that an answer or a cas can observe matter, and, because of
 * appends, their beginnings: all others are one state. So there are finitely many states, however
 * many orders of appends there are, and a state is a place in an observed text.
 */
export function createCellAutomaton(initial: CellValue, operations: CellHistory): Automaton {
  const texts = new ObservedTexts(observedValues(operations));
  const steps = operations.map(({ input, output }) => compile(texts, input, output));
  return {
    initial: texts.stateOf(initial),
    step(state, index) {
      const step = steps[index];
      if (step === undefined || !step.legal(state)) return ILLEGAL;
      return step.next(state);
    },
  };
}

interface CompiledStep {
  readonly legal: (state: number) => boolean;
  readonly next: (state: number) => number;
}

function compile(texts: ObservedTexts, input: CellInput, output: CellOutput | null): CompiledStep {
  return { legal: legality(texts, input, output), next: transition(texts, input) };
}

function transition(texts: ObservedTexts, input: CellInput): (state: number) => number {
  switch (input.kind) {
    case "read":
      return (state) => state;
    case "write": {
      const written = texts.stateOf(input.value);
      return () => written;
    }
    case "append":
      return (state) => texts.append(state, input.value);
    case "delete":
      return () => ABSENT;
    case "cas": {
      const expected = texts.stateOf(input.expected);
      const written = texts.stateOf(input.value);
      return (state) => (state === expected ? written : state);
    }
    default:
      return assertNever(input);
  }
}

function legality(
  texts: ObservedTexts,
  input: CellInput,
  output: CellOutput | null,
): (state: number) => boolean {
  if (output === null) return () => true;
  switch (output.kind) {
    case "done":
      return () => input.kind === "write" || input.kind === "append" || input.kind === "delete";
    case "value": {
      const value = texts.stateOf(output.value);
      return (state) => input.kind === "read" && state === value;
    }
    case "existed":
      return (state) =>
        (input.kind === "write" || input.kind === "delete") &&
        output.existed === (state !== ABSENT);
    case "matched": {
      const expected = input.kind === "cas" ? texts.stateOf(input.expected) : ABSENT;
      return (state) => input.kind === "cas" && output.matched === (state === expected);
    }
    default:
      return assertNever(output);
  }
}

function observedValues(operations: CellHistory): string[] {
  const values: string[] = [];
  for (const { input, output } of operations) {
    if (output?.kind === "value" && output.value !== null) values.push(output.value);
    if (input.kind === "cas" && input.expected !== null) values.push(input.expected);
  }
  return values;
}

/**
 * The observed texts in order, without those that begin another one. The state of a text is its
 * length within the first of them that begins with it.
 */
class ObservedTexts {
  readonly #texts: readonly string[];
  /** The state of the empty text in each of them; then the first state that is none. */
  readonly #bases: readonly number[];
  readonly #textOf = new Map<number, number>();

  constructor(values: readonly string[]) {
    const sorted = [...new Set(values)].sort(byUnits);
    this.#texts = sorted.filter((text, index) => sorted[index + 1]?.startsWith(text) !== true);
    const bases = [FIRST_TEXT];
    for (const text of this.#texts) bases.push((bases.at(-1) ?? 0) + text.length + 1);
    this.#bases = bases;
  }

  stateOf(value: CellValue): number {
    if (value === null) return ABSENT;
    const index = lowerBound(this.#texts.length, (at) => (this.#texts[at] as string) < value);
    const found = this.#texts[index]?.startsWith(value) === true;
    return found ? this.#state(index, value.length) : UNSEEN;
  }

  append(state: number, value: string): number {
    if (state === UNSEEN) return UNSEEN;
    if (state === ABSENT) return this.stateOf(value);
    const index = this.#textOf.get(state) as number;
    const text = this.#texts[index] as string;
    const length = state - (this.#bases[index] as number);
    if (text.startsWith(value, length)) return this.#state(index, length + value.length);
    const begin = text.slice(0, length);
    return this.#texts[index + 1]?.startsWith(begin) === true
      ? this.stateOf(begin + value)
      : UNSEEN;
  }

  #state(index: number, length: number): number {
    const state = (this.#bases[index] as number) + length;
    this.#textOf.set(state, index);
    return state;
  }
}

function lowerBound(count: number, isBefore: (at: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
