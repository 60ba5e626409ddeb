import type { About, Done, JournalRecord, PortError } from "@synod/core";

/**
 * The write-ahead log of one replica, as the host uses it. {@link Journal} keeps it in files; what
 * else may stand in its place is told by the cases of `@synod/node/compliance`.
 */
export interface JournalStore {
  /** Bytes written since the last checkpoint. */
  readonly bytes: number;
  /** Why what is staged could not be written yet for lack of space; null: there is enough. */
  readonly spaceError: PortError | null;
  /**
   * Once, before anything else: hands over all records in the order of `append`, in slices, whose
   * bytes are only lent. `missing` names what is damaged.
   */
  recover(
    onRecords: (records: readonly JournalRecord[]) => void,
    done: (
      error: PortError | null,
      found: { readonly missing: readonly About[] | "unnamed" },
    ) => void,
  ): void;
  /** Stages a record behind all before it. */
  append(record: JournalRecord): void;
  /** Stages the replacement of everything before it, staged or durable: all of it or nothing. */
  checkpoint(records: readonly JournalRecord[]): void;
  /**
   * Makes everything staged so far durable; the host waits for one before it asks for another.
   * After
   * `no-space` all stays staged for a later flush; after any other error nothing is taken any more.
   */
  flush(done: Done): void;
  /** Some space may have been freed. */
  retrySpace(): void;
  /** Ends what is under way in the background. Not while flushing. */
  close(done: Done): void;
}
