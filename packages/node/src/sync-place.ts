/** Bytes written since the last sync up to which a file may be synced in the event loop. */
const INLINE_BYTES_MAX = 1_048_576;
/** A disk of which syncs take longer than this on average is left to the thread pool. */
const INLINE_MEAN_MS = 1;
/**
 * After one sync as long as this, the pool gets them for a while: something keeps the disk busy.
 */
const SLOW_MS = 5;
const SLOW_FOR_MS = 1_000;
/** Weight of the newest sync in the mean. */
const WEIGHT = 1 / 16;

/**
 * Decides where the next fdatasync runs. On a quick disk a trip to the thread pool costs as much as
 * the sync itself, so it runs in the event loop; on a slow or busy one it must not hold up
 * heartbeats and reads. Starts with the pool, until the disk has shown what it is. One in the pool
 * is timed until the event loop hears of it, which a busy one does late: so a node under load
 * leaves its syncs to the pool, and saves the trip when it has little else to do.
 */
export class SyncPlace {
  #meanMs = SLOW_MS;
  #poolUntilMs = 0;

  /**
   * Whether to sync in the event loop at `nowMs`, with `unsyncedBytes` in all files together: a
   * file system may write out other files to commit one.
   */
  isInline(nowMs: number, unsyncedBytes: number): boolean {
    return (
      this.#meanMs <= INLINE_MEAN_MS &&
      nowMs >= this.#poolUntilMs &&
      unsyncedBytes <= INLINE_BYTES_MAX
    );
  }

  /** A sync took `tookMs`, and ended at `nowMs`. */
  took(tookMs: number, nowMs: number): void {
    this.#meanMs += (tookMs - this.#meanMs) * WEIGHT;
    if (tookMs >= SLOW_MS) this.#poolUntilMs = nowMs + SLOW_FOR_MS;
  }
}
