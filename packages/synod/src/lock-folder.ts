import { resolve } from "node:path";
import type { Disk, PortError } from "@synod/core";
import { createDisk } from "@synod/node";
import { CommandFailure } from "./exit-codes.ts";

/**
 * Takes the lock of a folder, which ends with this process at the latest. Returns what frees it.
 * `locked` is said when somebody else has it.
 */
export async function lockFolder(dir: string, locked: string): Promise<() => Promise<void>> {
  const disk = createDisk({ directory: dir });
  const error = await lockDisk(disk);
  if (error === null) return () => unlockDisk(disk);
  const what = error.code === "locked" ? `${error.message}; ${locked}` : error.message;
  throw new CommandFailure(error.code === "locked" ? "locked" : "disk", `${resolve(dir)}: ${what}`);
}

function lockDisk(disk: Disk): Promise<PortError | null> {
  return new Promise((done) => disk.lock(done));
}

function unlockDisk(disk: Disk): Promise<void> {
  return new Promise((done) => disk.unlock(() => done()));
}
