// Put before a program with `node --import <this file>?mutant=NAME`: from then on modules of the
// build are loaded with that seeded bug in them. Nothing on disk changes.
import { readFileSync } from "node:fs";
import { register } from "node:module";

const name = new URL(import.meta.url).searchParams.get("mutant");
const mutants = JSON.parse(readFileSync(new URL("./mutants.json", import.meta.url), "utf8"));
const mutant = mutants.find((candidate) => candidate.name === name);
if (mutant === undefined) {
  const names = mutants.map((candidate) => candidate.name).join(", ");
  process.stderr.write(`synod: there is no mutant ${name}; there are: ${names}\n`);
  process.exit(2);
}
register("./hooks.mjs", import.meta.url, { data: mutant });
