import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replacement: string;
  readonly seeds: readonly number[];
}

const mutants: readonly Mutant[] = JSON.parse(
  readFileSync(`${root}tools/mutants/mutants.json`, "utf8"),
);

function sim(...args: string[]) {
  const command = `${root}packages/synod/bin/synod.js`;
  const done = spawnSync(process.execPath, [command, "sim", ...args], { encoding: "utf8" });
  return { code: done.status, text: `${done.stdout}${done.stderr}` };
}

function occurrences(text: string, find: string): number {
  return text.split(find).length - 1;
}

describe("synod sim", () => {
  it("gives the same hash in every process", () => {
    const first = sim("--seed", "3");
    expect(first.text).toMatch(/hash [0-9a-f]{16}/);
    expect(first.code).toBe(0);
    expect(sim("--seed", "3")).toEqual(first);
  });

  it("sweeps in several processes and ends with a summary", () => {
    const { code, text } = sim("--seeds", "4", "--from", "31", "--jobs", "2");
    expect(text).toContain("4/4 seeds, 0 with a violation");
    expect(code).toBe(0);
  });

  it("reports the canary, and how to see it again", () => {
    const { code, text } = sim("--seeds", "4", "--canary");
    expect(text).toContain('VIOLATION of "canary"');
    expect(text).toMatch(/npm run sim -- --seed \d+ --verbose --canary/);
    expect(code).toBe(1);
  });

  it("refuses options that make no sense", () => {
    expect(sim("--seeds", "none").code).toBe(2);
    expect(sim("--protocol", "nonesuch").code).toBe(2);
    expect(sim("--seed", "1", "--seeds", "2").code).toBe(2);
    expect(sim("--mutant", "nonesuch", "--seed", "1").code).not.toBe(0);
  });
});

describe("seeded bugs", () => {
  it.each(mutants)("$name is found in exactly one place", ({ file, find, replacement }) => {
    expect(occurrences(readFileSync(`${root}${file}`, "utf8"), find)).toBe(1);
    const built = file.replace("/src/", "/dist/").replace(/\.ts$/, ".js");
    expect(occurrences(readFileSync(`${root}${built}`, "utf8"), find)).toBe(1);
    expect(replacement).not.toBe(find);
  });

  it.each(mutants)("$name is killed", ({ name, seeds }) => {
    expect(seeds.length).toBeGreaterThan(0);
    const killed = seeds.map((seed) => sim("--mutant", name, "--seed", String(seed)));
    for (const { code, text } of killed) {
      expect(text).toContain("VIOLATION");
      expect(code).toBe(1);
    }
  });
});
