import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { LAYERS, testTogether } from "./mutant-layers.ts";
import { type Mutant, readMutants } from "./mutants.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

const mutants = readMutants();

/** Bugs that every version must find. */
const NAMED = [
  "promise-not-persisted",
  "accepted-before-durable",
  "highest-accepted-ignored",
  "quorum-off-by-one",
  "chosen-omitted-from-promises",
  "sessions-missing-from-snapshot",
  "journal-cut-past-accepted",
  "wiped-node-votes",
];

function synod(...args: string[]) {
  const command = `${root}packages/synod/bin/synod.js`;
  const done = spawnSync(process.execPath, [command, ...args], { encoding: "utf8" });
  return { code: done.status, text: `${done.stdout}${done.stderr}` };
}

/** Bugs that are tried in one process. */
const TOGETHER = 14;

const directed = mutants.filter(({ test }) => test !== undefined);
const batchCount = Math.ceil(directed.length / TOGETHER);
const batches = new Map<number, ReturnType<typeof testTogether>>();

/** Neighbours are in batches of their own, so that tests side by side wait for several of them. */
function tested(mutant: Mutant): ReturnType<typeof testTogether> {
  const batch = directed.indexOf(mutant) % batchCount;
  const members = directed.filter((_, at) => at % batchCount === batch);
  const verdicts = batches.get(batch) ?? testTogether(members);
  batches.set(batch, verdicts);
  return verdicts;
}

/** What the first layer makes of it that has something on record. */
async function cheapest(mutant: Mutant) {
  if (mutant.test !== undefined) return (await tested(mutant)).get(mutant.name) ?? null;
  for (const judge of Object.values(LAYERS)) {
    const verdict = await judge(mutant);
    if (verdict !== null) return verdict;
  }
  return null;
}

function occurrences(text: string, find: string): number {
  return text.split(find).length - 1;
}

describe("seeded bugs", () => {
  it.each(mutants)("$name is found where it was made for", ({ file, find, replacement, of }) => {
    expect(occurrences(readFileSync(`${root}${file}`, "utf8"), find)).toBe(of ?? 1);
    const built = file.replace("/src/", "/dist/").replace(/\.ts$/, ".js");
    expect(occurrences(readFileSync(`${root}${built}`, "utf8"), find)).toBe(of ?? 1);
    expect(replacement).not.toBe(find);
  });

  it.each(NAMED)("%s is on record with a seed below 500", (name) => {
    const seeds = mutants.find((mutant) => mutant.name === name)?.seeds ?? [];
    expect(Math.min(...seeds)).toBeLessThan(500);
  });

  it.concurrent.each(mutants)("$name is killed by the cheapest that can", async (mutant) => {
    const verdict = await cheapest(mutant);
    expect(verdict).toMatchObject({ killed: true });
  });

  it("become a short story", () => {
    const directory = mkdtempSync(join(tmpdir(), "synod-shrink-"));
    const file = join(directory, "seed.txt");
    const [mutant] = mutants;
    const seed = String(mutant?.seeds[0]);
    const options = ["--mutant", `${mutant?.name}`, "--seed", seed, "--shrink", "--out", file];
    const shrunk = synod("sim", ...options);
    expect(shrunk.text).toMatch(/\n([1-9]|[1-4]\d|50) faults and operations are left/);
    const told = synod("replay", file);
    expect(told.text).toMatch(/says promise [\s\S]*VIOLATION/);
    expect(told.code).toBe(1);
    const fixed = synod("replay", "--fixed", "--brief", file);
    expect(fixed.text).toContain("no violation");
    expect(fixed.code).toBe(0);
    rmSync(directory, { recursive: true });
  }, 60_000);

  it("are not needed to see that a file makes no sense", () => {
    const { code, text } = synod("replay", fileURLToPath(import.meta.url));
    expect(text).toMatch(/mutant\.test\.ts:1: expected "synod-regression 1"\n$/);
    expect(code).toBe(2);
  });
});
