// Runs the simulator against every seeded bug: with the seeds on record, or, with --search, over
// new ones until each bug has been found, and then writes down which seed found it. Names pick some
// of the bugs.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensure } from "../../scripts/ensure.mjs";

const listFile = new URL("./mutants.json", import.meta.url);
const command = fileURLToPath(new URL("../../packages/synod/bin/synod.js", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    search: { type: "boolean", default: false },
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
  },
});

/** @param {string[]} args */
function sim(args) {
  const done = spawnSync(process.execPath, [command, "sim", ...args], { encoding: "utf8" });
  const text = `${done.stdout}${done.stderr}`;
  const found = /seed (\d+): (VIOLATION .*)/.exec(text);
  return { seed: Number(found?.[1]), violation: found?.[2] ?? null, text };
}

/** @param {{ name: string, seeds: number[] }} mutant */
function hunt(mutant) {
  if (values.search)
    return sim(["--mutant", mutant.name, "--seeds", values.seeds, "--from", values.from]);
  const found = mutant.seeds.map((seed) => sim(["--mutant", mutant.name, "--seed", String(seed)]));
  return found.find((one) => one.violation !== null) ?? { seed: 0, violation: null, text: "" };
}

if (ensure() === "ready") {
  const mutants = JSON.parse(readFileSync(listFile, "utf8"));
  let survivors = 0;
  for (const mutant of mutants) {
    if (positionals.length > 0 && !positionals.includes(mutant.name)) continue;
    const { seed, violation, text } = hunt(mutant);
    if (violation === null) survivors += 1;
    else if (values.search) mutant.seeds = [seed];
    const verdict =
      violation === null ? `SURVIVED\n${text}` : `killed by seed ${seed}: ${violation}`;
    console.log(`${mutant.name.padEnd(32)} ${verdict}`);
  }
  if (values.search) writeFileSync(listFile, `${JSON.stringify(mutants, null, 2)}\n`);
  console.log(survivors === 0 ? "all mutants are dead" : `${survivors} mutants survived`);
  process.exitCode = survivors === 0 ? 0 : 1;
} else process.exitCode = 1;
