// Tries every seeded bug on whatever is known to kill it (`synod sim --mutants`), or, with
// --search, on new seeds until one has found it, and writes down which that was. Names pick some of
// the bugs. A seed that takes long is kept only if no quicker one comes in the next few.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensure } from "../../scripts/ensure.mjs";

const listFile = new URL("./mutants.json", import.meta.url);
const command = fileURLToPath(new URL("../../packages/synod/bin/synod.js", import.meta.url));

const USAGE = `npm run mutants -- [options] [NAME…]

Tries these seeded bugs, or all, on whatever is known to kill them.
  --search    looks for seeds that kill them, and writes those into the list
  --seeds N   so many seeds at most for each (500)
  --from N    from this one on (1)
  --jobs N    processes (as many as there are cores)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    search: { type: "boolean", default: false },
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

/** @param {string[]} args */
function sim(args) {
  const done = spawnSync(process.execPath, [command, "sim", ...args], { encoding: "utf8" });
  const text = `${done.stdout}${done.stderr}`;
  const found = /seed (\d+): (VIOLATION of .*)/.exec(text);
  const atMs = Number(/VIOLATION of "[^"]*" at ([\d.]+) s/.exec(text)?.[1]) * 1000;
  return { seed: Number(found?.[1]), violation: found?.[2] ?? null, atMs, text };
}

/** Violations before this are found quickly enough, virtual ms. */
const QUICK_MS = 40_000;
/** Searches more for the sake of a quick one. */
const MORE_MAX = 3;

/** @param {{ name: string, protocol?: string }} mutant */
function hunt({ name, protocol = "multipaxos" }) {
  const last = Number(values.from) + Number(values.seeds);
  let from = Number(values.from);
  let best = null;
  for (let more = 0; more <= MORE_MAX && from < last; more += 1) {
    const range = ["--seeds", String(last - from), "--from", String(from), "--jobs", values.jobs];
    const found = sim(["--protocol", protocol, "--mutant", name, ...range]);
    if (found.violation === null) break;
    if (best === null || found.atMs < best.atMs) best = found;
    if (found.atMs < QUICK_MS) break;
    from = found.seed + 1;
  }
  return best;
}

function search() {
  let missed = 0;
  for (const wanted of JSON.parse(readFileSync(listFile, "utf8"))) {
    const { name } = wanted;
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    const best = hunt(wanted);
    if (best === null) missed += 1;
    // Read anew: a search takes long, and others may have written meanwhile.
    const mutants = JSON.parse(readFileSync(listFile, "utf8"));
    for (const mutant of mutants)
      if (mutant.name === name) mutant.seeds = best === null ? [] : [best.seed];
    writeFileSync(listFile, `${JSON.stringify(mutants, null, 2)}\n`);
    spawnSync("npx", ["biome", "format", "--write", fileURLToPath(listFile)]);
    const verdict = best === null ? "no seed found it" : `seed ${best.seed}: ${best.violation}`;
    console.log(`${name.padEnd(32)} ${verdict}`);
  }
  console.log(missed === 0 ? "each was found" : `${missed} were not found`);
  return missed === 0 ? 0 : 1;
}

function table() {
  const picked = positionals.length === 0 ? [[]] : positionals.map((name) => ["--mutant", name]);
  const codes = picked.map((which) => {
    const args = [command, "sim", "--mutants", "--jobs", values.jobs, ...which];
    return spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
  });
  return Math.max(...codes);
}

if (values.help) process.stdout.write(USAGE);
else if (ensure() !== "ready") process.exitCode = 1;
else process.exitCode = values.search ? search() : table();
