import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

test("every behaviour and every bug that UPSTREAM.md lists has the test that it names", () => {
  const page = text("./UPSTREAM.md");
  const rows = page.split("\n").filter((line) => /^\| (?!---|upstream)/.test(line));
  const named = rows.map((row) => / \[[^\]]+\]\(([^)]+)\) `([^`]+)` \|$/.exec(row));
  expect(rows.length).toBeGreaterThan(50);
  for (const [at, row] of rows.entries()) {
    const [, path, name] = named[at] ?? [];
    expect(path, row).toBeDefined();
    expect(text(`./${path}`).includes(name ?? ""), row).toBe(true);
  }
  const bugs = new Set([...page.matchAll(/\bX\d+\b/g)].map(([bug]) => bug));
  expect(bugs.size).toBe(12);
});
