// The tests' side of the loader: with SYNOD_MUTANT=NAME in the environment, vitest runs the sources
// with that seeded bug in them.

import { seeded } from "./hooks.mjs";
import { mutantNamed } from "./list.mjs";

/** @returns {import("vite").Plugin} */
export function mutantPlugin() {
  const name = process.env["SYNOD_MUTANT"];
  const mutant = name === undefined ? null : mutantNamed(name);
  return {
    name: "synod-mutant",
    enforce: "pre",
    transform(code, id) {
      return mutant !== null && id.endsWith(`/${mutant.file}`) ? seeded(mutant, code) : null;
    },
  };
}
