import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { type ExitName, exitName } from "../exit-codes.ts";

export interface Supervision {
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output goes to its end. */
  readonly logFile: string;
  /** Every start, with the process id. */
  started(pid: number): void;
  /** It ended without being asked to; another start follows after `delayMs`. */
  died(how: string, delayMs: number): void;
  /** A line of its standard error. */
  complained(line: string): void;
  /**
   * It could not start and never will by itself: its configuration is wrong. Once, and then no
   * more.
   */
  hopeless(exit: ExitName, complaint: string): void;
}

export interface Supervised {
  /** From now on every end is worth another start: it has been seen to work. */
  markWorking(): void;
  /** No start follows any more, whenever the process ends. */
  retire(): void;
  /** Retires, asks the process to stop, waits, and kills it if it does not. */
  stop(): Promise<void>;
  /** Ends the process at once. */
  kill(): void;
}

const DELAY_MS = { first: 100, most: 5_000 } as const;
/** Who lived that long is started again without a pause. */
const HEALTHY_MS = 3_000;
const STOP_MS = 10_000;

/** Keeps one process running: starts it, and again whenever it ends, with growing pauses. */
export function supervise(options: Supervision): Supervised {
  let child: ChildProcess | null = null;
  let timer: NodeJS.Timeout | null = null;
  let delayMs: number = DELAY_MS.first;
  let working = false;
  let stopping = false;

  const start = (): void => {
    timer = null;
    const startedAt = Date.now();
    const log = openSync(options.logFile, "a", 0o600);
    // Standard input stays open as long as this process lives: its end tells the child to stop.
    const running = spawn(options.command, options.args, { stdio: ["pipe", log, "pipe"] });
    closeSync(log);
    child = running;
    let complaint = "";
    eachLine(running, (line) => {
      complaint = line;
      options.complained(line);
    });
    running.stdin?.on("error", () => {});
    if (running.pid !== undefined) options.started(running.pid);
    let over = false;
    const ended = (how: string, code: number | null): void => {
      if (over) return;
      over = true;
      child = null;
      if (stopping) return;
      const exit = exitName(code);
      if (!working && exit !== null && exit !== "ok" && exit !== "failure") {
        stopping = true;
        return options.hopeless(exit, complaint);
      }
      if (Date.now() - startedAt >= HEALTHY_MS) delayMs = DELAY_MS.first;
      options.died(how, delayMs);
      timer = setTimeout(start, delayMs);
      delayMs = Math.min(delayMs * 2, DELAY_MS.most);
    };
    running.on("error", (error) => ended(`could not be started (${error.message})`, null));
    running.on("close", (code, signal) =>
      ended(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`, code),
    );
  };

  const retire = (): void => {
    stopping = true;
    if (timer !== null) clearTimeout(timer);
  };

  start();
  return {
    markWorking: () => {
      working = true;
    },
    retire,
    stop: async () => {
      retire();
      if (child !== null) await stopChild(child);
    },
    kill: () => {
      retire();
      child?.kill("SIGKILL");
    },
  };
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

function eachLine(child: ChildProcess, take: (line: string) => void): void {
  let rest = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  });
}
