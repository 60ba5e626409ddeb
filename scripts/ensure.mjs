// Makes `npm start` and `npm test` work on a fresh clone: installs the dependencies and builds dist
// when they are missing or older than their sources, and says nothing when there is nothing to do.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, ".cache", "build-stamp");
const minimumNode = [20, 19];

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {boolean} whether the command succeeded
 */
function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (done.error) say(`${command}: ${done.error.message}`);
  return done.status === 0;
}

/** @param {string} path */
function json(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

/**
 * Whether node_modules holds what package-lock.json asks for, by npm's own record of what it put
 * there.
 */
export function isInstalled() {
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const wanted = json("package-lock.json").packages;
  const present = json("node_modules/.package-lock.json").packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith("node_modules/") || entry.optional || entry.peer) continue;
    const found = present[path];
    if (!found || found.version !== entry.version) return false;
  }
  return true;
}

/**
 * @param {string} directory
 * @returns {string[]} every file below it, sorted
 */
function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function packages() {
  return readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
}

/** What the build depends on: names, sizes and times of sources and compiler settings. */
function fingerprint() {
  const hash = createHash("sha256");
  const settings = ["tsconfig.base.json", "tsconfig.build.json", "package-lock.json"];
  const files = settings.map((name) => join(root, name));
  for (const directory of packages()) {
    files.push(join(directory, "tsconfig.json"), join(directory, "package.json"));
    files.push(...filesBelow(join(directory, "src")).filter((path) => isShipped(path)));
  }
  for (const file of files) {
    if (!existsSync(file)) continue;
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(root, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** @param {string} path */
function isShipped(path) {
  return (
    path.endsWith(".ts") && !/\.(test|bench)\.ts$/.test(path) && !/[\\/]testing[\\/]/.test(path)
  );
}

/** Whether dist was built from the sources as they are now. */
export function isBuilt() {
  if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== fingerprint()) return false;
  return packages().every((directory) => existsSync(join(directory, "dist/index.js")));
}

/** Removes what earlier builds left of sources that are gone, so that nothing imports a ghost. */
function removeOrphans() {
  for (const directory of packages()) {
    const dist = join(directory, "dist");
    for (const file of filesBelow(dist)) {
      const stem = relative(dist, file).replace(/(\.d\.ts|\.js)(\.map)?$/, "");
      if (stem === relative(dist, file)) continue;
      if (!existsSync(join(directory, "src", `${stem}.ts`))) rmSync(file);
    }
  }
}

export function install() {
  say("installing dependencies (first run, about 30 s)…");
  return run("npm", ["ci", "--no-progress", "--loglevel=error"]);
}

export function build() {
  const before = fingerprint();
  rmSync(stampFile, { force: true });
  removeOrphans();
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  if (!run(process.execPath, [tsc, "-b", "tsconfig.build.json"])) return false;
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, before);
  return true;
}

/** @returns {"ready" | "not installed" | "not built"} */
export function ensure({ rebuild = false, skipBuild = false } = {}) {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = minimumNode;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    say(`Synod needs Node ${minimumNode.join(".")} or newer; this is ${process.versions.node}.`);
    return "not installed";
  }
  if (!isInstalled() && !install()) return "not installed";
  if (!skipBuild && (rebuild || !isBuilt())) {
    say("building…");
    if (!build()) return "not built";
  }
  return "ready";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = ensure({ rebuild: process.argv.includes("--build") }) === "ready" ? 0 : 1;
}
