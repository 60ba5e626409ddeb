import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { PortError } from "@synod/core";
import { expect, it, onTestFinished } from "vitest";
import { createDisk } from "./disk.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

const built = pathToFileURL(createRequire(import.meta.url).resolve("../dist/index.js")).href;

/** Holds the lock, keeps a child of its own that would inherit what is not closed, and lives on. */
const HOLDER = `
  import { spawn } from "node:child_process";
  import { createDisk } from ${JSON.stringify(built)};
  const disk = createDisk({ directory: process.argv[1] });
  disk.lock((error) => {
    const child = error === null ? spawn("sleep", ["60"], { stdio: "ignore" }) : null;
    process.stdout.write(JSON.stringify({ error, child: child?.pid ?? 0 }) + "\\n");
    setInterval(() => {}, 1000);
  });
`;

interface Holder {
  readonly process: ChildProcess;
  readonly error: PortError | null;
}

async function hold(directory: string): Promise<Holder> {
  const args = ["--input-type=module", "--eval", HOLDER, directory];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const line = await new Promise<string>((resolve) => child.stdout?.once("data", resolve));
  const { error, child: grandchild } = JSON.parse(`${line}`);
  if (grandchild > 0) onTestFinished(() => void process.kill(grandchild, "SIGKILL"));
  return { process: child, error };
}

function tryLock(directory: string): Promise<PortError | null> {
  return new Promise((resolve) => createDisk({ directory }).lock(resolve));
}

it("a lock keeps others out until its process is killed, whatever children it had", async () => {
  const directory = temporaryDirectory();
  const first = await hold(directory);
  expect(first.error).toBeNull();
  const second = await hold(directory);
  expect(second.error?.code).toBe("locked");
  expect(second.error?.message).toContain(`process ${first.process.pid}`);
  expect((await tryLock(directory))?.code).toBe("locked");
  const dead = new Promise((resolve) => first.process.once("exit", resolve));
  first.process.kill("SIGKILL");
  await dead;
  expect(await tryLock(directory)).toBeNull();
});
