import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runSynod, temporaryFolder } from "../testing/demo-process.ts";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder.remove());

describe("synod soak", () => {
  test("torments processes, links and disks, and finds nothing lost", async () => {
    const faults = "kill -9 of the leader,broken connections,bit flips,lost disk";
    const dir = join(folder.path, "soak");
    const often = ["--minutes", "0.1", "--faults", faults, "--seed", "3"];
    const { code, stdout, stderr } = await runSynod(["soak", ...often, "--dir", dir, "--json"]);
    expect([code, stderr.includes("VIOLATION")], stderr).toEqual([0, false]);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ nodes: 3, violations: [] });
    expect(Object.keys(figures.faults).length).toBeGreaterThan(0);
    expect(figures.operations).toBeGreaterThan(60);
    expect(figures.memory.secondHalf).toBeGreaterThan(10_000_000);
    const histories = readdirSync(dir).filter((name) => name.startsWith("history-"));
    expect(histories).toHaveLength(figures.rounds);
    const files = histories.map((name) => join(dir, name));
    expect((await runSynod(["check", ...files])).code).toBe(0);
  });

  test("ends after so many writes, with a table, and cleans up", async () => {
    const args = ["soak", "--writes", "60", "--no-faults", "--nodes", "1"];
    const { code, stdout } = await runSynod(args);
    expect(stdout).toMatch(/^ until s +memory, MiB +disk, MiB\n/);
    expect(stdout).toMatch(/1 nodes, \d+ writes; 1 histories with \d+ operations checked/);
    expect(stdout).toMatch(/faults: none\n.*\n0 violations\n$/);
    expect(code).toBe(0);
  });
});
