// The list of seeded bugs, for whatever puts one of them into the code.
import { readFileSync } from "node:fs";

/** @typedef {import("./hooks.mjs").Mutant} Mutant */

/**
 * Ends the process with exit code 2 when there is none of that name.
 *
 * @param {string | null} name
 * @returns {Mutant}
 */
export function mutantNamed(name) {
  /** @type {Mutant[]} */
  const mutants = JSON.parse(readFileSync(new URL("./mutants.json", import.meta.url), "utf8"));
  const mutant = mutants.find((candidate) => candidate.name === name);
  if (mutant !== undefined) return mutant;
  const names = mutants.map((candidate) => candidate.name).join(", ");
  process.stderr.write(`synod: there is no mutant ${name}; there are: ${names}\n`);
  process.exit(2);
}
