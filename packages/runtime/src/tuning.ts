import type { HostTuning } from "./host-options.ts";

/** What a host does when nothing else is said. Sizes in bytes, times in ms. */
export const HOST_TUNING: HostTuning = Object.freeze({
  journalBytesMax: 64 * 1024 * 1024,
  segmentBytes: 16 * 1024 * 1024,
  chunkBytes: 256 * 1024,
  outstandingMax: 10_000,
  outstandingBytesMax: 64 * 1024 * 1024,
  resubmitMs: 1000,
  sessionsMax: 10_000,
  sessionResultsMax: 1024,
  expiredMax: 100_000,
});
