import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CommandFailure } from "../exit-codes.ts";
import type { SeedReport, SeedTask } from "./sim-messages.ts";
import type { SystemName } from "./systems.ts";

export interface SweepOptions {
  readonly protocol: SystemName;
  readonly from: number;
  readonly count: number;
  readonly jobs: number;
  readonly canary: boolean;
  /** A seeded bug to run with, from the checkout's list. */
  readonly mutant: string | null;
  readonly stopAtFirst: boolean;
  readonly onReport: (report: SeedReport) => void;
}

/**
 * How workers keep their memory. A life leaves much garbage and little that stays; with Node's
 * usual sizes full collections come often, and each throws away compiled callbacks that nobody
 * holds just then, only for them to be compiled again.
 */
const HEAP_ARGUMENTS = [
  "--min-semi-space-size=32",
  "--max-semi-space-size=32",
  "--initial-old-space-size=256",
] as const;

/**
 * Lives `count` seeds in `jobs` processes; resolves when all are done, or the first violation is
 * found.
 */
export function sweep(options: SweepOptions): Promise<void> {
  const { protocol, from, count, jobs, canary } = options;
  let next = from;
  let running = 0;
  let stopped = false;
  const workers: ChildProcess[] = [];
  return new Promise((resolve, reject) => {
    const end = (error: Error | null): void => {
      stopped = true;
      for (const worker of workers) worker.kill();
      if (error === null) resolve();
      else reject(error);
    };
    const feed = (worker: ChildProcess): void => {
      if (stopped) return;
      if (next < from + count) {
        const task: SeedTask = { protocol, seed: next, canary };
        next += 1;
        running += 1;
        worker.send(task);
      } else if (running === 0) end(null);
    };
    for (let job = 0; job < Math.min(jobs, count); job += 1) {
      const worker = fork(fileURLToPath(new URL("./sim-worker.js", import.meta.url)), {
        execArgv: [...HEAP_ARGUMENTS, ...mutantArguments(options.mutant)],
      });
      workers.push(worker);
      worker.on("message", (report: SeedReport) => {
        running -= 1;
        options.onReport(report);
        if (report.violation !== null && options.stopAtFirst) return end(null);
        feed(worker);
      });
      worker.on("exit", (code) => {
        if (!stopped) end(new CommandFailure("failure", `a worker process ended with ${code}`));
      });
      feed(worker);
    }
  });
}

/** The seeded bug that this process runs with; null: none. */
export function currentMutant(): string | null {
  for (const word of process.execArgv) {
    const found = /register\.mjs\?mutant=(.+)$/.exec(word);
    if (found?.[1] !== undefined) return decodeURIComponent(found[1]);
  }
  return null;
}

/** How a process is started with a seeded bug; those live in a checkout only. */
export function mutantArguments(mutant: string | null): string[] {
  if (mutant === null) return [];
  const register = new URL("../../../../tools/mutants/register.mjs", import.meta.url);
  if (!existsSync(register))
    throw new CommandFailure("usage", "--mutant works in a checkout of the project only");
  register.searchParams.set("mutant", mutant);
  return ["--import", register.href];
}
