import type { Guard } from "../guard.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { SnapshotStorage } from "../snapshots/snapshot-storage.ts";
import type { ReplicaStorage } from "./replica-storage.ts";

/** The storage with every callback behind `guard`, of its journals and snapshots, too. */
export function guardedStorage(storage: ReplicaStorage, guard: Guard): ReplicaStorage {
  return {
    get journals() {
      return storage.journals;
    },
    beginJournal: (name, done) => storage.beginJournal(name, guard(done)),
    openJournal: (name) => guardedJournal(storage.openJournal(name), guard),
    removeJournals: (configurations, done) => storage.removeJournals(configurations, guard(done)),
    snapshots: (chunkBytes) => guardedSnapshots(storage.snapshots(chunkBytes), guard),
    close: (done) => storage.close(guard(done)),
  };
}

function guardedJournal(journal: JournalStore, guard: Guard): JournalStore {
  return {
    get bytes() {
      return journal.bytes;
    },
    get spaceError() {
      return journal.spaceError;
    },
    recover: (onRecords, done) => journal.recover(guard(onRecords), guard(done)),
    append: (record) => journal.append(record),
    checkpoint: (records) => journal.checkpoint(records),
    flush: (done) => journal.flush(guard(done)),
    retrySpace: () => journal.retrySpace(),
    close: (done) => journal.close(guard(done)),
  };
}

function guardedSnapshots(snapshots: SnapshotStorage, guard: Guard): SnapshotStorage {
  return {
    get newest() {
      return snapshots.newest;
    },
    get bytes() {
      return snapshots.bytes;
    },
    find: (digest) => snapshots.find(digest),
    open: (restore, done) => snapshots.open(restore, guard(done)),
    load: (manifest, restore, done) => snapshots.load(manifest, restore, guard(done)),
    write: (taken, image, done) => snapshots.write(taken, image, guard(done)),
    readChunk: (manifest, index, done) => snapshots.readChunk(manifest, index, guard(done)),
    pin: (digest) => snapshots.pin(digest),
    unpin: (digest) => snapshots.unpin(digest),
    beginInstall: (manifest, done) => snapshots.beginInstall(manifest, guard(done)),
    abandon: (intake) => snapshots.abandon(intake),
    commit: (intake, done) => snapshots.commit(intake, guard(done)),
  };
}
