// Runs a program of examples/ by its name; installs and builds first when needed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensure, root } from "./ensure.mjs";

const names = ["hello-paxos", "key-value-store", "durable-log"];
const [name = ""] = process.argv.slice(2);
const compiler = join(root, "node_modules/typescript/bin/tsc");

/** Examples are no part of the build that everybody needs: they are compiled when one is run. */
function compile() {
  /** @type {import("node:child_process").SpawnSyncOptions} */
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  return spawnSync(process.execPath, [compiler, "-b", "examples"], options).status === 0;
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}

if (!names.includes(name)) {
  process.stderr.write(`usage: npm run example -- ${names.join(" | ")}\n`);
  process.exitCode = 2;
} else if (ensure() === "ready" && compile()) {
  const { main } = await import(pathToFileURL(join(root, `examples/dist/${name}.js`)).href);
  await main(print);
} else {
  process.exitCode = 1;
}
