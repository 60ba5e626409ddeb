// Repairs what a tool can repair, in the whole repository or below the paths given:
// `npm run fix -- packages/core`. Wraps comments, then lets Biome format, sort imports and fix
// lint.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensure, root } from "./ensure.mjs";
import { wrapComments } from "./wrap-comments.mjs";

const skipped = new Set(["node_modules", "dist", ".git", ".cache", ".synod", "testdata"]);

/**
 * @param {string} path
 * @returns {string[]} the source files at or below the path
 */
function sources(path) {
  if (!statSync(path).isDirectory()) return /\.(ts|mjs)$/.test(path) ? [path] : [];
  const names = readdirSync(path).filter((name) => !skipped.has(name));
  return names.flatMap((name) => sources(join(path, name)));
}

/** @param {readonly string[]} paths */
function fix(paths) {
  for (const file of paths.flatMap(sources)) {
    const source = readFileSync(file, "utf8");
    const wrapped = wrapComments(source);
    if (wrapped !== source) writeFileSync(file, wrapped);
  }
  const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
  const args = [biome, "check", "--write", "--error-on-warnings", ...paths];
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}

const paths = process.argv.slice(2).map((path) => resolve(path));
const missing = paths.find((path) => !existsSync(path));
if (missing) {
  console.error(`npm run fix -- [path…]: there is no ${missing}`);
  process.exitCode = 2;
} else {
  process.exitCode =
    ensure({ skipBuild: true }) === "ready" ? fix(paths.length ? paths : [root]) : 1;
}
