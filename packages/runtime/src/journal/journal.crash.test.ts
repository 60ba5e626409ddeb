import type { Done } from "@synod/core";
import { type CrashFate, KEEP_UNSYNCED, LOSE_UNSYNCED, seededFate } from "@synod/simulator";
import { expect, test } from "vitest";
import type { Journal } from "./journal.ts";
import { dyingDisk, numbered } from "./testing/disk-bench.ts";
import { JournalBench, type JournalSettings } from "./testing/journal-bench.ts";
import { JournalModel } from "./testing/journal-model.ts";

/** One thing a scenario does; every step ends with a flush. */
type Step = (journal: Journal, model: JournalModel) => void;

const append =
  (index: number, bytes: number): Step =>
  (journal, model) => {
    journal.append(numbered(index, bytes));
    model.append(index);
  };

const checkpoint =
  (indexes: readonly number[], bytes: number): Step =>
  (journal, model) => {
    journal.checkpoint(indexes.map((index) => numbered(index, bytes)));
    model.checkpoint(indexes);
  };

const fates: readonly CrashFate[] = [
  LOSE_UNSYNCED,
  KEEP_UNSYNCED,
  ...Array.from({ length: 6 }, (_, seed) => seededFate(seed + 1)),
];

/**
 * Dies in front of the k-th port call, for every k until the scenario survives. Each time the power
 * loss is tried in several ways; the journal must come back with all that was acknowledged, nothing
 * missing, and take new records that are there the next time, after another power loss.
 */
function crashEverywhere(
  settings: Partial<JournalSettings>,
  before: readonly Step[],
  steps: readonly Step[],
  ways: readonly CrashFate[] = fates,
): number {
  for (let calls = 0; ; calls += 1) {
    const bench = new JournalBench(settings, calls + 1);
    const model = new JournalModel();
    const early = bench.open().journal;
    for (const step of before) {
      step(early, model);
      const durable = model.flush();
      expect(bench.flush(early)).toBe(null);
      durable();
    }
    bench.disk.kill();
    const dying = dyingDisk(bench.disk.attach(), calls);
    play(bench, bench.journal(dying.disk), model, steps);
    bench.run();
    bench.disk.kill();
    const image = bench.disk.copy();
    for (const [way, fate] of ways.entries()) {
      bench.disk.restore(image);
      bench.disk.crash(fate);
      checkComeback(bench, model, `call ${calls}, fate ${way}`);
    }
    if (!dying.dead()) return calls;
  }
}

function play(
  bench: JournalBench,
  journal: Journal,
  model: JournalModel,
  steps: readonly Step[],
): void {
  const next = (at: number): void => {
    const step = steps[at];
    if (step === undefined) return;
    step(journal, model);
    const durable = model.flush();
    const flushed: Done = (error) => {
      expect(error).toBe(null);
      durable();
      bench.defer(() => next(at + 1));
    };
    journal.flush(flushed);
  };
  journal.recover(
    () => {},
    (error) => {
      expect(error).toBe(null);
      next(0);
    },
  );
}

function checkComeback(bench: JournalBench, model: JournalModel, where: string): void {
  const back = bench.open();
  expect(back.error, where).toBe(null);
  expect(back.missing, where).toEqual([]);
  expect(model.problem(back.indexes), where).toBe(null);
  bench.write(back.journal, numbered(9001), numbered(9002, 2000));
  bench.write(back.journal, numbered(9003));
  bench.disk.crash(LOSE_UNSYNCED);
  const later = bench.open();
  expect(later.missing, where).toEqual([]);
  expect(later.indexes, where).toEqual([...back.indexes, 9001, 9002, 9003]);
}

for (const preallocate of [true, false]) {
  const mode = preallocate ? "preallocated" : "growing";

  test(`append, ${mode}: a crash at every port call loses nothing acknowledged`, () => {
    const steps = [append(3, 20), append(4, 3000), append(5, 600), append(6, 20)];
    const calls = crashEverywhere(
      { preallocate, segmentBytes: 16_384 },
      [append(1, 20), append(2, 600)],
      steps,
    );
    expect(calls).toBeGreaterThan(8);
  });

  test(`roll of the journal, ${mode}: a crash at every port call`, () => {
    const steps = Array.from({ length: 6 }, (_, index) => append(10 + index, 700 + index * 100));
    const calls = crashEverywhere({ preallocate, segmentBytes: 3072 }, [append(1, 20)], steps);
    expect(calls).toBeGreaterThan(20);
  });

  test(`checkpoint, ${mode}: a crash at every port call`, () => {
    const before = [append(1, 2000), append(2, 2000), append(3, 20)];
    const steps = [
      append(4, 20),
      checkpoint([100, 101, 102], 1200),
      append(5, 20),
      checkpoint([200], 20),
      append(6, 600),
    ];
    const calls = crashEverywhere({ preallocate, segmentBytes: 4096 }, before, steps);
    expect(calls).toBeGreaterThan(20);
  });
}

test("a checkpoint of several blocks: a crash at every port call", () => {
  const many = Array.from({ length: 4100 }, (_, index) => 300 + index);
  const calls = crashEverywhere(
    { preallocate: false, segmentBytes: 4096 },
    [append(1, 2000)],
    [checkpoint(many, 4), append(5, 20)],
    fates.slice(0, 6),
  );
  expect(calls).toBeGreaterThan(12);
});
