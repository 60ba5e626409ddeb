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
  /** A directed test that fails because of it. */
  readonly test?: FailingTest;
  /** A test of random runs that fails because of it. */
  readonly random?: FailingTest;
  /** Arguments of `synod explore` under which it is found. */
  readonly explore?: readonly string[];
  /** Whose lives are to find it; absent: Multi-Paxos's. */
  readonly protocol?: string;
  /** Seeds of `synod sim`, each of which finds it. */
  readonly seeds: readonly number[];
}

/** A test of the ordinary suites. */
export interface FailingTest {
  readonly file: string;
  /** With the names of the groups around it. */
  readonly name: string;
}

const LIST = new URL("../../../../tools/mutants/mutants.json", import.meta.url);

/** The list of the checkout that this runs in. Throws where there is none. */
export function readMutants(): readonly Mutant[] {
  if (!existsSync(LIST))
    throw new CommandFailure("usage", "--mutants works in a checkout of the project only");
  return JSON.parse(readFileSync(LIST, "utf8")) as readonly Mutant[];
}
