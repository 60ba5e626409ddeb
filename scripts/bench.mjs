// Runs the measurements of bench/; installs and builds first when needed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensure, root } from "./ensure.mjs";

const compiler = join(root, "node_modules/typescript/bin/tsc");

/** The bench is no part of the build that everybody needs: it is compiled when it is run. */
function compile() {
  /** @type {import("node:child_process").SpawnSyncOptions} */
  const options = { cwd: root, stdio: ["ignore", 2, 2] };
  return spawnSync(process.execPath, [compiler, "-b", "bench"], options).status === 0;
}

if (ensure() === "ready" && compile()) {
  await import(pathToFileURL(join(root, "bench/dist/main.js")).href);
} else {
  process.exitCode = 1;
}
