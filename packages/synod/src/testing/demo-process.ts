import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { NodeStatus } from "@synod/server";
import { freeBasePort as freePorts } from "../demo/free-ports.ts";
import { askStatus } from "../status-command.ts";

export const SYNOD = fileURLToPath(new URL("../../bin/synod.js", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs, and what it has said so far. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout(): string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** No file may grow beyond this; whole KiB. */
  readonly fileBytesMax?: number;
}

/** Starts the built command with these arguments. */
export function startSynod(args: readonly string[], options: RunOptions = {}): Running {
  const limit = options.fileBytesMax;
  const command = [process.execPath, SYNOD, ...args];
  const [file = "", ...rest] =
    limit === undefined
      ? command
      : ["bash", "-c", `ulimit -f ${limit / 1024}; exec "$@"`, "limited", ...command];
  const child = spawn(file, rest, { cwd: options.cwd, stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => {});
  // A command that waits for the end of its input must not get it unless asked.
  if (options.input !== undefined) child.stdin.end(options.input);
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, finished, stdout: () => stdout };
}

/** Runs the built command to its end. */
export function runSynod(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return startSynod(args, options).finished;
}

export interface Demo extends Running {
  readonly folder: string;
  readonly basePort: number;
  readonly urls: readonly string[];
  /** Of one node; fails when it does not answer. */
  status(node: number): Promise<NodeStatus>;
  /** Until all nodes say that they are ready, and agree on a leader among those that vote. */
  ready(timeoutMs?: number): Promise<NodeStatus[]>;
  /** Ctrl-C, and the wait for the end. */
  stop(): Promise<Finished>;
}

export interface DemoSetup {
  readonly folder: string;
  readonly basePort: number;
  readonly nodes?: number;
  readonly args?: readonly string[];
}

export function startDemo(setup: DemoSetup): Demo {
  const { folder, basePort } = setup;
  const nodes = setup.nodes ?? 3;
  const where = ["--dir", folder, "--base-port", String(basePort), "--nodes", String(nodes)];
  const running = startSynod(["demo", ...where, ...(setup.args ?? [])]);
  const urls = Array.from({ length: nodes }, (_, id) => `http://127.0.0.1:${basePort + id}`);
  const status = async (node: number): Promise<NodeStatus> => {
    const report = await askStatus(urls[node] ?? "", 1_000);
    if (report.status === null) throw new Error(`node ${node}: ${report.reason}`);
    return report.status;
  };
  return {
    ...running,
    folder,
    basePort,
    urls,
    status,
    ready: (timeoutMs = 20_000) => waitUntilReady(urls, status, timeoutMs),
    stop: () => {
      running.child.kill("SIGINT");
      return running.finished;
    },
  };
}

async function waitUntilReady(
  urls: readonly string[],
  status: (node: number) => Promise<NodeStatus>,
  timeoutMs: number,
): Promise<NodeStatus[]> {
  const deadline = Date.now() + timeoutMs;
  let last = "";
  while (Date.now() < deadline) {
    try {
      const all = await Promise.all(urls.map((_, node) => status(node)));
      const leaders = new Set(all.map(({ leader }) => leader));
      if (all.every(({ ready }) => ready) && leaders.size === 1 && !leaders.has(null)) return all;
      last = all
        .map(({ id, notReadyReason, leader }) => `${id}: ${leader} ${notReadyReason}`)
        .join();
    } catch (error) {
      last = (error as Error).message;
    }
    await sleep(30);
  }
  throw new Error(`not ready within ${timeoutMs} ms: ${last}`);
}

/** A base port with room for the largest demo. */
export function freeBasePort(): Promise<number> {
  return freePorts(7);
}

/** A folder of its own for a test; `remove` takes it away. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "synod-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
