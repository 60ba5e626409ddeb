import type { Done } from "@synod/core";
import type { JournalStore } from "../journal/journal-store.ts";
import type { SnapshotStorage } from "../snapshots/snapshot-storage.ts";

/** Which journal: each configuration has one of its own, and so has each data directory. */
export interface JournalName {
  /**
   * Of the identity, 32 hex digits. What was written under another one is never taken for ours: a
   * journal that is opened under a name that was never begun has lost everything.
   */
  readonly dataId: string;
  readonly configuration: number;
}

/**
 * Where a replica keeps what grows: its journals and its snapshots. The identity and the lock stay
 * on the disk. Of a host that runs there is one at a time, and it is the only one that uses it.
 * The files that it is by default are those of {@link createFileStorage}; what else may stand in
 * their place is told by the cases of `@synod/node/compliance`.
 */
export interface ReplicaStorage {
  /** Configurations of which there is a journal that was begun, of whatever data id. */
  readonly journals: readonly number[];
  /**
   * Makes an empty journal, durable, in the place of whatever there is of that configuration. A
   * crash leaves none or a whole one: one that is there after it is never begun again.
   */
  beginJournal(name: JournalName, done: Done): void;
  /** A journal that was begun in this life or an earlier one; to be recovered. */
  openJournal(name: JournalName): JournalStore;
  /** Removes all that there is of the journals of these configurations, durably. */
  removeJournals(configurations: readonly number[], done: Done): void;
  /**
   * The snapshots; to be opened. Chunks are of `chunkBytes` as far as the state allows: members can
   * only help each other with chunks of the same size.
   */
  snapshots(chunkBytes: number): SnapshotStorage;
  /**
   * Nothing more is asked for. Calls back when nothing that was is still under way, so that the
   * next life finds what it will be.
   */
  close(done: () => void): void;
}
