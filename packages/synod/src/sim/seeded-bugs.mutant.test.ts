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
