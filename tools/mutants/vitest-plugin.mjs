// The tests' side of the loader: vitest runs the sources with that seeded bug in them, by default
// the one that SYNOD_MUTANT names in the environment.

import { seeded } from "./hooks.mjs";
import { mutantNamed } from "./list.mjs";

/**
 * @param {string | undefined} name
 * @returns {import("vite").Plugin}
 */
export function mutantPlugin(name = process.env["SYNOD_MUTANT"]) {
  const mutant = name === undefined ? null : mutantNamed(name);
  return {
    name: "synod-mutant",
    enforce: "pre",
    transform(code, id) {
      return mutant !== null && id.endsWith(`/${mutant.file}`) ? seeded(mutant, code) : null;
    },
  };
}
