import { LOSE_UNSYNCED, seededFate } from "@synod/simulator";
import { expect, test } from "vitest";
import { numbered } from "./testing/disk-bench.ts";
import { JournalBench } from "./testing/journal-bench.ts";
import { JournalModel } from "./testing/journal-model.ts";

test("a segment that cannot be made ahead is told, and appending goes on in the old one", () => {
  const bench = new JournalBench({ segmentBytes: 16_384 });
  const { journal } = bench.open();
  bench.write(journal, numbered(1));
  expect(journal.spaceError).toBe(null);
  bench.disk.faults.capacityBytes = bench.disk.image.usedBytes() + 4096;
  let index = 2;
  while (journal.spaceError === null && index < 60) {
    bench.write(journal, numbered(index, 600));
    index += 1;
  }
  expect(journal.spaceError?.code).toBe("no-space");
  bench.write(journal, numbered(index, 600));
  bench.disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
  journal.retrySpace();
  bench.run();
  expect(journal.spaceError).toBe(null);
  const back = bench.open();
  expect(back.indexes.length).toBe(index);
});

/** Writes until there is no space, with what `meanwhile` does then; then there is space again. */
function fillUp(
  capacity: number,
  preallocate: boolean,
  checkpointWhenFull: boolean,
): { refused: number } {
  const bench = new JournalBench({ segmentBytes: 4096, preallocate }, capacity);
  const model = new JournalModel();
  const { journal } = bench.open();
  bench.disk.faults.capacityBytes = capacity;
  let refused = 0;
  for (let index = 1; index <= 24; index += 1) {
    journal.append(numbered(index, 100 + ((index * 397) % 2500)));
    model.append(index);
    if (index === 15) {
      journal.checkpoint([numbered(100, 900), numbered(101, 900)]);
      model.checkpoint([100, 101]);
    }
    let durable = model.flush();
    let error = bench.flush(journal);
    for (let attempt = 0; error !== null; attempt += 1) {
      expect(error.code).toBe("no-space");
      refused += 1;
      if (attempt < 2) checkCrash(bench, model, capacity + attempt);
      if (checkpointWhenFull) {
        journal.checkpoint([numbered(200 + index)]);
        model.checkpoint([200 + index]);
      }
      if (attempt === 0) {
        journal.append(numbered(300 + refused));
        model.append(300 + refused);
      }
      bench.disk.faults.capacityBytes += 1024;
      durable = model.flush();
      error = bench.flush(journal);
    }
    durable();
  }
  checkCrash(bench, model, capacity);
  return { refused };
}

/** On a copy: all that was acknowledged is there, and the copy can be written to. */
function checkCrash(bench: JournalBench, model: JournalModel, seed: number): void {
  for (const fate of [LOSE_UNSYNCED, seededFate(seed), seededFate(seed + 1)]) {
    const twin = new JournalBench(bench.settings);
    twin.disk.restore(bench.disk.copy());
    twin.disk.crash(fate);
    const back = twin.open();
    expect([back.error, back.missing]).toEqual([null, []]);
    expect(model.problem(back.indexes)).toBe(null);
    twin.write(back.journal, numbered(9000, 1500));
    twin.disk.crash(LOSE_UNSYNCED);
    const later = twin.open();
    expect([later.missing, later.indexes]).toEqual([[], [...back.indexes, 9000]]);
  }
}

for (const preallocate of [true, false])
  for (const checkpointWhenFull of [false, true])
    test(`no space at any size of the disk: ${preallocate ? "preallocated" : "growing"}, ${
      checkpointWhenFull ? "with a checkpoint" : "tried again"
    }`, () => {
      let refused = 0;
      for (let capacity = 1536; capacity < 60_000; capacity += 13 * 512)
        refused += fillUp(capacity, preallocate, checkpointWhenFull).refused;
      expect(refused).toBeGreaterThan(20);
    });

test("with no space at all the journal can still be opened and read", () => {
  const bench = new JournalBench({ segmentBytes: 4096 });
  const { journal } = bench.open();
  for (let index = 1; index <= 10; index += 1) bench.write(journal, numbered(index, 900));
  bench.disk.crash(LOSE_UNSYNCED);
  bench.disk.faults.capacityBytes = bench.disk.image.usedBytes();
  const back = bench.open();
  expect([back.error, back.missing, back.indexes.length]).toEqual([null, [], 10]);
});
