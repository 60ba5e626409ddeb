import { crc32 } from "node:zlib";
import {
  createFileStorage,
  createGuard,
  type JournalName,
  journalOf,
  type ReplicaStorage,
} from "@synod/runtime";
import { describe } from "vitest";
import { ok } from "./case.ts";
import { STORAGE_COMPLIANCE, type StorageSubject } from "./storage-cases.ts";
import { altered, type Breakages, describeCompliance } from "./testing/breakages.ts";
import { CLOCK, CrashingDisk } from "./testing/crashing-disk.ts";

function rethrow(reason: string): never {
  throw new Error(reason);
}

async function ours(): Promise<StorageSubject> {
  const place = new CrashingDisk();
  return {
    async open() {
      const disk = place.open();
      const names = await ok<readonly string[]>((done) => disk.list(done));
      const journals = new Set(names.map(journalOf).filter((number) => number !== null));
      return createFileStorage({
        disk,
        clock: CLOCK,
        checksum: crc32,
        guard: createGuard(() => false, rethrow),
        segmentBytes: 65_536,
        journals: [...journals],
      });
    },
  };
}

type Change = (storage: ReplicaStorage) => Partial<ReplicaStorage>;

/** Every storage that is opened has the fault. */
function broken(change: Change): (subject: StorageSubject) => StorageSubject {
  return (subject) => ({
    async open() {
      const storage = await subject.open();
      return altered(storage, change(storage));
    },
  });
}

/** Journals go by another name than they are asked for. */
function renaming(change: (name: JournalName) => JournalName) {
  return broken((storage) => ({
    beginJournal: (name, done) => storage.beginJournal(change(name), done),
    openJournal: (name) => storage.openJournal(change(name)),
  }));
}

const BREAKAGES: Breakages<StorageSubject> = {
  "knows of which configurations there are journals, after a restart as well": (subject) => {
    let opened = 0;
    return broken(() => {
      opened += 1;
      return opened === 1 ? {} : { journals: [] };
    })(subject);
  },
  "counts no journal that has not begun yet": broken((storage) => {
    const asked: number[] = [];
    return {
      get journals() {
        return asked;
      },
      beginJournal(name, done) {
        asked.push(name.configuration);
        storage.beginJournal(name, done);
      },
    };
  }),
  "begins a journal that is empty and whole, whatever there was of that configuration": broken(
    (storage) => ({
      beginJournal(name, done) {
        if (storage.journals.includes(name.configuration)) setImmediate(done, null);
        else storage.beginJournal(name, done);
      },
    }),
  ),
  "keeps the journals of configurations apart": renaming((name) => ({
    ...name,
    configuration: Math.min(name.configuration, 2),
  })),
  "takes the journal of another data directory for none of ours": renaming((name) => ({
    ...name,
    dataId: "0".repeat(32),
  })),
  "says of a journal that is not there that it is lost": broken((storage) => ({
    openJournal(name) {
      const journal = storage.openJournal(name);
      if (storage.journals.includes(name.configuration)) return journal;
      return altered(journal, {
        recover: (each, done) => journal.recover(each, (error) => done(error, { missing: [] })),
      });
    },
  })),
  "removes the journals that it is told to, durably, and no other": broken((storage) => ({
    removeJournals: (_, done) => storage.removeJournals(storage.journals, done),
  })),
  "asks for chunks of the size that it is given, and keeps them beside the journals": broken(
    (storage) => ({ snapshots: () => storage.snapshots(65_536) }),
  ),
  "changes nothing any more once it is closed": (subject) => {
    let latest: ReplicaStorage | null = null;
    return broken((storage) => {
      latest = storage;
      const late = (): void => latest?.removeJournals([1], () => {});
      return {
        close(done) {
          setTimeout(late, 150);
          storage.close(done);
        },
      };
    })(subject);
  },
};

describe("journals and snapshots in files", () => {
  describeCompliance(STORAGE_COMPLIANCE, ours, BREAKAGES);
});
