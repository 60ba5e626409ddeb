import { existsSync, readFileSync } from "node:fs";
import { CommandFailure } from "../exit-codes.ts";

/** One seeded bug of the checkout's list. */
export interface Mutant {
  readonly name: string;
  /** Row of the table of bugs that any consensus system must kill; null: one of our own. */
  readonly row: string | null;
  readonly says: string;
  readonly class: "safety" | "liveness" | "durability";
  readonly file: string;
  readonly find: string;
  /** How often that text is there, and which of them is replaced; once and the first if absent. */
  readonly of?: number;
  readonly nth?: number;
  readonly replacement: string;
  /** Seeds known to kill it. */
  readonly seeds: readonly number[];
  /** Arguments of `synod explore` under which it is killed; absent: none are known. */
  readonly explore?: readonly string[];
}

const LIST = new URL("../../../../tools/mutants/mutants.json", import.meta.url);

/** The list of the checkout that this runs in. Throws where there is none. */
export function readMutants(): readonly Mutant[] {
  if (!existsSync(LIST))
    throw new CommandFailure("usage", "--mutants works in a checkout of the project only");
  return JSON.parse(readFileSync(LIST, "utf8")) as readonly Mutant[];
}
