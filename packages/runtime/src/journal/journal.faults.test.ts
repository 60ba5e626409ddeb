import { type DiskCall, LOSE_UNSYNCED, seededFate } from "@synod/simulator";
import { expect, test } from "vitest";
import { numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";

const broken = { code: "io", message: "the disk is broken" } as const;

test("a sync that fails ends the journal: it is never tried again, nothing is written", () => {
  const bench = new JournalBench();
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  bench.disk.faults.arm({ call: "sync", prefix: "journal", after: 0, times: 1, error: broken });
  journal.append(numbered(2));
  expect(bench.flush(journal)).toEqual(broken);
  const { calls } = bench.disk;
  journal.append(numbered(3));
  expect(bench.flush(journal)).toEqual(broken);
  expect(bench.disk.calls).toBe(calls);
  bench.disk.crash(LOSE_UNSYNCED);
  const back = bench.open();
  expect([back.missing, back.indexes]).toEqual([[], [1]]);
});

test("what a failed sync left in the page cache is written anew before it is durable", () => {
  const bench = new JournalBench({ preallocate: false });
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  bench.disk.faults.arm({ call: "sync", prefix: "journal", after: 0, times: 1, error: broken });
  journal.append(numbered(2, 2000));
  expect(bench.flush(journal)).toEqual(broken);
  bench.disk.kill();
  expect(bench.open().indexes).toEqual([1, 2]);
  bench.disk.crash(LOSE_UNSYNCED);
  const back = bench.open();
  expect([back.missing, back.indexes]).toEqual([[], [1, 2]]);
});

test("a lack of space that a sync reports is as bad as any other failure of a sync", () => {
  const bench = new JournalBench({ preallocate: false });
  const { journal } = bench.open();
  const error = { code: "no-space", message: "late" } as const;
  bench.disk.faults.arm({ call: "sync", prefix: "", after: 0, times: 1, error });
  journal.append(numbered(1));
  expect(bench.flush(journal)?.code).toBe("io");
  expect(bench.flush(journal)?.code).toBe("io");
});

for (const call of [
  "write",
  "sync",
  "create",
  "remove",
  "syncDirectory",
] as const satisfies DiskCall[]) {
  test(`every ${call} that fails: nothing acknowledged is lost, what goes on is whole`, () => {
    let hits = 0;
    for (let after = 0; ; after += 1) {
      const bench = new JournalBench({ segmentBytes: 4096 }, after + 1);
      const { journal } = bench.open();
      bench.disk.faults.arm({ call, prefix: "", after, times: 1, error: broken });
      let acknowledged: readonly number[] = [];
      let failed = false;
      for (let index = 1; index <= 14 && !failed; index += 1) {
        if (index === 8) journal.checkpoint([numbered(100)]);
        journal.append(numbered(index, 800));
        const error = bench.flush(journal);
        failed = error !== null;
        if (failed) hits += 1;
        else if (index === 8) acknowledged = [100, 8];
        else acknowledged = [...acknowledged, index];
      }
      if (failed) expect(bench.flush(journal)).toEqual(broken);
      bench.disk.faults.clear();
      for (const fate of [LOSE_UNSYNCED, seededFate(after + 1)]) {
        const image = bench.disk.copy();
        bench.disk.crash(fate);
        const back = bench.open();
        expect([back.error, back.missing], `after ${after}`).toEqual([null, []]);
        const superseded = back.indexes[0] === 100 && acknowledged[0] !== 100;
        if (!superseded)
          expect(back.indexes.slice(0, acknowledged.length), `after ${after}`).toEqual(
            acknowledged,
          );
        bench.disk.restore(image);
      }
      if (!failed && after > 40) break;
    }
    expect(hits).toBeGreaterThan(0);
  });
}

test("a sector that cannot be read costs what it holds, and no more", () => {
  const bench = new JournalBench({ segmentBytes: 1 << 16 });
  const { journal } = bench.open();
  for (let index = 1; index <= 9; index += 1) bench.write(journal, numbered(index, 300));
  bench.disk.kill();
  const disk = bench.disk.attach();
  const bad = 7 * 512;
  const faulty = {
    ...disk,
    read: ((name, offset, length, done) => {
      const hit = name.endsWith("2") && offset <= bad && bad < offset + length;
      if (hit) bench.defer(() => done(broken, new Uint8Array(0)));
      else disk.read(name, offset, length, done);
    }) satisfies typeof disk.read,
  };
  const back = bench.open(faulty);
  expect(back.error).toBe(null);
  expect(back.missing).toEqual([{ kind: "slots", log: 0, first: 5, last: 5 }]);
  expect(back.indexes).toEqual([1, 2, 3, 4, 6, 7, 8, 9]);
});

test("a file that ends in the middle of a sector is read as far as it goes", () => {
  const bench = new JournalBench({ preallocate: false });
  const { journal } = bench.open();
  bench.write(journal, numbered(1, 300));
  bench.write(journal, numbered(2, 3000));
  bench.disk.kill();
  const image = bench.disk.copy();
  const name = bench.disk.image.names().at(-1) as string;
  const size = bench.disk.image.file(name)?.size ?? 0;
  for (let cut = 1; cut < 512; cut += 37) {
    bench.disk.restore(image);
    bench.disk.image.file(name)?.truncateAtRest(size - cut);
    const back = bench.open();
    const whole = back.indexes.includes(2);
    expect(back.indexes).toEqual(whole ? [1, 2] : [1]);
    if (!whole) expect(back.missing).not.toEqual([]);
  }
});

test("a port that takes its time and completes in another order changes nothing", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const bench = new JournalBench({ segmentBytes: 4096 }, seed);
    bench.disk.faults.extraMs = seed % 3;
    const { journal } = bench.open();
    for (let index = 1; index <= 30; index += 1) bench.write(journal, numbered(index, index * 40));
    bench.disk.crash(seed);
    expect(bench.open().indexes.length).toBe(30);
  }
});
