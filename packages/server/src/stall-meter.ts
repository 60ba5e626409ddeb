import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;
const WINDOW_MS = 60_000;

/** How long the event loop was held up: nothing else was answered meanwhile. */
export interface StallMeter {
  /** The longest since the start, ms. */
  longestMs(): number;
  /** The longest of the last minute or two, ms: forgets what happened while starting. */
  recentMs(): number;
  stop(): void;
}

export function startStallMeter(): StallMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let longest = 0;
  let before = 0;
  const turn = setInterval(() => {
    before = windowMs(histogram);
    longest = Math.max(longest, before);
    histogram.reset();
  }, WINDOW_MS);
  turn.unref();
  return {
    longestMs: () => Math.max(longest, windowMs(histogram)),
    recentMs: () => Math.max(before, windowMs(histogram)),
    stop() {
      clearInterval(turn);
      histogram.disable();
    },
  };
}

/**
 * The histogram holds whole pauses between two looks, in ns: what exceeds the usual one is a stall.
 */
function windowMs(histogram: IntervalHistogram): number {
  return histogram.count === 0 ? 0 : Math.max(0, histogram.max / 1e6 - RESOLUTION_MS);
}
