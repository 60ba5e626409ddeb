import { spawnSync } from "node:child_process";
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import type { PortError } from "@synod/core";
import { errorName, portError } from "./port-error.ts";

/**
 * The lock file. It stays for ever: removing it would let two processes lock two different files.
 */
export const LOCK_NAME = "lock";

export type LockResult =
  | { readonly kind: "locked"; release(): void }
  | { readonly kind: "failed"; readonly error: PortError };

/**
 * Takes the exclusive lock on `path`. Node has no `flock`, so the program of that name is given our
 * descriptor and locks it: the lock belongs to the open file, which is ours as well, and so it
 * outlives the program, and the kernel frees it however this process ends. Node opens files
 * close-on-exec, so no other child can keep it. The pid in the file is for the message only;
 * nothing is concluded from it.
 */
export function lockFile(path: string, program = "flock"): LockResult {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    return { kind: "failed", error: portError(error, `cannot open the lock file ${path}`) };
  }
  const error = lockDescriptor(fd, path, program);
  if (error !== null) {
    closeSync(fd);
    return { kind: "failed", error };
  }
  note(fd);
  return { kind: "locked", release: () => closeSync(fd) };
}

function lockDescriptor(fd: number, path: string, program: string): PortError | null {
  const child = spawnSync(program, ["-n", "-x", "3"], {
    stdio: ["ignore", "ignore", "pipe", fd],
    timeout: 10_000,
  });
  if (child.error !== undefined) {
    if (errorName(child.error) === "ENOENT")
      return {
        code: "denied",
        message:
          "the program `flock` is needed to lock the data directory; it comes with util-linux",
      };
    return portError(child.error, "cannot run `flock`");
  }
  if (child.status === 0) return null;
  if (child.status === 1) {
    return { code: "locked", message: `${path} is locked by ${holder(path)}` };
  }
  const said = child.stderr.toString("utf8").trim();
  return { code: "io", message: `\`flock\` failed (${child.status ?? child.signal}): ${said}` };
}

function note(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch {
    // A full disk must not keep a node from starting: only the message gets poorer.
  }
}

function holder(path: string): string {
  try {
    const pid = readFileSync(path, "utf8").trim();
    return /^\d+$/.test(pid) ? `process ${pid}` : "another process";
  } catch {
    return "another process";
  }
}
