import { crc32 } from "node:zlib";
import { ABOUT_META } from "@synod/core";
import { createJournal, Journal, type JournalStore } from "@synod/runtime";
import { describe } from "vitest";
import { ok } from "./case.ts";
import { JOURNAL_COMPLIANCE, type JournalSubject } from "./journal-cases.ts";
import { altered, type Breakages, describeCompliance } from "./testing/breakages.ts";
import { CLOCK, CrashingDisk } from "./testing/crashing-disk.ts";

const IDENTITY = "00112233445566778899aabbccddeeff";

async function ours(): Promise<JournalSubject> {
  const disk = new CrashingDisk();
  const files = { disk: disk.open(), checksum: crc32, identity: IDENTITY };
  await ok((done) => createJournal(files, done));
  return {
    open: () =>
      new Journal({
        disk: disk.open(),
        identity: IDENTITY,
        segmentBytes: 1_048_576,
        checksum: crc32,
        defer: CLOCK.defer,
        preallocate: true,
      }),
  };
}

type Change = (journal: JournalStore) => Partial<JournalStore>;

/** Every journal that is opened has the fault. */
function broken(change: Change): (subject: JournalSubject) => JournalSubject {
  return (subject) => ({
    open() {
      const journal = subject.open();
      return altered(journal, change(journal));
    },
  });
}

const BREAKAGES: Breakages<JournalSubject> = {
  "is empty and whole at first": broken((journal) => ({
    recover: (each, done) => journal.recover(each, (error) => done(error, { missing: "unnamed" })),
  })),
  "gives back what was flushed, in order, each record with its about": broken((journal) => ({
    append: ({ record }) => journal.append({ record, about: ABOUT_META }),
  })),
  "goes on behind what it recovered": broken((journal) => {
    let begun = false;
    return {
      append(record) {
        if (!begun) journal.checkpoint([]);
        begun = true;
        journal.append(record);
      },
    };
  }),
  "takes what is appended during a flush into the next one": broken((journal) => {
    let flushing = false;
    return {
      append: (record) => void (flushing || journal.append(record)),
      flush(done) {
        flushing = true;
        journal.flush((error) => {
          flushing = false;
          done(error);
        });
      },
    };
  }),
  "replaces everything by a checkpoint, staged or durable, and goes on behind it": broken(
    (journal) => ({
      checkpoint: (records) => records.forEach((record) => void journal.append(record)),
    }),
  ),
  "lets an empty checkpoint leave nothing": broken((journal) => ({
    checkpoint: (records) => void (records.length === 0 || journal.checkpoint(records)),
  })),
  "replaces nothing before a checkpoint is flushed, or all of it": broken((journal) => ({
    checkpoint(records) {
      journal.checkpoint([]);
      journal.flush(() => records.forEach((record) => void journal.append(record)));
    },
  })),
  "holds records of every size up to the largest": broken((journal) => ({
    append: ({ record, about }) => journal.append({ record: record.subarray(0, 1_048_576), about }),
  })),
  "tells how many bytes it has grown by since the last checkpoint": broken(() => ({ bytes: 0 })),
  "refuses to flush before it has recovered, and once it is closed": broken(() => ({
    flush: (done) => void setImmediate(done, null),
  })),
};

describe("the journal in files", () => {
  describeCompliance(JOURNAL_COMPLIANCE, ours, BREAKAGES);
});
