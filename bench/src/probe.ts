import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * Loaded into a server by `--import`: measures, next to the server's own code, how long its event
 * loop was held up. Asked over IPC, so that asking costs the server nothing else.
 */
const RESOLUTION_MS = 1;

export interface ProbeAnswer {
  readonly longestStallMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

process.on("message", (request: "reset" | "read") => {
  if (request === "reset") return delays.reset();
  const { rss, heapUsed } = process.memoryUsage();
  const longestStallMs = delays.count === 0 ? 0 : delays.max / 1e6 - RESOLUTION_MS;
  process.send?.({ longestStallMs, rssBytes: rss, heapBytes: heapUsed } satisfies ProbeAnswer);
});
// The probe must not keep a server alive that wants to end.
process.channel?.unref();
