import type { JournalRecord, PortError } from "@synod/core";
import { expect, test } from "vitest";
import { createJournal } from "./create-journal.ts";
import { Journal } from "./journal.ts";
import { beginJournal, journalDisk, journalOf, removeJournals } from "./of-configuration.ts";
import { DiskBench, dyingDisk, indexOf, numbered } from "./testing/disk-bench.ts";

function options(bench: DiskBench, disk = bench.disk.attach()) {
  return { disk, checksum: bench.checksum, identity: bench.identity };
}

function ok(bench: DiskBench, begin: (done: (error: PortError | null) => void) => void): void {
  expect(bench.settle<[PortError | null]>(begin)).toEqual([null]);
}

/** Records in the journal of a configuration, by number; null: it cannot be read. */
function read(bench: DiskBench, configuration: number): { journal: Journal; held: number[] } {
  const disk = journalDisk(bench.disk.attach(), configuration);
  const more = { segmentBytes: 4_096, defer: bench.defer, preallocate: false };
  const journal = new Journal({ ...options(bench, disk), ...more });
  const held: number[] = [];
  const take = (records: readonly JournalRecord[]): void => {
    held.push(...records.map(indexOf));
  };
  const [error, { missing }] = bench.settle<Parameters<Parameters<Journal["recover"]>[1]>>((done) =>
    journal.recover(take, done),
  );
  expect([error, missing]).toEqual([null, []]);
  return { journal, held };
}

function append(bench: DiskBench, configuration: number, record: number): void {
  const { journal } = read(bench, configuration);
  journal.append(numbered(record));
  ok(bench, (done) => journal.flush(done));
  ok(bench, (done) => journal.close(done));
}

const names = (bench: DiskBench): readonly string[] => bench.disk.image.names();

test("the journals of two configurations know nothing of each other", () => {
  const bench = new DiskBench();
  ok(bench, (done) => createJournal(options(bench), done));
  append(bench, 1, 11);
  ok(bench, (done) => beginJournal(options(bench), 2, done));
  append(bench, 2, 22);
  append(bench, 1, 12);
  expect([read(bench, 1).held, read(bench, 2).held]).toEqual([[11, 12], [22]]);
  ok(bench, (done) => removeJournals(bench.disk.attach(), (number) => number === 1, done));
  expect(names(bench).map(journalOf)).toEqual([2]);
  expect(read(bench, 2).held).toEqual([22]);
});

test("one that a crash left behind before it was in force is begun anew", () => {
  for (let call = 0; ; call += 1) {
    const bench = new DiskBench(call);
    ok(bench, (done) => createJournal(options(bench), done));
    append(bench, 1, 11);
    ok(bench, (done) => beginJournal(options(bench), 2, done));
    append(bench, 2, 99);
    const { disk, dead } = dyingDisk(bench.disk.attach(), call);
    beginJournal(options(bench, disk), 2, () => undefined);
    bench.run();
    bench.disk.crash(call);
    ok(bench, (done) => beginJournal(options(bench), 2, done));
    expect([read(bench, 2).held, read(bench, 1).held]).toEqual([[], [11]]);
    if (!dead()) break;
  }
});

test("only segments are of a journal", () => {
  const found = ["journal-000000000003", "c12-journal-000000000001", "c12-journal-1", "identity-a"];
  expect(found.map(journalOf)).toEqual([1, 12, null, null]);
});
