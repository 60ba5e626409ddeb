import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const COMMAND = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));

test("each role a process over TCP, two of them killed: all answered, states equal", () => {
  const TMPDIR = mkdtempSync(join(tmpdir(), "synod-test-"));
  onTestFinished(() => rmSync(TMPDIR, { recursive: true, force: true }));
  const plan = ["--kill", "leader@400ms,acceptor@700ms", "--clients", "2", "--requests", "4"];
  const few = ["--replicas", "2", "--leaders", "2", "--pause", "300"];
  const done = spawnSync(process.execPath, [COMMAND, "pmmc", "--processes", ...few, ...plan], {
    encoding: "utf8",
    env: { ...process.env, TMPDIR },
  });
  expect(done.stderr).toBe("");
  expect(done.status).toBe(0);
  const results = done.stdout.match(/^Result for command with command ID \d at client \d/gm) ?? [];
  expect(new Set(results).size).toBe(8);
  expect(results).toHaveLength(8);
  expect(done.stdout).toMatch(/^Leader \d is killed/m);
  const states = done.stdout.match(/(?<=^The state at replica \d is ).*$/gm) ?? [];
  expect(states).toHaveLength(2);
  expect(new Set(states).size).toBe(1);
  // Nothing is left behind.
  expect(readdirSync(TMPDIR)).toEqual([]);
});
