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

test("one is begun in the place of another, and a crash leaves none or a whole one", () => {
  const left = new Set<string>();
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
    const isThere = names(bench).map(journalOf).includes(2);
    left.add(isThere ? `${read(bench, 2).held}` : "none");
    ok(bench, (done) => beginJournal(options(bench), 2, done));
    expect([read(bench, 2).held, read(bench, 1).held]).toEqual([[], [11]]);
    if (!dead()) break;
  }
  expect([...left].sort()).toEqual(["", "99", "none"]);
});

test("a first segment that was never finished goes with the others", () => {
  const bench = new DiskBench();
  ok(bench, (done) => createJournal(options(bench), done));
  const { disk } = dyingDisk(bench.disk.attach(), 3);
  beginJournal(options(bench, disk), 2, () => undefined);
  bench.run();
  bench.disk.kill();
  expect(names(bench)).toEqual(["c2-journal-000000000001.unfinished", "journal-000000000001"]);
  ok(bench, (done) => removeJournals(bench.disk.attach(), (number) => number === 2, done));
  expect(names(bench)).toEqual(["journal-000000000001"]);
});

test("only segments are of a journal", () => {
  const found = ["journal-000000000003", "c12-journal-000000000001", "c12-journal-1", "identity-a"];
  expect(found.map(journalOf)).toEqual([1, 12, null, null]);
});
