import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Load, LoadMessage, LoadRequest, LoadResult } from "./load.ts";

const GENERATOR = fileURLToPath(new URL("./generator.js", import.meta.url));
const LONG_MS = 1e9;

export interface RunningLoad {
  readonly result: Promise<LoadResult>;
  /**
   * Resolves when the first write sent after `at` (of `Date.now()`) is acknowledged: to when it
   * was.
   */
  firstAfter(at: number): Promise<number>;
  end(): void;
}

export interface LoadHooks {
  readonly measuring?: () => void;
  readonly progress?: (done: number) => void;
}

export const USUAL_LOAD: Omit<Load, "targets"> = {
  method: "PUT",
  connections: 64,
  perSecond: null,
  valueBytes: 256,
  keys: 100_000,
  inOrder: false,
  warmUpMs: 1_000,
  measureMs: LONG_MS,
  requests: Number.MAX_SAFE_INTEGER,
};

/** Starts a generator in a process of its own. */
export function startLoad(load: Load, hooks: LoadHooks = {}): RunningLoad {
  const child = fork(GENERATOR, [JSON.stringify(load)]);
  let marked: ((at: number) => void) | null = null;
  const result = new Promise<LoadResult>((resolve, reject) => {
    child.on("message", (message: LoadMessage) => {
      if (message.kind === "measuring") hooks.measuring?.();
      else if (message.kind === "progress") hooks.progress?.(message.done);
      else if (message.kind === "result") resolve(message.result);
      else marked?.(message.at);
    });
    child.on("exit", (code) => reject(new Error(`the generator ended early, exit code ${code}`)));
  });
  const tell = (request: LoadRequest): void => {
    if (child.connected) child.send(request);
  };
  return {
    result,
    firstAfter: (at) =>
      new Promise((resolve) => {
        marked = resolve;
        tell({ kind: "mark", at });
      }),
    end: () => tell({ kind: "end" }),
  };
}
