import { createPrng, nextBelow, type PrngState } from "@synod/core";
import type { CellInput, CellOutput } from "../cell.ts";
import type { CellModel } from "../cell-model.ts";
import type { HistoryOperation } from "../history.ts";

export type CellOperation = HistoryOperation<CellInput, CellOutput>;

/** Operations with answers drawn from a hat: few are right, so both verdicts occur. */
export function drawSmallHistory(seed: number, model: CellModel): CellOperation[] {
  const prng = createPrng(seed);
  const count = 1 + nextBelow(prng, 7);
  const keys = 1 + nextBelow(prng, 2);
  const span = 4 + nextBelow(prng, 16);
  return Array.from({ length: count }, (_, index) => {
    const input = drawInput(prng, 3);
    const call = nextBelow(prng, span);
    const isOpen = nextBelow(prng, 5) === 0;
    const returned = isOpen ? null : call + nextBelow(prng, 6);
    const output = isOpen ? null : drawOutput(prng, input, model);
    return {
      process: String(index),
      key: `k${nextBelow(prng, keys)}`,
      input,
      output,
      call,
      returned,
    };
  });
}

export interface Workload {
  readonly model: CellModel;
  readonly clients: number;
  readonly operations: number;
  readonly keys: number;
  /** Draws what to do; `n` counts operations. */
  readonly draw: (prng: PrngState, client: number, n: number) => CellInput;
  /** One in this many operations is never answered; 0: none. */
  readonly lostOneIn: number;
  /** Longest time between call and effect, and between effect and return. */
  readonly slowness: number;
}

/**
 * A history as clients of a linearizable service record it: every operation takes effect at one
 * moment between its call and its return, in the order of those moments. A lost one takes effect
 * late or never, and its client goes on under another name.
 */
export function simulateHistory(seed: number, workload: Workload): CellOperation[] {
  const { model, clients, operations, keys, lostOneIn, slowness } = workload;
  const prng = createPrng(seed);
  const planned: { operation: CellOperation; effect: number }[] = [];
  const freeAt = Array.from({ length: clients }, () => nextBelow(prng, slowness + 1));
  let names = clients;
  const nameOf = freeAt.map((_, client) => client);
  for (let n = 0; n < operations; n += 1) {
    const client = n % clients;
    const call = (freeAt[client] as number) + 1 + nextBelow(prng, 3);
    const isLost = lostOneIn > 0 && nextBelow(prng, lostOneIn) === 0;
    const effect = call + nextBelow(prng, slowness + 1) * (isLost ? 1 + nextBelow(prng, 20) : 1);
    const returned = isLost ? null : effect + nextBelow(prng, slowness + 1);
    freeAt[client] = returned ?? call + slowness;
    const input = workload.draw(prng, client, n);
    const key = String(nextBelow(prng, keys));
    const process = String(nameOf[client]);
    if (isLost) nameOf[client] = names++;
    const operation = { process, key, input, output: null, call, returned };
    const never = isLost && nextBelow(prng, 2) === 0;
    planned.push({ operation, effect: never ? Number.POSITIVE_INFINITY : effect });
  }
  return answered(planned, model);
}

function answered(
  planned: readonly { operation: CellOperation; effect: number }[],
  model: CellModel,
): CellOperation[] {
  const states = new Map<string, string | null>();
  return planned
    .toSorted((a, b) => a.effect - b.effect)
    .map(({ operation, effect }) => {
      if (effect === Number.POSITIVE_INFINITY) return operation;
      const { key, input, returned } = operation;
      const held = states.get(key);
      const state = held === undefined ? model.initial : held;
      const next = model.step(state, input, null);
      if (next !== undefined) states.set(key, next);
      return returned === null ? operation : { ...operation, output: rightAnswer(state, input) };
    });
}

export function rightAnswer(state: string | null, input: CellInput): CellOutput {
  if (input.kind === "read") return { kind: "value", value: state };
  if (input.kind === "cas") return { kind: "matched", matched: state === input.expected };
  return { kind: "done" };
}

function drawInput(prng: PrngState, values: number): CellInput {
  const value = String(nextBelow(prng, values));
  switch (nextBelow(prng, 6)) {
    case 0:
      return { kind: "write", value };
    case 1:
      return { kind: "append", value };
    case 2:
      return nextBelow(prng, 2) === 0 ? { kind: "delete" } : { kind: "write", value };
    case 3:
      return { kind: "cas", expected: drawValue(prng, values), value };
    default:
      return { kind: "read" };
  }
}

function drawValue(prng: PrngState, values: number): string | null {
  const value = nextBelow(prng, values + 2);
  if (value === values) return null;
  return value > values ? `0${nextBelow(prng, values)}` : String(value);
}

function drawOutput(prng: PrngState, input: CellInput, model: CellModel): CellOutput {
  const yes = nextBelow(prng, 2) === 0;
  if (input.kind === "read")
    return { kind: "value", value: nextBelow(prng, 6) === 0 ? model.initial : drawValue(prng, 3) };
  if (input.kind === "cas") return { kind: "matched", matched: yes };
  if (input.kind === "append" || nextBelow(prng, 3) > 0) return { kind: "done" };
  return { kind: "existed", existed: yes };
}
