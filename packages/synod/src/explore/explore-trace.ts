import { readFileSync, writeFileSync } from "node:fs";
import type { Model } from "@synod/simulator";
import { CommandFailure } from "../exit-codes.ts";
import { MESSAGE_SETS, PROTOCOLS, type ProtocolBounds, TIMERS } from "./explore-models.ts";

/** The way to a violation, in a file: what was explored, and every step as it reads. */
export interface Trace {
  readonly trace: "synod explore";
  readonly version: 1;
  /** A protocol with its bounds, or a calibration model. */
  readonly of:
    | { readonly protocol: string; readonly bounds: ProtocolBounds }
    | { readonly model: string };
  readonly problem: string;
  readonly steps: readonly string[];
}

/** Every step of a path, as the model puts it. */
export function stepsOf<S, A>(model: Model<S, A>, path: readonly A[]): string[] {
  let [state] = model.initial;
  return path.map((action) => {
    if (state === undefined) return "?";
    const text = model.describe?.(state, action) ?? JSON.stringify(action);
    state = model.apply(state, action) ?? undefined;
    return text;
  });
}

/** Plays steps again; says where it ends, or which step cannot be taken. */
export function playAgain<S, A>(
  model: Model<S, A>,
  steps: readonly string[],
  onStep: (step: number, text: string, before: S, after: S) => void,
): { readonly problem: string | null } | { readonly stuckAt: number } {
  let state = model.initial[0] as S;
  for (const [index, text] of steps.entries()) {
    const action = model
      .actions(state)
      .find((candidate) => model.describe?.(state, candidate) === text);
    const next = action === undefined ? null : model.apply(state, action);
    if (next === null) return { stuckAt: index + 1 };
    onStep(index + 1, text, state, next);
    state = next;
  }
  return { problem: model.check(state) };
}

export function writeTrace(file: string, trace: Trace): void {
  try {
    writeFileSync(file, `${JSON.stringify(trace, null, 1)}\n`);
  } catch (error) {
    throw new CommandFailure("usage", `${file}: ${(error as Error).message}`);
  }
}

/** Refuses, in one line, what is no trace. */
export function readTrace(file: string): Trace {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandFailure("usage", `${file}: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CommandFailure("usage", `${file}: expected a trace of synod explore, in JSON`);
  }
  const problem = traceProblem(value);
  if (problem === null) return value as Trace;
  const line = lineOf(text, problem.field);
  throw new CommandFailure("usage", `${file}:${line}: expected ${problem.expected}`);
}

interface Problem {
  readonly field: string;
  readonly expected: string;
}

function traceProblem(value: unknown): Problem | null {
  const trace = (typeof value === "object" && value !== null ? value : {}) as Partial<
    Record<keyof Trace, unknown>
  >;
  if (trace.trace !== "synod explore" || trace.version !== 1)
    return { field: "trace", expected: '"trace": "synod explore" and "version": 1' };
  if (typeof trace.problem !== "string")
    return { field: "problem", expected: "a problem in words" };
  if (!Array.isArray(trace.steps) || trace.steps.some((step) => typeof step !== "string"))
    return { field: "steps", expected: "steps, each a line of text" };
  const of = (trace.of ?? {}) as Record<string, unknown>;
  if (typeof of["model"] === "string") return null;
  if (typeof of["protocol"] !== "string" || !Object.hasOwn(PROTOCOLS, of["protocol"]))
    return { field: "of", expected: `a protocol: ${Object.keys(PROTOCOLS).join(", ")}` };
  return boundsProblem((of["bounds"] ?? {}) as Record<string, unknown>);
}

const NUMBERS = [
  "nodes",
  "slots",
  "leaders",
  "elections",
  "crashes",
  "wipes",
  "duplicates",
  "losses",
];

function boundsProblem(bounds: Record<string, unknown>): Problem | null {
  for (const name of NUMBERS)
    if (!isCount(bounds[name])) return { field: name, expected: `${name}, a number from 0 to 9` };
  if (!MESSAGE_SETS.some((name) => name === bounds["messages"]))
    return { field: "messages", expected: `one of ${MESSAGE_SETS.join(", ")}` };
  const timers = Object.entries((bounds["timers"] ?? {}) as Record<string, unknown>);
  if (timers.every(([name, count]) => TIMERS.includes(name) && isCount(count))) return null;
  return { field: "timers", expected: `numbers for some of ${TIMERS.join(", ")}` };
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 9;
}

/** Where a field stands in the file; the first line when it does not. */
function lineOf(text: string, field: string): number {
  const at = text.indexOf(`"${field}"`);
  return at < 0 ? 1 : text.slice(0, at).split("\n").length;
}
