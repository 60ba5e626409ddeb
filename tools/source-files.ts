import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./run-tool.ts";

const skipped = new Set([
  "node_modules",
  "dist",
  ".cache",
  ".git",
  "coverage",
  "data",
  "tmp",
  ".synod",
]);

function walk(directory: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...walk(path));
    else if (entry.isFile()) files.push(path);
  }
  return files;
}

/** Every file that belongs to the repository, as a path from its root with forward slashes. */
export const files: readonly string[] = walk(root)
  .map((path) => relative(root, path).replaceAll("\\", "/"))
  .sort();

export const codeFiles: readonly string[] = files.filter((path) => /\.(ts|mjs|cjs|js)$/.test(path));

export const documents: readonly string[] = files.filter((path) => path.endsWith(".md"));

export function text(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export function isTest(path: string): boolean {
  return /\.(test|bench)\.ts$/.test(path) || path.includes("/testing/");
}
