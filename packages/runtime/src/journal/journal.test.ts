import { ABOUT_META, type JournalRecord, RECORD_BYTES_MAX } from "@synod/core";
import { expect, test } from "vitest";
import { indexOf, numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";

const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test("a new journal is empty and whole", () => {
  const bench = new JournalBench();
  const { error, missing, indexes, journal } = bench.open();
  expect({ error, missing, indexes }).toEqual({ error: null, missing: [], indexes: [] });
  expect([journal.bytes, journal.segments]).toEqual([0, 1]);
});

test("flushed records come back in order, over many segments, again and again", () => {
  const bench = new JournalBench();
  const first = bench.open();
  for (const index of upTo(60)) bench.write(first.journal, numbered(index, index * 17));
  expect(first.journal.segments).toBeGreaterThan(5);
  const again = bench.open();
  expect(again.missing).toEqual([]);
  expect(again.indexes).toEqual(upTo(60));
  expect(again.journal.bytes).toBe(first.journal.bytes);
  for (const index of upTo(90, 61)) bench.write(again.journal, numbered(index));
  expect(bench.open().indexes).toEqual(upTo(90));
});

test("what was staged and not flushed is not there", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  journal.append(numbered(2));
  bench.run();
  expect(bench.open().indexes).toEqual([1]);
});

test("one small record takes two sectors, one to name it if it rots, and one sync", () => {
  const bench = new JournalBench({ preallocate: false });
  const { journal } = bench.open();
  bench.write(journal, numbered(1, 256));
  const { syncs } = bench.disk;
  bench.write(journal, numbered(2, 256));
  expect(bench.disk.syncs).toBe(syncs + 1);
  expect(journal.bytes).toBe(4 * 512);
});

test("records staged while a flush is under way belong to the next one", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  journal.append(numbered(1));
  let flushed = false;
  journal.flush(() => {
    flushed = true;
  });
  journal.append(numbered(2));
  bench.run();
  expect(flushed).toBe(true);
  expect(bench.open().indexes).toEqual([1]);
});

test("a flush of nothing succeeds without touching the disk", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  const { calls } = bench.disk;
  expect(bench.flush(journal)).toBe(null);
  expect(bench.disk.calls).toBe(calls);
});

test("two flushes at once are a bug", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  journal.append(numbered(1));
  journal.flush(() => {});
  expect(() => journal.flush(() => {})).toThrow("two flushes");
});

test("a record larger than the maximum is a bug, the largest is taken", () => {
  const bench = new JournalBench({ segmentBytes: 1 << 16 });
  const { journal } = bench.open();
  const about = ABOUT_META;
  expect(() => journal.append({ record: new Uint8Array(RECORD_BYTES_MAX + 1), about })).toThrow();
  expect(() =>
    journal.checkpoint([{ record: new Uint8Array(RECORD_BYTES_MAX + 1), about }]),
  ).toThrow();
  bench.write(journal, numbered(1), numbered(2, RECORD_BYTES_MAX), numbered(3));
  expect(bench.open().indexes).toEqual([1, 2, 3]);
});

test("a flush of many megabytes becomes several blocks, none much above a megabyte", () => {
  const bench = new JournalBench({ segmentBytes: 1 << 22 });
  const { journal } = bench.open();
  const records = upTo(50).map((index) => numbered(index, 100_000));
  const { syncs } = bench.disk;
  bench.write(journal, ...records);
  expect(bench.disk.syncs - syncs).toBeGreaterThanOrEqual(5);
  expect(bench.open().indexes).toEqual(upTo(50));
});

test("every kind of about survives, and records may be empty", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  const abouts = [
    ABOUT_META,
    { kind: "slots", log: 0, first: 3, last: 9 },
    { kind: "instance", log: 4, first: 1, last: Number.MAX_SAFE_INTEGER },
    { kind: "object", log: 2 ** 40 + 1, first: 0, last: 0 },
  ] as const;
  for (const about of abouts) journal.append({ record: new Uint8Array(0), about });
  expect(bench.flush(journal)).toBe(null);
  const back: JournalRecord[] = [];
  bench.settle((done) => bench.journal().recover((slice) => back.push(...slice), done));
  expect(back.map((record) => record.about)).toEqual(abouts);
  expect(back.map((record) => record.record.length)).toEqual([0, 0, 0, 0]);
});

test("a checkpoint replaces everything before it, and the old segments go", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  for (const index of upTo(40)) bench.write(journal, numbered(index, 500));
  journal.append(numbered(41));
  journal.checkpoint([numbered(100), numbered(101, 900)]);
  journal.append(numbered(102));
  expect(bench.flush(journal)).toBe(null);
  expect([journal.segments, journal.bytes]).toEqual([1, 1024]);
  bench.disk.crash(1);
  const back = bench.open();
  expect(back.missing).toEqual([]);
  expect(back.indexes).toEqual([100, 101, 102]);
  expect(back.journal.bytes).toBe(1024);
  expect(bench.disk.image.names().length).toBeLessThanOrEqual(2);
});

test("a checkpoint may be empty, and of many blocks", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  journal.checkpoint([]);
  expect(bench.flush(journal)).toBe(null);
  expect(bench.open().indexes).toEqual([]);
  const again = bench.open().journal;
  again.checkpoint(upTo(5000).map((index) => numbered(index, 700)));
  expect(bench.flush(again)).toBe(null);
  expect(bench.open().indexes).toEqual(upTo(5000));
});

test("of two checkpoints staged at once the second counts", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  journal.checkpoint([numbered(1)]);
  journal.append(numbered(2));
  journal.checkpoint([numbered(3)]);
  journal.append(numbered(4));
  expect(bench.flush(journal)).toBe(null);
  expect(bench.open().indexes).toEqual([3, 4]);
});

test("records are handed over in slices that are not used again", () => {
  const bench = new JournalBench({ segmentBytes: 1 << 22 });
  const { journal } = bench.open();
  for (let index = 1; index <= 40; index += 1) bench.write(journal, numbered(index, 90_000));
  const slices: (readonly JournalRecord[])[] = [];
  bench.settle((done) => bench.journal().recover((slice) => slices.push(slice), done));
  expect(slices.length).toBeGreaterThan(2);
  expect(slices.flat().map(indexOf)).toEqual(upTo(40));
});

test("segments are zeroed ahead, so that appending does not make files grow", () => {
  const bench = new JournalBench({ segmentBytes: 1 << 16 });
  const { journal } = bench.open();
  for (const index of upTo(205)) bench.write(journal, numbered(index, 1000));
  const sizes = bench.disk.image.names().map((name) => bench.disk.image.file(name)?.size);
  expect(sizes.slice(1)).toEqual(sizes.slice(1).map(() => 1 << 16));
  expect(sizes.length).toBe(journal.segments + 1);
});

test("after close a flush is refused and the disk is left alone", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  expect(bench.settle((done) => journal.close(done))).toEqual([null]);
  const { calls } = bench.disk;
  journal.append(numbered(2));
  expect(bench.flush(journal)?.code).toBe("closed");
  expect(bench.disk.calls).toBe(calls);
});

test("a journal that was not recovered refuses to flush", () => {
  const bench = new JournalBench();
  expect(bench.flush(bench.journal())?.code).toBe("closed");
});
