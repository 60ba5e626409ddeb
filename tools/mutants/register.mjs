// Put before a program with `node --import <this file>?mutant=NAME`: from then on modules of the
// build are loaded with that seeded bug in them. Nothing on disk changes.
import { register } from "node:module";
import { mutantNamed } from "./list.mjs";

const mutant = mutantNamed(new URL(import.meta.url).searchParams.get("mutant"));
register("./hooks.mjs", import.meta.url, { data: mutant });
