import type { Clock, Disk } from "@synod/core";
import type { Checksum } from "../checksum.ts";
import type { Guard } from "../guard.ts";
import { Journal } from "../journal/journal.ts";
import { beginJournal, journalDisk, removeJournals } from "../journal/of-configuration.ts";
import { SnapshotStore } from "../snapshots/store.ts";
import { SpareTime } from "../spare-time.ts";
import type { ReplicaStorage } from "./replica-storage.ts";

export interface FileStorageOptions {
  /** Locked. */
  readonly disk: Disk;
  readonly clock: Clock;
  readonly checksum: Checksum;
  readonly guard: Guard;
  /** When snapshots are written and read; absent: at any time. */
  readonly spare?: SpareTime;
  /** Size at which a segment of a journal ends. */
  readonly segmentBytes: number;
  /** Configurations of which there are segments on the disk. */
  readonly journals: readonly number[];
}

/** Journals and snapshots in files on a disk. */
export function createFileStorage(options: FileStorageOptions): ReplicaStorage {
  const { disk, clock, checksum, guard, segmentBytes } = options;
  const { spare = new SpareTime(clock) } = options;
  const journals = new Set(options.journals);
  return {
    get journals() {
      return [...journals].sort((a, b) => a - b);
    },
    beginJournal({ dataId, configuration }, done) {
      beginJournal({ disk, checksum, identity: dataId }, configuration, (error) => {
        if (error === null) journals.add(configuration);
        done(error);
      });
    },
    openJournal: ({ dataId, configuration }) =>
      new Journal({
        disk: journalDisk(disk, configuration),
        identity: dataId,
        segmentBytes,
        checksum,
        defer: clock.defer,
        preallocate: true,
      }),
    removeJournals(configurations, done) {
      removeJournals(
        disk,
        (configuration) => configurations.includes(configuration),
        (error) => {
          if (error === null) for (const gone of configurations) journals.delete(gone);
          done(error);
        },
      );
    },
    snapshots: (chunkBytes) =>
      new SnapshotStore({ disk, clock, checksum, guard, spare, chunkBytes }),
    // The disk itself ends what is under way before it is unlocked.
    close: (done) => clock.defer(done),
  };
}
