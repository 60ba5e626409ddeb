// Runs every check and test; the last line tells how many passed and failed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensure, root } from "./ensure.mjs";

const started = performance.now();
const state = ensure();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
if (process.env.CI) console.log(`install and build: ${state}, ${seconds} s of 120 s`);

if (state === "not installed") {
  console.log("0 passed, 1 failed");
  process.exitCode = 1;
} else {
  // A build that fails does not stop the tests: they run from source and report it as one failure.
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const done = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, SYNOD_ENSURED: "1" },
  });
  process.exitCode = done.status ?? 1;
}
